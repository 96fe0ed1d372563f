"""Lines for a person; stdout is left to what was asked for, such as --json."""

import sys
from collections.abc import Iterator, Sequence

from tswizard.core.model.finding import Finding, Level
from tswizard.core.model.wording import number
from tswizard.core.report.checklist import Checklist

_DETAILS = 20
"""Lines below one; the report has them all."""

_GRAVE = (Level.FAIL, Level.LOOK)


def say(text: str) -> None:
    """One line."""
    print(text, file=sys.stderr, flush=True)


def say_finding(finding: Finding, *, reported: bool = False) -> None:
    """A finding; of one that needs a look, also why, what to do and some details.

    `reported` for one of a run, whose report has all of them.
    """
    grave = finding.level in _GRAVE
    where = f" ({finding.where})" if grave and finding.where not in finding.what else ""
    say(f"{finding.level.upper():<5} {finding.what}{where}")
    if grave:
        for text in filter(None, (finding.why, finding.todo)):
            say(f"      {text}")
        # One that refuses the run before there is a report is told in full: here or nowhere.
        most = None if finding.level is Level.FAIL and not reported else 5
        details = tuple(f"- {detail}" for detail in finding.details)
        for text in shortened(details, most, "in the report" if reported else ""):
            say(f"      {text}")


def shortened(lines: Sequence[str], most: int | None = _DETAILS, where: str = "") -> Iterator[str]:
    """The first of them, and how many more there are `where`; all of them where `most` is None."""
    yield from lines[:most]
    if most is not None and len(lines) > most:
        yield f"… and {number(len(lines) - most)} more" + (f" ({where})" if where else "")


def checklist_lines(checklist: Checklist) -> Iterator[str]:
    """The checklist as the screens have it: what was found with what to do about it, the first
    thing to do, and what is left to the user with its statements."""
    for line in checklist.lines:
        yield f"{line.level.upper():<5} {line.text}"
        if line.level in _GRAVE:
            yield from (f"      {text}" for text in shortened(line.details, where="in the report"))
            if line.todo:
                yield f"      → {line.todo}"
    if checklist.next:
        yield f"First: {checklist.next}"
    if checklist.todo:
        yield "For you to do:"
    for place, todo in enumerate(checklist.todo, 1):
        yield f"{place:>3}. {todo.text}"
        copied = shortened(todo.copy.splitlines(), where="in the report")
        yield from (f"       {text}" for text in copied)
