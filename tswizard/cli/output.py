"""Lines for a person; stdout is left to what was asked for, such as --json."""

import errno
import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from io import TextIOWrapper
from typing import TextIO

import click

from tswizard.core.model.finding import Finding, Level
from tswizard.core.model.wording import number
from tswizard.core.report.checklist import Checklist
from tswizard.exit_codes import Exit
from tswizard.wizard.text import shown_lines

_DETAILS = 20
"""Lines below one; the report has them all."""

_GRAVE = (Level.FAIL, Level.LOOK)


def say(text: str) -> None:
    """One line. When nobody reads anymore, it is dropped: what a run says is in its log, and the
    run continues."""
    if sys.stderr is None:  # closed by whoever started this
        return
    try:
        print(shown_lines(text), file=sys.stderr, flush=True)
    except OSError:
        _drop(sys.stderr)


def show(lines: Iterable[str]) -> None:
    """What was asked for, to be read by a person: names in it are shown, never obeyed."""
    put("".join(f"{shown_lines(line)}\n" for line in lines))


def put(text: str) -> None:
    """What was asked for, as it is. Whoever reads it may stop before its end.

    Raises click.exceptions.Exit where it cannot be written.
    """
    if sys.stdout is None:
        return
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except OSError as error:
        _drop(sys.stdout)
        if error.errno == errno.EPIPE:
            return
        say(f"The output cannot be written: {error.strerror}.")
        raise click.exceptions.Exit(Exit.REFUSED) from None


def in_terminal() -> bool:
    """Do standard input and output lead to a terminal? What was closed does not."""
    return all(stream is not None and stream.isatty() for stream in (sys.stdin, sys.stdout))


def tolerate() -> None:
    """From now on, what the locale's encoding lacks is a question mark instead of an error."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")


def _drop(stream: TextIO) -> None:
    """From now on to nobody. Without this, what is still buffered would be an error at the end."""
    nobody = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nobody, stream.fileno())
    os.close(nobody)


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
