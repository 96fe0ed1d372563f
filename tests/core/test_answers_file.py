"""The answers file: what is refused, by name, and what the defaults are."""

import tomllib
from dataclasses import asdict
from pathlib import Path

import pytest

from tswizard.answers_file import BadAnswers, load
from tswizard.core.methods import METHODS
from tswizard.core.model.answers import Answers
from tswizard.core.run.method import Method
from tswizard.questions import QUESTIONS, question

ENDS = """
[source]
conninfo = "host=/tmp dbname=defaultdb"
[target]
conninfo = "postgresql://tsdbadmin@cloud.example.com:5432/tsdb"
confirm = "tsdb"
"""


def write(folder: Path, text: str) -> Path:
    path = folder / "answers.toml"
    path.write_text(text)
    return path


def test_only_the_ends_are_needed(tmp_path: Path) -> None:
    request = load(write(tmp_path, ENDS))
    assert request.answers == Answers()
    assert request.recommended
    assert request.source is not None and request.source.get("dbname") == "defaultdb"
    assert request.target is not None and request.target.get("sslmode") == "require"
    assert request.confirm == "tsdb"


def test_the_method_is_recommended_unless_it_is_named(tmp_path: Path) -> None:
    for text, asked in (('"recommended"', True), ('"full"', False), ('"split"', False)):
        request = load(write(tmp_path, f"{ENDS}[answers]\nmethod = {text}\n"))
        assert request.recommended is asked
        assert asked or request.answers.method == text.strip('"')
    assert question("answers", "method") is not None


def test_a_range_may_be_a_number_as_the_docs_have_it(tmp_path: Path) -> None:
    for text in ("86400", '"86400"'):
        assert load(write(tmp_path, f"{ENDS}[answers]\npiece = {text}\n")).answers.piece == "86400"


def test_the_mark_of_an_editor_is_no_part_of_the_text(tmp_path: Path) -> None:
    path = tmp_path / "answers.toml"
    path.write_text(ENDS, encoding="utf-8-sig")
    assert load(path).answers == Answers()


def test_a_demo_needs_nothing(tmp_path: Path) -> None:
    request = load(write(tmp_path, "[answers]\njobs = 2\n"), demo=True)
    assert (request.source, request.target, request.answers.jobs) == (None, None, 2)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "source.conninfo is missing"),
        (ENDS.replace('confirm = "tsdb"', ""), "target.confirm is missing"),
        (ENDS + "[answer]\njobs = 1\n", "Did you mean answers.jobs?"),
        ("jobs = 1\n" + ENDS, "jobs is outside of a table"),
        (ENDS + "[answers]\njobs = true\n", "True is not a whole number"),
        (ENDS + "[answers]\njobs = 65\n", "between 1 and 64 jobs"),
        (ENDS + '[answers]\nverify = "no"\n', '"no" is not one of checksum, count'),
        (ENDS + "[answers]\nkeep_dumps = 1\n", "1 is not true or false"),
        (ENDS + '[answers]\ntime_limit = "soon"\n', '"soon" is not a time; write it like "1h"'),
        (ENDS + '[answers]\nmethod = "best"\n', "not one of recommended, full, split"),
        (ENDS.replace("host=/tmp dbname=defaultdb", "nonsense ="), "source.conninfo"),
        (ENDS.replace("[source]", '[source]\npassword = "x"'), "Put the password into ~/.pgpass"),
        (ENDS + "[answers\n", "is not TOML"),
        (f"{ENDS}[answers]\njobs = {'9' * 5000}\n", "a number with too many digits"),
        (f"{ENDS}[answers]\npolicies = {'[' * 5000}\n", "nested too deeply"),
        (ENDS + "[answers]\npiece = true\n", "True is not text in quotes"),
        (ENDS + "[answers]\npiece = 0\n", "more than 0"),
        (f"{ENDS}[answers]\npiece = '{'9' * 5000}'\n", "a whole number of at most 18 digits"),
        (ENDS + "[answers]\ntime_limit = 3600\n", "3600 is not text in quotes"),
        (ENDS + "[answers]\nstaging = '~nobodyx/foo'\n", "~nobodyx/foo is not a folder"),
        (f"{ENDS}[answers]\nstaging = '/{'x' * 300}'\n", "is not a folder"),
    ],
)
def test_what_is_refused(tmp_path: Path, text: str, says: str) -> None:
    path = write(tmp_path, text)
    with pytest.raises(BadAnswers) as refused:
        load(path)
    assert str(refused.value).startswith(str(path))
    assert says in str(refused.value)
    assert "\n" not in str(refused.value).removeprefix(str(path))


def test_a_file_that_is_not_there_or_no_text(tmp_path: Path) -> None:
    with pytest.raises(BadAnswers, match="cannot be read"):
        load(tmp_path / "none.toml")
    (tmp_path / "bytes.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(BadAnswers, match="UTF-8"):
        load(tmp_path / "bytes.toml")


def test_every_answer_has_a_question_and_every_question_an_answer() -> None:
    asked = {q.key for q in QUESTIONS if q.section == "answers"}
    assert asked == set(asdict(Answers()))
    for q in QUESTIONS:
        if q.section == "answers":
            assert q.default == (q.own_default or getattr(Answers(), q.key))
            assert q.check(q.default) is None


@pytest.mark.parametrize("method", METHODS, ids=lambda method: method.name)
def test_what_only_one_method_asks_is_a_question_and_says_so(method: Method) -> None:
    assert all(question("answers", key) for key in method.asks)
    led = {q.key for q in QUESTIONS if q.text.startswith(f"{method.name.capitalize()}: ")}
    assert led <= method.asks


def test_the_docs_show_every_key_with_its_default(tmp_path: Path) -> None:
    text = Path("docs/commands.md").read_text()
    block = text.split("```toml")[1].split("```")[0]
    shown = tomllib.loads(block)
    assert shown["answers"] == asdict(Answers()) | {"method": "recommended"}
    assert all(question(section, key) for section, keys in shown.items() for key in keys)
    load(write(tmp_path, block))
