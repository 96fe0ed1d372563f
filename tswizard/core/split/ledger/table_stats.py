"""How far every table is, from the ledger of pieces."""

from dataclasses import dataclass

from tswizard.core.db.connection import Connection, rows
from tswizard.core.split.plan.piece import Stage

_TABLE_STATS = """
SELECT label, stage, pg_catalog.count(*) FILTER (WHERE kind <> 'compress'),
  pg_catalog.count(*) FILTER (WHERE kind <> 'compress' AND state IN ('done', 'gone')),
  pg_catalog.count(*) FILTER (WHERE state = 'staged'),
  pg_catalog.count(*) FILTER (WHERE state = 'failed'),
  COALESCE(pg_catalog.sum(attempts), 0)::bigint,
  COALESCE(pg_catalog.sum(rows) FILTER (WHERE kind <> 'compress'), 0)::bigint,
  pg_catalog.sum(bytes)::bigint,
  COALESCE(pg_catalog.sum(bytes) FILTER (WHERE state IN ('done', 'gone')), 0)::bigint,
  COALESCE(pg_catalog.sum(bytes) FILTER (WHERE state = 'staged'), 0)::bigint
FROM _tswizard.piece GROUP BY label, stage ORDER BY min(id)
"""


@dataclass(slots=True)
class TableStats:
    """How far one table is. Counts grow while this process works."""

    label: str
    stage: Stage
    total: int
    done: int
    staged: int
    failed: int
    retried: int
    """Attempts that failed, of all its pieces."""
    rows: int
    bytes: int
    done_bytes: int
    staged_bytes: int


async def read_table_stats(target: Connection) -> list[TableStats]:
    """How far every table is."""
    return [TableStats(row[0], Stage(row[1]), *row[2:]) for row in await rows(target, _TABLE_STATS)]
