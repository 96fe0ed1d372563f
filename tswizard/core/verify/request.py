"""The input of a comparison, its progress, and its result."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from tswizard.core.catalog.inventory import Inventory, Server
from tswizard.core.db.endpoint import Endpoint
from tswizard.core.model.events import TableState
from tswizard.core.model.finding import Finding
from tswizard.core.model.judged import JudgedMessage
from tswizard.core.model.outcome import TableRows
from tswizard.core.model.write_counters import WriteCounters


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifyJob:
    """A source and a target to compare after a migration."""

    source: Endpoint
    target: Endpoint
    inventory: Inventory
    """The source, as read before the dump."""
    target_server: Server
    verify: Literal["checksum", "count"] = "checksum"
    workers: int = 2
    """Ranges compared in parallel, where both servers allow it."""
    snapshot: str | None = None
    """Exported snapshot of the source that the dump was taken from."""
    counters_before: WriteCounters | None = None
    """The source's counters from before the dump: they show what was written to since."""
    source_xid: int | None = None
    """The source's next transaction before the dump; None where it was not read."""
    target_counters_before: WriteCounters | None = None
    """The target's counters from when both databases were compared first; None the first time."""
    arrived: frozenset[str] = frozenset()
    """Tables that were equal at an earlier check: what is written later, on either end, explains
    a difference of theirs."""
    judged: tuple[JudgedMessage, ...] = ()
    """Messages of pg_dump and pg_restore; a `lost` one is reported with the rows it explains."""

    @property
    def concurrency(self) -> int:
        """How many pairs of connections to use."""
        both = self.inventory.server.concurrent and self.target_server.concurrent
        return max(1, self.workers) if both else 1


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifyProgress:
    """Progress of the comparison of rows; `done` and `total` are bytes as stored on the source."""

    done: int
    total: int
    table: str
    """The table just compared, by the name in TableRows; empty while schemas are read."""
    what: str
    """The same with the range, for display."""
    parts_done: int = 0
    parts_total: int = 0
    rows: int | None = None
    """Rows of this table on the source counted so far."""
    state: TableState = TableState.WORKING


OnProgress = Callable[[VerifyProgress], None]


@dataclass(frozen=True, slots=True)
class Verification:
    """The result: findings, and the row counts of every table."""

    findings: tuple[Finding, ...]
    tables: tuple[TableRows, ...]


class VerifyStopped(Exception):
    """The comparison could not be completed; nothing may be concluded from it."""

    def __init__(self, finding: Finding) -> None:
        super().__init__(finding.what)
        self.finding = finding
