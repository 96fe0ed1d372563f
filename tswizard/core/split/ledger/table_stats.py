"""Progress and totals of each table, from the queue of pieces."""

from dataclasses import dataclass

from tswizard.core.db.connection import Connection, rows
from tswizard.core.split.plan.piece import Stage

_STATS = """
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

_TOTALS = """
SELECT label, pg_catalog.count(*), pg_catalog.count(*) FILTER (WHERE state = 'failed'),
  COALESCE(pg_catalog.sum(attempts), 0)::bigint, COALESCE(pg_catalog.sum(copied), 0)::bigint
FROM _tswizard.piece WHERE kind <> 'compress' AND state <> 'gone' GROUP BY label
"""


@dataclass(slots=True, kw_only=True)
class TableStats:
    """Progress of one table in one stage. A worker's process counts on between two reads."""

    label: str
    stage: Stage
    total: int
    """Pieces, as are `done`, `staged` and `failed`."""
    done: int
    staged: int
    failed: int
    retried: int
    """Failed attempts of all its pieces."""
    rows: int
    bytes: int
    done_bytes: int
    staged_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TableTotals:
    """What the copy of one table came to."""

    pieces: int = 0
    failed: int = 0
    retries: int = 0
    bytes: int = 0


async def read_table_stats(target: Connection) -> list[TableStats]:
    """Progress of all tables, in the plan's order."""
    return [
        TableStats(
            label=row[0],
            stage=Stage(row[1]),
            total=row[2],
            done=row[3],
            staged=row[4],
            failed=row[5],
            retried=row[6],
            rows=row[7],
            bytes=row[8],
            done_bytes=row[9],
            staged_bytes=row[10],
        )
        for row in await rows(target, _STATS)
    ]


async def read_table_totals(target: Connection) -> dict[str, TableTotals]:
    """Totals by label of all tables that have pieces."""
    return {
        label: TableTotals(pieces=pieces, failed=failed, retries=retries, bytes=size)
        for label, pieces, failed, retries, size in await rows(target, _TOTALS)
    }
