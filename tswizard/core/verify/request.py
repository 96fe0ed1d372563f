"""What a check is asked for, what it says meanwhile, and what it comes to."""

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
    """Two ends to compare after a full migration."""

    source: Endpoint
    target: Endpoint
    inventory: Inventory
    """The source, as it was read before the dump."""
    target_server: Server
    verify: Literal["checksum", "count"] = "checksum"
    workers: int = 2
    """Ranges compared side by side, where both servers can do that."""
    snapshot: str | None = None
    """Exported snapshot of the source that the dump was taken from."""
    counters_before: WriteCounters | None = None
    """The source's counters from before the dump: they tell whether it was written to since."""
    judged: tuple[JudgedMessage, ...] = ()
    """What dump and restore printed; a `lost` among it is named with its rows."""

    @property
    def concurrency(self) -> int:
        """How many pairs of connections to work with."""
        both = self.inventory.server.concurrent and self.target_server.concurrent
        return max(1, self.workers) if both else 1


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifyProgress:
    """How far the comparison of rows is; `done` and `total` are bytes as the source stores them."""

    done: int
    total: int
    table: str
    """The table that was just worked on, as TableRows names it; empty while schemas are read."""
    what: str
    """The same with the range, for people."""
    parts_done: int = 0
    parts_total: int = 0
    rows: int | None = None
    """Rows of this table on the source, as far as they are counted."""
    state: TableState = TableState.WORKING


OnProgress = Callable[[VerifyProgress], None]


@dataclass(frozen=True, slots=True)
class Verification:
    """What both ends have in common and what not."""

    findings: tuple[Finding, ...]
    tables: tuple[TableRows, ...]


class VerifyStopped(Exception):
    """The comparison could not be brought to its end; nothing may be concluded from it."""

    def __init__(self, finding: Finding) -> None:
        super().__init__(finding.what)
        self.finding = finding
