"""The last screen's lines, from outcomes that are given."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.sample_outcome import judged, outcome
from tswizard.core.model.finding import Finding, Level
from tswizard.core.model.judged import JudgedMessage, Severity, SumCheck
from tswizard.core.model.outcome import TableRows
from tswizard.core.model.verdict import Verdict
from tswizard.core.report.checklist import CHECKED, Checklist, checklist, result_of
from tswizard.core.report.report import to_markdown

_ROWS = Finding(Level.PASS, CHECKED, "38 of 38 tables equal, 809,421 rows counted and checksummed")


def passed(id: str, what: str) -> Finding:
    return Finding(Level.PASS, id, what)


def texts(made: Checklist) -> list[str]:
    return [f"{line.level.upper()} {line.text}" for line in made.lines]


def test_what_is_right_is_one_line_a_group_and_names_the_rest_in_its_details() -> None:
    made = checklist(
        outcome(
            passed("schema-table", "41 of 41 tables (and 12 inside TimescaleDB)"),
            passed("schema-column", "200 of 200 columns"),
            passed("schema-foreign-key", "12 of 12 foreign keys"),
            passed("schema-index", "63 of 63 indexes"),
            passed("schema-enum", "1 of 1 enum"),
            passed("schema-hypertable", "3 of 3 hypertables"),
            passed("schema-continuous-aggregate", "1 of 1 continuous aggregate"),
            passed("schema-job", "6 of 6 policies and jobs"),
            passed("schema-sequence-value", "17 of 17 sequence values"),
            _ROWS,
        )
    )
    assert texts(made) == [
        "PASS schema: 41 of 41 tables, 12 of 12 foreign keys, 63 of 63 indexes, "
        "2 more kinds of objects",
        "PASS hypertables: 3 of 3",
        "PASS continuous aggregates: 1 of 1",
        "PASS policies: 6 of 6",
        "PASS sequences: 17 of 17",
        "PASS rows: 38 of 38 tables equal, 809,421 rows counted and checksummed",
        "PASS errors: pg_dump and pg_restore reported none",
    ]
    assert "41 of 41 tables (and 12 inside TimescaleDB)" in made.lines[0].details
    assert made.count(Level.PASS) == 7


def test_what_is_wrong_has_its_own_line_with_its_objects_and_what_to_do() -> None:
    wrong = Finding(
        Level.FAIL, "schema-index", "62 of 63 indexes, 1 missing", todo="Make it.", details=("a.i",)
    )
    made = checklist(outcome(passed("schema-table", "1 of 1 table"), wrong))
    assert texts(made)[:2] == [
        "PASS schema: 1 of 1 table",
        "FAIL schema: 62 of 63 indexes, 1 missing",
    ]
    assert made.lines[1].details == ("a.i",)
    assert made.lines[1].todo == "Make it."


def test_what_the_user_left_out_is_a_line_to_skip() -> None:
    made = checklist(outcome(skipped=("jobs stay paused on the target",)))
    assert texts(made)[-1] == "SKIP jobs stay paused on the target"


@pytest.mark.parametrize(
    ("verdicts", "line"),
    [
        (
            [Verdict.SAFE] * 4 + [Verdict.LATER],
            "PASS errors: pg_restore ignored 5; all are explained",
        ),
        (
            [Verdict.SAFE, Verdict.LOOK],
            "LOOK errors: pg_restore ignored 2: 1 explained, 1 needs a look",
        ),
        (
            [Verdict.SAFE, Verdict.LOOK, Verdict.LOST],
            "FAIL errors: pg_restore ignored 3: 1 explained, 1 needs a look, 1 lost something",
        ),
    ],
)
def test_errors_are_counted_against_their_rules(verdicts: list[Verdict], line: str) -> None:
    made = checklist(outcome(judged=tuple(judged(v, object="a.b") for v in verdicts)))
    assert [text.removesuffix("; lost: a.b") for text in texts(made)] == [line]
    assert len(made.lines[0].details) == sum(not v.explained for v in verdicts)


def closing(reported: int) -> JudgedMessage:
    """pg_restore's last line, of a log with one error."""
    return judged(
        Verdict.LOOK,
        severity=Severity.WARNING,
        counts_as_error=False,
        message=f"errors ignored on restore: {reported}",
        sum=SumCheck(reported=reported, seen=1, low=1, high=1, parallel=False, whole=True),
    )


