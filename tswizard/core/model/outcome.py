"""The outcome of a run: everything that the checklist and the report show."""

from dataclasses import dataclass

from tswizard.core.model.events import StepState
from tswizard.core.model.finding import Finding, Level
from tswizard.core.model.judged import JudgedMessage
from tswizard.core.model.recommendation import Advice


@dataclass(frozen=True, slots=True)
class StepOutcome:
    name: str
    """The step's id, e.g. `dump`."""
    state: StepState
    seconds: float
    title: str = ""
    """As Review and Run show it; runs of older versions have none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RangeRows:
    """One compared range of a table: of the primary dimension, or the whole table."""

    range: str
    """`[start, end)` in the dimension's own text; empty for a whole table."""
    source_rows: int
    target_rows: int
    equal: bool
    chunks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class TableRows:
    """Rows of one table or hypertable on source and target."""

    name: str
    source_rows: int
    target_rows: int
    equal: bool
    newer_on_source: int = 0
    """Rows that the source has gained since the snapshot; negative where it lost rows."""
    differing: tuple[RangeRows, ...] = ()
    pieces: int | None = None
    """Pieces that it was copied in; None with the full method, which copies no pieces."""
    pieces_failed: int | None = None
    """Those of them that failed and are not on the target."""
    retries: int | None = None
    """Failed attempts to copy its pieces, over every resume."""
    bytes_copied: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """A finished run. `seconds` is the total time of all steps, over every resume."""

    run: str
    result: Level
    method: str
    source: str
    target: str
    """Labels of the endpoints, without secrets."""
    started: float
    seconds: float
    steps: tuple[StepOutcome, ...]
    findings: tuple[Finding, ...]
    judged: tuple[JudgedMessage, ...]
    tables: tuple[TableRows, ...]
    skipped: tuple[str, ...] = ()
    """What the user chose to skip."""
    todo: tuple[tuple[str, str], ...] = ()
    """(what only the user can do, text to copy or empty)."""
    dump: str = ""
    """Folder or file of a dump that was kept."""
    checked: float = 0.0
    """When both databases were compared last, in seconds since the epoch; 0 when it is not
    known."""
    advice: Advice | None = None
    """What was timed, estimated and recommended before the run."""
