"""What copying each table took, from the ledger of pieces, for the report."""

from dataclasses import dataclass, replace

from psycopg import Error

from tswizard.core.db.connection import connected, rows
from tswizard.core.db.errors import message_of
from tswizard.core.run.context import Context

_QUERY = """
SELECT label, pg_catalog.count(*), pg_catalog.count(*) FILTER (WHERE state = 'failed'),
  COALESCE(pg_catalog.sum(attempts), 0)::bigint, COALESCE(pg_catalog.sum(copied), 0)::bigint
FROM _tswizard.piece WHERE kind <> 'compress' AND state <> 'gone' GROUP BY label
"""


@dataclass(frozen=True, slots=True)
class Tally:
    """Of one table."""

    pieces: int
    failed: int
    retries: int
    bytes: int


_NOTHING = Tally(0, 0, 0, 0)
"""Of what has no piece, such as a hypertable without chunks."""


async def add_tallies(ctx: Context) -> None:
    """Put them beside the compared rows. Without a ledger there is nothing to add."""
    try:
        async with connected(ctx.task.target) as target:
            found = {row[0]: Tally(*row[1:]) for row in await rows(target, _QUERY)}
    except Error as error:
        ctx.say(f"how often pieces were tried is not known: {message_of(error)}")
        return
    record = ctx.run_folder.record
    tables = tuple(
        replace(
            table,
            pieces=tally.pieces,
            pieces_failed=tally.failed,
            retries=tally.retries,
            bytes_copied=tally.bytes,
        )
        for table in record.tables
        for tally in (found.get(table.name, _NOTHING),)
    )
    ctx.run_folder.save(replace(record, tables=tables))
