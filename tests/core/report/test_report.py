"""The report as JSON and as Markdown."""

import json
import os
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.support.sample_outcome import judged, outcome
from tswizard.core.model.events import StepState
from tswizard.core.model.finding import Finding, Level
from tswizard.core.model.outcome import Outcome, RangeRows, StepOutcome, TableRows
from tswizard.core.model.verdict import Verdict
from tswizard.core.report.report import BadReport, from_json, to_json, to_markdown, write_report

WHOLE = outcome(
    Finding(
        Level.FAIL,
        "rows-lost",
        "public.m: 5 missing",
        where="b",
        why="COPY failed",
        todo="Do.",
        details=("[1, 2)",),
    ),
    result=Level.FAIL,
    seconds=6421.0,
    started=1_790_000_000.0,
    steps=(
        StepOutcome("dump", StepState.DONE, 63.0, "Dump the source"),
        StepOutcome("older", StepState.DONE, 1.0),
    ),
    judged=(
        judged(
            Verdict.LOST,
            message='COPY failed for table "_hyper_1_2_chunk"',
            rule="copy-failed",
            reason="Rows of public.m.",
            object="TABLE DATA _hyper_1_2_chunk",
        ),
        judged(Verdict.SAFE, message="must be owner of extension timescaledb", rule="ext-owner"),
        judged(Verdict.SAFE, message="must be owner of extension timescaledb", rule="ext-owner"),
    ),
    tables=(
        TableRows(
            name="public.m",
            source_rows=10,
            target_rows=5,
            equal=False,
            newer_on_source=7,
            differing=(
                RangeRows(
                    range="[1, 2)",
                    source_rows=10,
                    target_rows=5,
                    equal=False,
                    chunks=("i._hyper_1_2_chunk",),
                ),
            ),
        ),
    ),
    skipped=("jobs stay paused",),
    todo=(("Point applications at b", "host=b"), ("Keep a", "")),
    dump="/run/dump",
)


def test_the_json_has_what_is_promised() -> None:
    data = to_json(WHOLE)
    assert (
        data
        | {
            "run": "run-1",
            "result": "fail",
            "method": "full",
            "seconds": 6421.0,
            "steps": [
                {"name": "dump", "state": "done", "seconds": 63.0, "title": "Dump the source"},
                {"name": "older", "state": "done", "seconds": 1.0, "title": ""},
            ],
            "verdicts": {"safe": 2, "later": 0, "look": 0, "lost": 1},
        }
        == data
    )
    assert {"level", "what", "where", "why", "todo"} <= data["findings"][0].keys()
    promised = {"verdict", "rule", "tool", "phase", "object", "message", "reason"}
    assert promised <= data["errors"][0].keys()
    assert data["tables"][0] == {
        "name": "public.m",
        "source_rows": 10,
        "target_rows": 5,
        "equal": False,
        "newer_on_source": 7,
        "differing": [
            {
                "range": "[1, 2)",
                "source_rows": 10,
                "target_rows": 5,
                "equal": False,
                "chunks": ["i._hyper_1_2_chunk"],
            }
        ],
        "pieces": None,
        "pieces_failed": None,
        "retries": None,
        "bytes_copied": None,
    }
    json.dumps(data)


def test_every_field_of_the_json_is_documented() -> None:
    text = (Path(__file__).parents[3] / "docs" / "report.md").read_text(encoding="utf-8")
    data = to_json(WHOLE)
    names = set(data) | {
        name for part in ("steps", "findings", "errors", "tables", "todo") for name in data[part][0]
    }
    names |= set(data["tables"][0]["differing"][0])
    assert {name for name in names if f"`{name}`" not in text} == set()


def test_an_outcome_survives_its_report() -> None:
    again = from_json(json.dumps(to_json(WHOLE)))
    assert again == WHOLE
    assert to_json(again) == to_json(WHOLE)


