"""A second copy into a table that foreign keys already refer to.

Such a table can neither be truncated nor its rows be deleted and inserted again, since that would
violate the foreign keys. So the new copy goes into a staging table, and only what differs is
changed.
"""

from collections.abc import Sequence

from psycopg import sql
from psycopg.errors import ForeignKeyViolation

from tswizard.core.db.connection import Connection, rows, value
from tswizard.core.split.ledger import queue
from tswizard.core.split.plan.piece import Piece, SourceTable

STAGING_TABLE = sql.Identifier("pg_temp", "tswizard_staging")

# A key that foreign keys refer to; a referenced table has one.
_KEY = """
SELECT pg_catalog.array_agg(a.attname::text ORDER BY k.number)
FROM pg_catalog.pg_constraint c
CROSS JOIN LATERAL pg_catalog.unnest(c.confkey) WITH ORDINALITY AS k (attnum, number)
JOIN pg_catalog.pg_attribute a ON a.attrelid = c.confrelid AND a.attnum = k.attnum
WHERE c.contype = 'f' AND c.confrelid = %s::pg_catalog.regclass
GROUP BY c.oid ORDER BY c.oid LIMIT 1
"""


async def is_referenced(target: Connection, table: sql.Identifier) -> bool:
    """Does a foreign key refer to this table? Then it cannot be truncated."""
    return bool(
        await value(
            target,
            "SELECT EXISTS (SELECT FROM pg_catalog.pg_constraint WHERE contype = 'f' "
            "AND confrelid = %s::pg_catalog.regclass)",
            (table.as_string(None),),
        )
    )


async def recopy_table(target: Connection, table: SourceTable, slices: Sequence[Piece]) -> None:
    """Have all slices by page of a table copied again. Call it in a transaction.

    Raises psycopg.Error.
    """
    if await is_referenced(target, table.sql):
        await queue.merge_slices(target, slices)
    else:
        await target.execute(sql.SQL("TRUNCATE ONLY {}").format(table.sql))
        await queue.reset(target, slices)


async def create_staging_table(target: Connection, table: sql.Identifier) -> None:
    """Create an empty temporary table with the same columns, dropped with this transaction."""
    await target.execute(
        sql.SQL("CREATE TEMPORARY TABLE tswizard_staging (LIKE {}) ON COMMIT DROP").format(table)
    )


async def upsert(
    target: Connection, table: SourceTable, piece: Piece, into: sql.Identifier
) -> bool:
    """Make the piece's part of a table equal to the staging table.

    False if rows that were deleted on the source had to stay, because another table that is still
    to be copied again refers to them. Raises psycopg.Error.
    """
    found = await rows(target, _KEY, (into.as_string(None),))
    key = [sql.Identifier(name) for name in found[0][0]]
    columns = [sql.Identifier(column.name) for column in table.columns]
    same_key = sql.SQL(" AND ").join(sql.SQL("n.{0} = d.{0}").format(name) for name in key)
    delete = sql.SQL("DELETE FROM ONLY {} d WHERE NOT EXISTS (SELECT FROM {} n WHERE {})").format(
        into, STAGING_TABLE, same_key
    )
    if piece.where:
        delete += sql.SQL(" AND (" + piece.where + ")")  # composed by the planner
    complete = True
    try:
        async with target.transaction():
            await target.execute(delete)
    except ForeignKeyViolation:
        complete = False
    others = [name for name in columns if name not in key]
    update = sql.SQL(", ").join(sql.SQL("{0} = excluded.{0}").format(name) for name in others)
    await target.execute(
        sql.SQL(
            "INSERT INTO {} ({columns}) OVERRIDING SYSTEM VALUE SELECT {columns} FROM {} "
            "ON CONFLICT ({}) DO {}"
        ).format(
            into,
            STAGING_TABLE,
            sql.SQL(", ").join(key),
            sql.SQL("UPDATE SET {}").format(update) if others else sql.SQL("NOTHING"),
            columns=sql.SQL(", ").join(columns),
        )
    )
    return complete