def test_a_sum_that_agrees_is_no_problem_of_its_own() -> None:
    error = judged(Verdict.LOOK, object="a.b")
    made = checklist(outcome(judged=(error, closing(1))))
    assert texts(made) == ["LOOK errors: pg_restore ignored 1: 0 explained, 1 needs a look"]
    assert len(made.lines[0].details) == 1
    assert result_of((), (error, closing(1)), ()) is Level.LOOK
    (text,) = texts(checklist(outcome(judged=(error, closing(2)))))
    assert text.endswith("1 needs a look; 1 warning to look at")


def test_a_warning_that_no_rule_knows_is_no_error_and_no_pass() -> None:
    warning = judged(Verdict.LOOK, counts_as_error=False, tool="pg_dump")
    assert texts(checklist(outcome(judged=(warning,)))) == [
        "LOOK errors: pg_dump and pg_restore reported none; 1 warning to look at"
    ]


def test_forty_chunks_of_a_hypertable_are_one_line_that_names_it() -> None:
    lost = [
        judged(
            Verdict.LOST,
            rule="copy-failed",
            object="hypertable public.metrics",
            message=f"COPY failed for table _hyper_1_{n}_chunk",
            reason=f"The hypertable public.metrics lost rows: _hyper_1_{n}_chunk is a chunk of it.",
            schema="_timescaledb_internal",
            relation=f"_hyper_1_{n}_chunk",
        )
        for n in range(40)
    ]
    other = judged(Verdict.LOST, rule="copy-failed", object="TABLE DATA public.sites")
    (line,) = checklist(outcome(judged=(*lost, other))).lines
    assert line.level is Level.FAIL
    assert line.text.endswith(
        "; lost: hypertable public.metrics (40 chunks), TABLE DATA public.sites"
    )
    assert len(line.details) == 3
    assert "(40 messages)" in line.details[0]
    for n in range(40):
        assert f"_timescaledb_internal._hyper_1_{n}_chunk" in line.details[1]


def test_messages_that_no_rule_knows_stay_apart() -> None:
    unknown = [judged(Verdict.LOOK, message=text) for text in ("one", "another", "one")]
    (line,) = checklist(outcome(judged=tuple(unknown))).lines
    assert line.details == ("LOOK (2 messages) one", "LOOK another")


def test_findings_of_one_kind_are_one_line_from_four_on_and_each_is_named() -> None:
    def differ(count: int) -> Checklist:
        return checklist(
            outcome(
                *(
                    Finding(
                        Level.FAIL,
                        "rows-differ",
                        f"public.t{n}: 1 missing",
                        todo="Restore again.",
                        details=(f"range {n}",),
                    )
                    for n in range(count)
                )
            )
        )

    assert differ(3).count(Level.FAIL) == 3
    (line,) = differ(4).of(Level.FAIL)
    assert line.text == "rows: public.t0: 1 missing; 3 more like this"
    assert line.todo == "Restore again."
    for n in range(4):
        assert f"public.t{n}: 1 missing" in line.details and f"  range {n}" in line.details