def test_a_report_of_later_days_is_read_too() -> None:
    data = to_json(WHOLE) | {"something": "new"}
    assert from_json(json.dumps(data)) == WHOLE


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"run": 1}', "not json"])
def test_what_is_no_report_is_refused_in_a_sentence(text: str) -> None:
    with pytest.raises(BadReport, match="not a report of tswizard"):
        from_json(text)


@pytest.fixture
def in_summer(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Two hours ahead of UTC."""
    with monkeypatch.context() as changed:
        changed.setenv("TZ", "XYZ-2")
        time.tzset()
        yield
    time.tzset()


@pytest.mark.usefixtures("in_summer")
def test_the_markdown_tells_the_whole() -> None:
    text = to_markdown(WHOLE, "/run/report.md")
    assert text.startswith("# Migration run-1\n\n**FAIL: Finished, but something was lost")
    for expected in (
        "- Source: a:5432/defaultdb",
        "- Started: 2026-09-21 16:13:20 UTC+02:00",
        "- Took: 1 h 47 min",
        "- **FAIL** rows: public.m: 5 missing",
        "- **SKIP** jobs stay paused",
        "- [ ] Point applications at b\n\n```\nhost=b\n```",
        "- [ ] Keep a\n",
        "### FAIL: public.m: 5 missing\n\n- Where: b\n- Why: COPY failed\n- What to do: Do.\n",
        "```\n[1, 2)\n```",
        "| public.m | 10 | 5 | **no** | +7 |",
        "| SAFE | 2 | pg_restore: must be owner of extension timescaledb |",
        "| Dump the source | done | 1 min 3 s |",
        "| older | done | 1.0 s |",
        "- dump: `/run/dump`",
    ):
        assert expected in text


def test_pieces_and_retries_of_a_split_migration_are_told() -> None:
    table = replace(WHOLE.tables[0], pieces=1412, pieces_failed=1, retries=3, bytes_copied=9)
    outcome = replace(WHOLE, method="split", tables=(table, replace(table, pieces=None)))
    told = to_json(outcome)["tables"][0]
    assert [told[name] for name in ("pieces", "pieces_failed", "retries", "bytes_copied")] == [
        1412,
        1,
        3,
        9,
    ]
    text = to_markdown(outcome)
    assert "| Newer on the source | Pieces | Failed | Retries |" in text
    assert "| +7 | 1,412 | 1 | 3 |" in text
    assert from_json(json.dumps(to_json(outcome))) == outcome
    assert "Pieces" not in to_markdown(WHOLE)


def test_names_are_no_markdown() -> None:
    evil = "a|b `c` _d_ *e* <f> [g](h)\n# i"
    text = to_markdown(
        replace(
            WHOLE,
            tables=(TableRows(name=evil, source_rows=1, target_rows=1, equal=True),),
            findings=(Finding(Level.LOOK, "x", evil, details=("```", evil)),),
        )
    )
    row = next(line for line in text.splitlines() if "| 1 | 1 |" in line)
    assert row == r"| a\|b \`c\` \_d\_ \*e\* \<f> \[g](h) # i | 1 | 1 | yes |  |"
    assert "````\n```\n" in text


def test_both_files_are_there_whole_and_nothing_else(tmp_path: Path) -> None:
    path = write_report(WHOLE, tmp_path)
    write_report(WHOLE, tmp_path)
    assert path == tmp_path / "report.md"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["report.json", "report.md"]
    assert from_json((tmp_path / "report.json").read_bytes()) == WHOLE


def test_a_report_that_cannot_be_written_leaves_the_old_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_report(WHOLE, tmp_path)
    before = {p.name: p.read_bytes() for p in tmp_path.iterdir()}

    def full(_handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        write_report(replace(WHOLE, run="other"), tmp_path)
    assert {p.name: p.read_bytes() for p in tmp_path.iterdir()} == before


def test_a_run_that_did_nothing_can_be_reported() -> None:
    empty: Outcome = outcome()
    assert from_json(json.dumps(to_json(empty))) == empty
    assert "## Checked by tswizard" in to_markdown(empty)
