"""What an unattended run prints while it runs and at its end, and a finding with many details."""

import time

import pytest

from tests.support.sample_outcome import outcome
from tswizard.cli.output import checklist_lines, say_finding
from tswizard.cli.watch import RunPrinter
from tswizard.core.model.estimate import SecondsRange
from tswizard.core.model.events import (
    RunStarted,
    StepProgress,
    StepStarted,
    StepState,
    Unit,
)
from tswizard.core.model.finding import Finding, Level
from tswizard.core.report.checklist import checklist

AT = time.mktime((2026, 1, 5, 14, 0, 0, 0, 0, -1))
MIB = 1 << 20


def progress(at: float, done: int) -> StepProgress:
    """Of a step with 1,400 MiB, in MiB."""
    return StepProgress(
        at, step="copy", done=done * MIB, total=1400 * MIB, unit=Unit.BYTES, what="t"
    )


def test_a_step_says_its_rate_and_when_it_ends(capsys: pytest.CaptureFixture[str]) -> None:
    printer = RunPrinter({"copy": SecondsRange(600, 1200), "check": SecondsRange(300, 600)})
    steps = (
        ("copy", "Copy tables", StepState.PENDING),
        ("check", "Compare", StepState.PENDING),
    )
    printer.show(RunStarted(AT, "run-1", steps))
    printer.show(StepStarted(AT, "copy"))
    for second, done in ((1, 0), (11, 100), (21, 200)):
        printer.show(progress(AT + second, done))
    assert capsys.readouterr().err.splitlines() == [
        "run     run-1",
        "▸ Copy tables",
        "  expected end of the run: 14:15 to 14:30",
        "  100.0 MiB of 1.4 GiB, 10.0 MiB/s, 2 min 10 s left, until 14:02 t",
        "  200.0 MiB of 1.4 GiB, 10.0 MiB/s, 2 min 0 s left, until 14:02 t",
    ]


def test_what_nobody_estimated_has_no_end(capsys: pytest.CaptureFixture[str]) -> None:
    printer = RunPrinter({})
    printer.show(RunStarted(AT, "run-1", (("copy", "Copy tables", StepState.PENDING),)))
    printer.show(StepStarted(AT, "copy"))
    assert "expected" not in capsys.readouterr().err


def test_the_end_has_what_the_check_screen_has() -> None:
    differs = Finding(
        Level.FAIL,
        "rows",
        "public.t: 3 rows are missing",
        todo="Copy them again.",
        details=tuple(f"chunk {n}" for n in range(25)),
    )
    grants = Finding(
        Level.LOOK,
        "schema-grant",
        "1 grant is missing",
        details=("GRANT SELECT ON t TO a;", "GRANT SELECT ON t TO b;"),
    )
    made = outcome(differs, grants, result=Level.FAIL, todo=(("Delete the source", "DROP it"),))
    lines = list(checklist_lines(checklist(made)))
    at = lines.index("FAIL  rows: public.t: 3 rows are missing")
    assert lines[at + 20 : at + 23] == [
        "      chunk 19",
        "      … and 5 more (in the report)",
        "      → Copy them again.",
    ]
    assert lines[lines.index("First: Copy them again.") :] == [
        "First: Copy them again.",
        "For you to do:",
        "  1. Repeat the missing grants on the target",
        "       GRANT SELECT ON t TO a;",
        "       GRANT SELECT ON t TO b;",
        "  2. Delete the source",
        "       DROP it",
    ]


@pytest.mark.parametrize(
    ("level", "reported", "last"),
    [
        (Level.LOOK, False, "      … and 2 more"),
        (Level.FAIL, False, "      - statement 6"),
        (Level.FAIL, True, "      … and 2 more (in the report)"),
    ],
)
def test_details_are_never_cut_in_silence(
    level: Level, reported: bool, last: str, capsys: pytest.CaptureFixture[str]
) -> None:
    details = tuple(f"statement {n}" for n in range(7))
    say_finding(Finding(level, "x", "Something.", details=details), reported=reported)
    assert capsys.readouterr().err.splitlines()[-1] == last