def test_what_is_to_be_done_first_is_about_rows_before_objects() -> None:
    index = Finding(Level.FAIL, "schema-index", "62 of 63 indexes", todo="Make it.")
    total = Finding(Level.FAIL, CHECKED, "1 of 2 tables equal")
    differs = Finding(Level.FAIL, "rows-differ", "public.t: 1 missing", todo="Do not use it.")
    look = Finding(Level.LOOK, "schema-grant", "1 of 2 grants", todo="Grant it.")
    made = checklist(outcome(look, index, total, differs))
    assert made.next == "Do not use it."
    assert [line.text for line in made.of(Level.FAIL)] == [
        "rows: public.t: 1 missing",
        "schema: 62 of 63 indexes",
        "rows: 1 of 2 tables equal",
    ]
    assert checklist(outcome(look)).next == "Grant it."
    assert checklist(outcome(todo=(("Point applications", ""),))).next == "Point applications"
    assert checklist(outcome()).next == ""


def test_statements_to_run_are_ready_to_copy() -> None:
    made = checklist(
        outcome(
            Finding(Level.LOOK, "schema-grant", "1 of 2 grants", details=("GRANT a;",)),
            Finding(Level.FAIL, "schema-grant", "0 of 2 grants", details=("GRANT b;",)),
            Finding(Level.LOOK, "rows-newer", "public.events +5 rows", details=("SELECT 1;",)),
            Finding(Level.LOOK, "rows-newer", "public.t +5 rows", todo="Copy these rows."),
            todo=(("Point applications at the new host", "host=b"),),
        ),
        "/run/report.md",
    )
    assert [(todo.id, todo.copy) for todo in made.todo] == [
        ("newer-2", "SELECT 1;"),
        ("newer-3", ""),
        ("schema-grant", "GRANT a;\nGRANT b;"),
        ("todo-0", "host=b"),
    ]
    assert [(file.what, file.path) for file in made.files] == [("report", "/run/report.md")]


def test_warnings_that_the_check_has_answered_do_not_stand() -> None:
    warning = Finding(
        Level.LOOK, "source-writes", "The source is being written to.", settled_by_check=True
    )
    assert result_of((warning,), (), ()) is Level.LOOK
    assert result_of((warning, _ROWS), (), ()) is Level.PASS
    (line,) = [
        line for line in checklist(outcome(warning, _ROWS)).lines if "other checks" in line.text
    ]
    assert line.level is Level.PASS
    assert line.details == (warning.what,)


def test_a_warning_that_the_check_cannot_answer_stands() -> None:
    standing = Finding(Level.LOOK, "replication-slots", "Slots are not carried.")
    assert result_of((standing, _ROWS), (), ()) is Level.LOOK


_FINDINGS = st.builds(
    Finding,
    st.sampled_from(Level),
    st.sampled_from(["rows", "schema-index", "source-writes", "x"]),
    st.just("what"),
    settled_by_check=st.booleans(),
)
_TABLES = st.builds(
    TableRows,
    name=st.just("t"),
    source_rows=st.just(1),
    target_rows=st.just(1),
    equal=st.booleans(),
)


@settings(max_examples=200)
@given(
    st.lists(_FINDINGS),
    st.lists(st.sampled_from(Verdict)),
    st.lists(_TABLES),
)
def test_nothing_lost_or_unexplained_ever_passes(
    findings: list[Finding], verdicts: list[Verdict], tables: list[TableRows]
) -> None:
    result = result_of(findings, map(judged, verdicts), tables)
    if Verdict.LOST in verdicts or any(f.level is Level.FAIL for f in findings):
        assert result is Level.FAIL
    elif Verdict.LOOK in verdicts or not all(table.equal for table in tables):
        assert result is Level.LOOK
    elif result is Level.PASS:
        assert all(f.level is not Level.LOOK or f.settled_by_check for f in findings)


@pytest.mark.parametrize("level", Level)
def test_every_result_has_its_sentence_on_screens_and_in_the_report(level: Level) -> None:
    """Also `skip`, which is the result where every check was skipped."""
    made = outcome(Finding(level, "an-id", "something"), result=level)
    sentence = checklist(made).sentence
    assert sentence.endswith(".")
    assert f"**{level.upper()}: {sentence}**" in to_markdown(made)
    assert result_of(made.findings, (), ()) is level
