"""What the engine tells whoever watches: the app, the plain log, the tests."""

from dataclasses import dataclass, field
from enum import StrEnum

from tswizard.core.model.finding import Finding, Level
from tswizard.core.model.judged import JudgedMessage


class StepState(StrEnum):
    """Where a step stands."""

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
    """The run begins, or goes on, with these steps in this order."""

    run: str
    steps: tuple[tuple[str, str, StepState], ...]
    """(id, title, state); a resumed run starts with steps already done."""


@dataclass(frozen=True, slots=True)
class StepStarted(Event):
    step: str


@dataclass(frozen=True, slots=True)
class StepProgress(Event):
    """How far a step is. `total` is None while it is unknown; `what` is what it works on now."""

    step: str
    done: int
    total: int | None
    unit: Unit
    what: str = ""


@dataclass(frozen=True, slots=True)
class StepFinished(Event):
    step: str
    state: StepState
    seconds: float
    why: str = ""


class TableState(StrEnum):
    """Where one table stands in the step that is running."""

    WAITING = "waiting"
    WORKING = "working"
    RETRYING = "retrying"
    """A piece of it broke off, and is copied again."""
    FAILED = "failed"
    """Pieces of it were refused; the others go on."""
    DONE = "done"
    DIFFERS = "differs"
    LOST = "lost"


@dataclass(frozen=True, slots=True)
class TableProgress(Event):
    """One table or hypertable within a step; `done` and `total` count chunks, parts or pieces."""

    step: str
    table: str
    done: int
    total: int
    rows: int | None
    state: TableState
    bytes: int | None = None
    """Moved so far, pieces under way included; None where nobody counts them."""
    failed: int = 0
    """Pieces that were refused."""
    retried: int = 0
    """Attempts at its pieces that failed, over every resume."""

    @property
    def counted(self) -> int | None:
        """What its rate is of: bytes, or rows where nobody counts bytes."""
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
    """The run waits (`paused`) or goes on."""

    paused: bool


@dataclass(frozen=True, slots=True)
class RunFinished(Event):
    """The last event. `result` is None when the run was stopped and can be resumed."""

    result: Level | None
    seconds: float
    findings: tuple[Finding, ...] = field(default=())
    report: str = ""
    """Path of the Markdown report; empty when none was written."""
