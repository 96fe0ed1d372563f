"""A log from a file: decoded, counted, bounded."""

import json
from collections.abc import Iterator
from dataclasses import asdict
from io import BytesIO

import pytest

from tests.support.rule_examples import copy
from tswizard.core.classify import log
from tswizard.core.classify.encoding import MAX_LINE_BYTES, LogReader
from tswizard.core.classify.log import LogReport, classify_log
from tswizard.core.model.verdict import Verdict


def report(text: str | bytes, **context: str) -> LogReport:
    raw = text if isinstance(text, bytes) else text.encode()
    return classify_log(LogReader(BytesIO(raw)), **context)


def test_counts_and_tools() -> None:
    found = report(
        "pg_dump: reading schemas\n"
        "pg_restore: WARNING:  nobody knows\n"
        + copy("t", "bad").replace("restore: 1", "restore: 2")
    )
    assert found.tools == ("pg_dump", "pg_restore")
    assert (found.safe, found.later, found.look, found.lost) == (0, 0, 2, 1)
    assert (found.lines, found.errors, found.worst) == (6, 1, Verdict.LOST)
    assert [one.rule for one in found.judged] == ["", "copy-failed", "error-sum"]


@pytest.mark.parametrize("text", ["", "\n\r\n \n", b"\xff\xfe"])
def test_an_empty_log_needs_a_look(text: str | bytes) -> None:
    found = report(text)
    assert (found.worst, found.tools) == (Verdict.LOOK, ())
    assert [one.rule for one in found.judged] == ["log-empty"]


@pytest.mark.parametrize(
    "text",
    [
        "Starting the nightly job\nEverything went well\n",
        bytes(range(256)) * 20,
        b"\x1f\x8b\x08\x00" + bytes(n * 7 % 256 for n in range(4000)),
        b"PGDMP\x01\x0e\x00\x04\x08\x01\x01\x01\x00\n\x00\x00",
        '{"a": 1}\n{"b": 2}\n',
    ],
)
def test_a_log_that_was_not_understood_needs_a_look(text: str | bytes) -> None:
    found = report(text)
    assert found.worst is Verdict.LOOK
    assert found.judged[-1].rule == "log-unknown"


def test_a_log_that_was_understood_says_how_much_of_it() -> None:
    found = report(copy("t", "bad") + "and something else\n")
    assert (found.lines, found.recognized) == (5, 4)
    assert "log-unknown" not in [one.rule for one in found.judged]


def test_what_only_a_database_could_tell_is_counted() -> None:
    text = 'pg_restore: WARNING:  no privileges were granted for "x"\n'
    assert report(text).unproven == 1
    assert report(text).look == 1


def test_bytes_that_are_no_text_stay_readable() -> None:
    found = report(b'pg_restore: WARNING:  caf\xe9 "\xff"\r\n')
    assert found.judged[0].message == 'caf\\xe9 "\\xff"'
    json.dumps(asdict(found)).encode()


def test_line_separators_of_other_kinds_end_no_line() -> None:
    found = report("pg_restore: WARNING:  a\u2028b\x0bc\n")
    assert found.lines == 1
    assert found.judged[0].message == "a\u2028b\x0bc"


def test_a_last_line_without_its_end_may_be_cut() -> None:
    text = 'WARNING:  skipping "pg_authid" --- only superuser can analyze it'
    assert report(f"{text}\n").worst is Verdict.SAFE
    assert report(text).worst is Verdict.LOOK


def test_a_line_of_any_length_is_read_in_pieces() -> None:
    long = b"pg_restore: WARNING:  " + b"x" * (3 * MAX_LINE_BYTES) + b"\n"
    found = report(long + b"pg_restore: reading schemas\n")
    assert found.lines == 5
    assert found.worst is Verdict.LOOK
    assert sum(map(len, found.judged[0].detail)) < 5000


def test_a_report_keeps_so_many_and_every_lost_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log, "MAX_MESSAGES", 10)

    def lines() -> Iterator[str]:
        for number in range(100):
            yield f"pg_restore: WARNING:  nobody knows {number}\n"
        yield 'pg_restore: error: COPY failed for table "t": ERROR:  x\n'

    found = classify_log(lines())
    assert found.look == 101
    assert len(found.judged) + found.left_out == found.look + found.lost
    assert [one.relation for one in found.judged if one.verdict is Verdict.LOST] == ["t"]
    assert len(found.judged) == 11


def test_a_report_is_plain_data() -> None:
    found = json.loads(json.dumps(asdict(report(copy("t", "bad"), method="full", phase="data"))))
    assert found["worst"] == "lost"
    assert found["judged"][0]["verdict"] == "lost"
    assert found["judged"][0]["method"] == "full"
