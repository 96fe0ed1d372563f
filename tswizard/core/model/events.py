"""Events that the engine reports to whoever watches: the app, the command line, the tests."""

from dataclasses import dataclass, field
from enum import StrEnum

from tswizard.core.model.finding import Finding, Level
from tswizard.core.model.judged import JudgedMessage


class StepState(StrEnum):
    """The state of a step."""

    PENDING = "pending"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    SKIPPED = "skipped"
    STOPPED = "stopped"


class Unit(StrEnum):
    """What a progress counts."""

    BYTES = "bytes"
    ROWS = "rows"
    ITEMS = "items"


@dataclass(frozen=True, slots=True)
class Event:
    """Anything that happens in a run. `at` is seconds since the epoch."""

    at: float


@dataclass(frozen=True, slots=True)
class RunStarted(Event):
    """The run starts, or resumes, with these steps in this order."""

    run: str
    steps: tuple[tuple[str, str, StepState], ...]
    """(id, title, state); a resumed run starts with steps already done."""


@dataclass(frozen=True, slots=True)
class StepStarted(Event):
    step: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StepProgress(Event):
    """Progress of a step. `total` is None while unknown; `what` is what it is working on."""

    step: str
    done: int
    total: int | None
    unit: Unit
    what: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class StepFinished(Event):
    step: str
    state: StepState
    seconds: float
    why: str = ""


class TableState(StrEnum):
    """The state of one table in the step that is running."""

    WAITING = "waiting"
    WORKING = "working"
    RETRYING = "retrying"
    """Copying a piece of it was interrupted, and is retried."""
    FAILED = "failed"
    """Pieces of it failed; the others are still copied."""
    DONE = "done"
    DIFFERS = "differs"
    LOST = "lost"


@dataclass(frozen=True, slots=True, kw_only=True)
class TableProgress(Event):
    """One table or hypertable within a step; `done` and `total` count chunks, ranges or pieces."""

    step: str
    table: str
    done: int
    total: int
    rows: int | None
    state: TableState
    bytes: int | None = None
    """Copied so far, including pieces in progress; None where bytes are not counted."""
    failed: int = 0
    """Pieces that failed for good."""
    retried: int = 0
    """Failed attempts to copy its pieces, over every resume."""

    @property
    def counted(self) -> int | None:
        """What its rate is computed from: bytes, or rows where bytes are not counted."""
        return self.rows if self.bytes is None else self.bytes


@dataclass(frozen=True, slots=True)
class LogLine(Event):
    """A plain line of a tool or of the engine itself (`tool` is "tswizard" then)."""

    tool: str
    text: str


@dataclass(frozen=True, slots=True)
class LogVerdict(Event):
    """An error or a warning, with its verdict."""

    judged: JudgedMessage


@dataclass(frozen=True, slots=True)
class FindingFound(Event):
    finding: Finding


@dataclass(frozen=True, slots=True)
class Paused(Event):
    """The run is paused, or continues."""

    paused: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFinished(Event):
    """The last event. `result` is None when the run was stopped and can be resumed."""

    result: Level | None
    seconds: float
    findings: tuple[Finding, ...] = field(default=())
    report: str = ""
    """Path of the Markdown report; empty when none was written."""
