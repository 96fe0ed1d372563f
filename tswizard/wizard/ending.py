"""How the wizard ends: its exit code, and what is left to say."""

from pathlib import Path
from typing import TYPE_CHECKING

from tswizard.core.model.finding import Level
from tswizard.core.model.outcome import Outcome
from tswizard.exit_codes import Exit

if TYPE_CHECKING:
    from tswizard.core.report.checklist import Checklist


def exit_of(result: Level) -> Exit:
    """The exit code of a finished run."""
    return Exit.PASSED if result is Level.PASS else Exit.LOOK


def exit_after(outcome: Outcome | None) -> Exit:
    """What a run came to; stopped when it came to nothing."""
    return Exit.STOPPED if outcome is None else exit_of(outcome.result)


def resume_hint(run: str, *, demo: bool, plain: bool = False, over: bool = False) -> str:
    """How a run that was stopped is resumed when this program has ended; `over` for a check again
    of one that has finished."""
    if demo:
        return "A run of the demo cannot be resumed after quitting."
    if over:
        return f"Check again later: tswizard check {run}"
    return f"Resume later: tswizard resume {run}{' --plain' if plain else ''}"


def farewell(run: str, folder: Path, outcome: Outcome | None, hint: str) -> str:
    """The last line: what became of the run and where its report is."""
    if outcome is None:
        return f"{run} is stopped. {hint}"
    return f"{run}: {outcome.result}. Report: {folder / 'report.md'}"


def counted(checklist: "Checklist") -> list[str]:
    """How many lines of each level there are, and what is left to do: `2 need a look`."""
    looks = checklist.count(Level.LOOK)
    words = {
        Level.FAIL: "failed",
        Level.LOOK: "needs a look" if looks == 1 else "need a look",
        Level.PASS: "passed",
        Level.SKIP: "skipped",
    }
    parts = [f"{checklist.count(level)} {text}" for level, text in words.items()]
    some = [part for part in parts if not part.startswith("0 ")]
    return [*some, f"{len(checklist.todo)} for you to do"]
