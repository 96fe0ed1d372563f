"""Primary keys that are added while their hypertables have no chunks.

A primary key sets its columns NOT NULL, in the hypertable and in each chunk, since a child table
does not inherit that; from 2.18 on TimescaleDB goes through all chunks for each of these entries
(AT_SetNotNull in process_altertable_end_subcmd, src/process_utility.c). So ADD PRIMARY KEY takes
time that grows with the square of the number of chunks, and before 2.27 (where foreach_chunk got a
memory context for each chunk) also memory: 2.19.3 needs 1.3 GB for 500 chunks of 3 columns, or for
250 of 62; with 5,000 the server's process is killed, and all others with it. Nothing else that is
added to a hypertable does that, nor does pg_restore, whose ALTER TABLE ONLY stays with the
hypertable.

With few chunks a key comes after the rows instead, where its index is built once: 4.32 M rows take
8 to 11 s of one connection with the key in place, and 6 to 8 s without.
"""

from collections.abc import Iterable

from tswizard.core.catalog.inventory import Constraint, Inventory, Server
from tswizard.core.db.versions import version_key

_SQUARE_SINCE, _MEMORY_UNTIL = (2, 18), (2, 27)
_MANY_FOR_MEMORY = 50
"""Chunks: 300 MB with 600 columns, the most that a server is asked for."""
_MANY_FOR_TIME = 500
"""Chunks: 0.8 s of processor time (1,000 take 3 s, 2,000 half a minute)."""


def early_keys(
    constraints: Iterable[Constraint], inventory: Inventory, target: Server
) -> tuple[Constraint, ...]:
    """Those of the constraints that are primary keys which precede the chunks on this target.

    It goes by the chunks that the run's inventory has, so that Review and every resume say the
    same.
    """
    many = _many_chunks(target.timescaledb)
    tables = {(h.schema, h.name) for h in inventory.hypertables if len(h.chunks) >= many}
    return tuple(c for c in constraints if c.kind == "p" and not c.incoming and c.on in tables)


def _many_chunks(version: str | None) -> float:
    """From how many chunks on keys come first."""
    key = version_key(version or "0")
    if key < _SQUARE_SINCE:
        return float("inf")
    return _MANY_FOR_MEMORY if key < _MEMORY_UNTIL else _MANY_FOR_TIME
