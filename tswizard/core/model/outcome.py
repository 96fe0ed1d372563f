"""What a run came to: everything the checklist and the report are made of."""

from dataclasses import dataclass

from tswizard.core.model.events import StepState
from tswizard.core.model.finding import Finding, Level
from tswizard.core.model.judged import JudgedMessage


@dataclass(frozen=True, slots=True)
class StepOutcome:
    name: str
    """The step's id, e.g. `dump`."""
    state: StepState
    seconds: float


@dataclass(frozen=True, slots=True)
class RangeRows:
    """One compared part of a table: a chunk's range of the primary dimension, or all of it."""

    range: str
    """`[start, end)` in the dimension's own text; empty for a whole table."""
    source_rows: int
    target_rows: int
    equal: bool
    chunks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TableRows:
    """Rows of one table or hypertable on both ends."""

    name: str
    source_rows: int
    target_rows: int
    equal: bool
    newer_on_source: int = 0
    """Rows that the source holds now beyond the moment that was dumped; may be negative."""
    differing: tuple[RangeRows, ...] = ()
    pieces: int | None = None
    """Pieces that it was copied in; None where nothing is copied in pieces (the full method)."""
    pieces_failed: int | None = None
    """Those of them that were refused, and are not on the target."""
    retries: int | None = None
    """Attempts at its pieces that failed and were made again, over every resume."""
    bytes_copied: int | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """A finished run. `seconds` is the time all steps took, over every resume."""

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
    """What the user left out."""
    todo: tuple[tuple[str, str], ...] = ()
    """(what only the user can do, text to copy or empty)."""
    dump: str = ""
    """Folder or file of a dump that was kept."""
