"""What the Run screen shows, kept up to date event by event. Knows no widget."""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tswizard.core.model.estimate import SecondsRange
from tswizard.core.model.events import (
    Event,
    FindingFound,
    Paused,
    RunFinished,
    RunStarted,
    StepFinished,
    StepProgress,
    StepStarted,
    StepState,
    TableProgress,
    TableState,
    Unit,
)
from tswizard.core.model.finding import Finding, Level
from tswizard.core.model.rate import Rate
from tswizard.core.model.wording import number, size

if TYPE_CHECKING:
    from tswizard.wizard.engine import Running


@dataclass(slots=True, kw_only=True)
class StepModel:
    """One line of the list of steps."""

    id: str
    title: str
    state: StepState
    started: float | None = None
    seconds: float | None = None
    why: str = ""

    def elapsed(self, now: float) -> float | None:
        """Seconds it took, or has taken so far; None before it starts."""
        if self.state is StepState.RUNNING and self.started is not None:
            return max(0.0, now - self.started)
        return self.seconds


_URGENCY = (
    TableState.LOST,
    TableState.DIFFERS,
    TableState.FAILED,
    TableState.RETRYING,
    TableState.WORKING,
    TableState.WAITING,
    TableState.DONE,
)
"""What needs attention comes first, what is done last."""


_RATES = 60
"""How many rates are remembered, one a second."""


@dataclass(slots=True, kw_only=True)
class RunModel:
    """Everything but the log."""

    run: str = ""
    steps: list[StepModel] = field(default_factory=list)
    current: StepModel | None = None
    progress: StepProgress | None = None
    rate: Rate = field(default_factory=Rate)
    rates: deque[float] = field(default_factory=lambda: deque(maxlen=_RATES))
    """The running step's rate second by second, the newest last."""
    tables: dict[str, TableProgress] = field(default_factory=dict)
    """The newest of each table of the running step, by its name."""
    findings: list[Finding] = field(default_factory=list)
    paused: bool = False
    finished: RunFinished | None = None
    failure: Finding | None = None
    """What ended the run before its end, or what leaving it left open; None when the user stopped
    it and everything was put back."""
    changed: set[str] = field(default_factory=set)
    """Parts that a screen has to draw again: steps, progress, tables, keys."""
    _table_rates: dict[str, Rate] = field(default_factory=dict)
    _rate_noted: float = 0
    """When a rate was last remembered."""

    def apply(self, event: Event) -> None:
        """Take one event."""
        match event:
            case RunStarted(run=run, steps=steps):
                self.run = run
                self.steps = [
                    StepModel(id=id, title=title, state=state) for id, title, state in steps
                ]
                self.changed.add("steps")
            case StepStarted(at=at, step=id):
                self._start(id, at)
            case StepProgress():
                self._progress(event)
            case StepFinished():
                step = self._step(event.step)
                step.state, step.seconds, step.why = event.state, event.seconds, event.why
                if event.state is StepState.FAILED:
                    self.failure = self._newest_failure()
                self.changed |= {"steps", "progress"}
            case TableProgress():
                self._table(event)
            case FindingFound(finding=finding):
                self.findings.append(finding)
            case Paused(paused=paused):
                self.paused = paused
                self.changed |= {"progress", "keys"}
            case RunFinished():
                self.finished = event
                if event.result is None and self.failure is None:
                    self.failure = self._newest_failure()
                self.changed |= {"steps", "progress"}
            case _:
                pass

    @property
    def position(self) -> int:
        """The running step's place, from 1."""
        return self.steps.index(self.current) + 1 if self.current else 0

    @property
    def percent(self) -> int | None:
        """Of the running step, rounded down: 100 only when all of it is done. None while nobody
        knows how much there is."""
        progress = self.progress
        if progress is None or not progress.total:
            return None
        return min(100, 100 * progress.done // progress.total)

    @property
    def seconds_left(self) -> float | None:
        """Of the running step, at its present rate; None while that is unknown."""
        progress, rate = self.progress, self.rate.per_second
        if progress is None or progress.total is None or not rate:
            return None
        return max(0, progress.total - progress.done) / rate

    def to_come(self, estimates: Mapping[str, SecondsRange]) -> SecondsRange | None:
        """How long all steps behind the running one may take; None where nobody estimated them."""
        some = [
            estimates[step.id]
            for step in self.steps
            if step.state is StepState.PENDING and step.id in estimates
        ]
        return SecondsRange.sum(some) if some else None

    def tables_by_urgency(self) -> list[TableProgress]:
        """What needs attention first."""
        return sorted(self.tables.values(), key=lambda table: _URGENCY.index(table.state))

    def table_rate(self, name: str) -> float | None:
        """Bytes a second of that table, or rows where nobody counts bytes; None if unknown."""
        rate = self._table_rates.get(name)
        return rate.per_second if rate else None

    def _start(self, id: str, at: float) -> None:
        step = self._step(id)
        step.state, step.started = StepState.RUNNING, at
        self.current = step
        self.progress = None
        self._forget_rates()
        self.tables.clear()
        self._table_rates.clear()
        self.changed |= {"steps", "progress", "tables"}

    def _progress(self, event: StepProgress) -> None:
        if self.progress is not None and self.progress.unit is not event.unit:
            self._forget_rates()
        self.progress = event
        self.rate.add(event.at, event.done)
        if (rate := self.rate.per_second) is not None and event.at >= self._rate_noted + 1:
            self.rates.append(rate)
            self._rate_noted = event.at
        self.changed.add("progress")

    def _forget_rates(self) -> None:
        self.rate = Rate()
        self.rates.clear()
        self._rate_noted = 0

    def _table(self, event: TableProgress) -> None:
        self.tables[event.table] = event
        if event.counted is not None:
            self._table_rates.setdefault(event.table, Rate()).add(event.at, event.counted)
        self.changed.add("tables")

    def _newest_failure(self) -> Finding | None:
        return next((f for f in reversed(self.findings) if f.level is Level.FAIL), None)

    def _step(self, id: str) -> StepModel:
        for step in self.steps:
            if step.id == id:
                return step
        step = StepModel(id=id, title=id, state=StepState.PENDING)
        self.steps.append(step)
        return step


def step_estimates(run: "Running") -> Mapping[str, SecondsRange]:
    """What Method said of each step; nothing for a run that began without it."""
    advice = run.run_folder.record.advice
    if advice is None or run.over:
        return {}
    estimate = advice.estimate(run.method.name)
    return {phase.name: phase.seconds for phase in estimate.phases}


def progress_figures(progress: StepProgress, rate: float | None) -> tuple[str, str]:
    """`23.3 GiB of 61.4 GiB` and `11.8 MiB/s`; the rate is empty while nobody knows it, and
    both are where nothing is to be done."""
    if progress.total == 0:
        return "", ""
    if progress.unit is Unit.BYTES:
        figures = size(progress.done)
        if progress.total is not None:
            figures += f" of {size(progress.total)}"
        return figures, f"{size(int(rate))}/s" if rate else ""
    figures = number(progress.done)
    if progress.total is not None:
        figures += f" of {number(progress.total)}"
    if progress.unit is Unit.ROWS:
        return figures + " rows", f"{number(int(rate))} rows/s" if rate else ""
    only = (progress.done if progress.total is None else progress.total) == 1
    return figures + (" item" if only else " items"), ""
