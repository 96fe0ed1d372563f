"""The lines of the run's log as the screen keeps them: the last ones, by filter."""

import re
import textwrap
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum

from tswizard.core.model.events import (
    Event,
    FindingFound,
    LogLine,
    LogVerdict,
    Paused,
    RunStarted,
    StepFinished,
)
from tswizard.core.model.finding import Finding
from tswizard.core.model.judged import JudgedMessage
from tswizard.wizard.text import one_line, time_of_day

MAX_LINES = 100_000
"""Lines kept for the screen; the whole log is on disk."""

HARMLESS = ("SAFE", "LATER", "PASS", "SKIP")
"""Words of errors and findings that nobody has to act on."""

_SLACK = 5_000
"""Lines above the limit before the oldest are dropped, so that it is done seldom."""

_LINE_END = re.compile(r"\s*\n\s*")

WORD = slice(9, 14)
"""Where a line has its word: `14:02:12 SAFE  pg_restore: …`."""

_INDENT = 15
"""Columns before the message."""


class Filter(StrEnum):
    """Which lines are shown."""

    ALL = "all"
    LOOK = "needs a look"
    SAFE = "safe"


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """What there is to explain about an error or a finding."""

    word: str
    """The verdict or the level, in capitals."""
    title: str
    reason: str
    todo: str
    raw: str
    """What the tool printed, and the SQL that failed."""


@dataclass(slots=True)
class FilteredLog:
    """The lines that one filter lets through, the newest `MAX_LINES` or a few more of them."""

    lines: list[str] = field(default_factory=list)
    explanations: dict[int, Explanation] = field(default_factory=dict)
    """By the line's number since the run's first line."""
    dropped: int = 0

    def add(self, lines: Iterable[str], explanation: Explanation | None) -> None:
        start = self.dropped + len(self.lines)
        self.lines.extend(lines)
        if explanation is not None:
            for number in range(start, self.dropped + len(self.lines)):
                self.explanations[number] = explanation

    def trim(self) -> None:
        """Forget the oldest lines and what belonged to them."""
        excess = len(self.lines) - MAX_LINES
        if excess <= _SLACK:
            return
        del self.lines[:excess]
        self.dropped += excess
        self.explanations = {n: e for n, e in self.explanations.items() if n >= self.dropped}


class LogModel:
    """All lines of a run by filter, with counts."""

    def __init__(self) -> None:
        self.by_filter = {filter: FilteredLog() for filter in Filter}
        self.counts = dict.fromkeys(Filter, 0)
        """Lines for `all`; errors and findings for the others."""
        self.lost = 0
        """Errors that say that something did not arrive."""
        self._titles: dict[str, str] = {}
        """Of the steps, by their ids."""

    def add(self, event: Event, width: int) -> None:
        """Take an event's lines; wrapped to `width` columns where somebody has to read them."""
        match event:
            case LogLine(text=text):
                self._line(event.at, text)
            case LogVerdict(judged=judged):
                self._explained(event.at, _judged(judged), width, counted=not judged.only_adds_up)
            case FindingFound(finding=finding):
                self._explained(event.at, _found(finding), width)
            case Paused(paused=paused):
                self._line(event.at, "paused" if paused else "continued")
            case RunStarted(steps=steps):
                self._titles = {id: title for id, title, _ in steps}
            case StepFinished(step=step, why=why) if why:
                self._line(event.at, f"{self._titles.get(step, step)}: {why}")
            case _:
                pass

    def trim(self) -> None:
        """Forget lines beyond the limit; for the moment after a screen has taken them over."""
        for filtered in self.by_filter.values():
            filtered.trim()

    def _line(self, at: float, text: str) -> None:
        self.counts[Filter.ALL] += 1
        line = f"{time_of_day(at)} info  {one_line(_LINE_END.sub(' ', text))}"
        self.by_filter[Filter.ALL].add((line,), None)

    def _explained(
        self, at: float, explanation: Explanation, width: int, *, counted: bool = True
    ) -> None:
        room = max(20, width - _INDENT)
        head = textwrap.wrap(one_line(explanation.title), room) or [""]
        tail = _wrapped(explanation.reason, room, "└ ") + _wrapped(explanation.todo, room, "  → ")
        blank = " " * _INDENT
        lines = [
            f"{time_of_day(at)} {explanation.word:<5} {head[0]}",
            *(blank + text for text in head[1:] + tail),
        ]
        self.lost += explanation.word == "LOST"
        kind = Filter.SAFE if explanation.word in HARMLESS else Filter.LOOK
        for filter in (Filter.ALL, kind):
            self.counts[filter] += counted or filter is Filter.ALL
            self.by_filter[filter].add(lines, explanation)


def _wrapped(text: str, room: int, mark: str) -> list[str]:
    blank = " " * len(mark)
    return textwrap.wrap(one_line(text), room, initial_indent=mark, subsequent_indent=blank)


def _judged(judged: JudgedMessage) -> Explanation:
    """An error with its verdict; the rule that gave it is named, so that it can be looked up."""
    tool = f"{judged.tool}: " if judged.tool else ""
    rule = f"{judged.rule}: " if judged.rule else ""
    return Explanation(
        word=judged.verdict.upper(),
        title=f"{tool}{judged.severity}: {judged.message}",
        reason=f"{rule}{judged.reason}",
        todo=judged.todo,
        raw="\n".join(judged.detail),
    )


def _found(finding: Finding) -> Explanation:
    where = f" ({finding.where})" if finding.where else ""
    return Explanation(
        word=finding.level.upper(),
        title=f"{finding.what}{where}",
        reason=finding.why,
        todo=finding.todo,
        raw="\n".join(finding.details),
    )
