"""Lines of parallel workers come out as they were written, however their pieces got mixed."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from tswizard.core.classify.classifier import Classifier
from tswizard.core.classify.unmix_parallel_output import OutputUnmixer
from tswizard.core.model.judged import JudgedMessage
from tswizard.core.model.verdict import Verdict

INFO = (
    'dumping contents of table "public.sites"',
    "finished item 4711 TABLE DATA sites",
    "NOTICE:  hypertable data are in the chunks, no data will be copied\n"
    "DETAIL:  Data for hypertables are stored in the chunks of a hypertable so COPY TO of a "
    "hypertable will not copy any data.\n"
    'HINT:  Use "COPY (SELECT * FROM <hypertable>) TO ..." to copy all data in hypertable, or '
    "copy each chunk individually.",
)
ERROR = 'Dumping the contents of table "sites" failed: PQgetResult() failed.'


@st.composite
def mixed(draw: st.DrawFn) -> tuple[list[str], list[str]]:
    """Whole messages of several writers, and the lines that their mixed pieces make."""
    writers = draw(
        st.lists(st.lists(st.sampled_from((*INFO, ERROR)), min_size=1, max_size=4), max_size=4)
    )
    queues = []
    for texts in writers:
        pieces = []
        for text in texts:
            severity = ["error: "] if text == ERROR else []
            pieces += ["pg_dump:", " ", *severity, f"{text}\n"]
        queues.append(pieces)
    stream = ""
    while any(queues):
        alive = [queue for queue in queues if queue]
        stream += draw(st.sampled_from(alive)).pop(0)
    return [text for texts in writers for text in texts], stream.splitlines()


@given(mixed())
def test_every_text_comes_out_with_its_prefix(case: tuple[list[str], list[str]]) -> None:
    texts, lines = case
    unmixer = OutputUnmixer()
    out = Counter(unmixer.feed(line) for line in lines)
    wanted: Counter[str] = Counter()
    for text in texts:
        first, *more = text.split("\n")
        wanted[f"pg_dump: {'error: ' if text == ERROR else ''}{first}"] += 1
        wanted.update(more)
    assert out == wanted


def test_what_is_not_mixed_is_left_as_it_is() -> None:
    lines = [
        "pg_restore: while PROCESSING TOC:",
        "pg_restore: from TOC entry 6239; 0 0 COMMENT EXTENSION timescaledb ",
        'pg_restore: error: could not execute query: ERROR:  role "x" does not exist',
        "Command was: GRANT SELECT ON TABLE a TO x;",
        "",
        "",
        "pg_dump: detail: hypertable",
        " indented",
    ]
    unmixer = OutputUnmixer()
    assert [unmixer.feed(line) for line in lines] == lines


def test_the_known_notice_is_safe_when_mixed_too() -> None:
    lines = [
        'pg_dump:pg_dump:pg_dump: dumping contents of table "app.sensors"',
        " NOTICE:  hypertable data are in the chunks, no data will be copied",
        *INFO[2].split("\n")[1:],
        ' dumping contents of table "_timescaledb_internal._hyper_17_202_chunk"',
    ]
    unmixer, classifier = OutputUnmixer(), Classifier("pg_dump", "full", "dump")
    items = [item for line in lines for item in classifier.feed(unmixer.feed(line))]
    judged = [item for item in [*items, *classifier.close()] if isinstance(item, JudgedMessage)]
    assert [item.verdict for item in judged] == [Verdict.SAFE]
