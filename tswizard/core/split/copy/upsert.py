"""A second copy into a table that foreign keys point to already.

Such a table can neither be emptied nor its rows be deleted and written again: the references
would break in between. So the new copy goes beside it, and only what differs is changed.
"""

from collections.abc import Sequence

from psycopg import sql
from psycopg.errors import ForeignKeyViolation

from tswizard.core.db.connection import Connection, rows, value
from tswizard.core.split.ledger import queue
from tswizard.core.split.plan.piece import Piece, SourceTable

STAGING_TABLE = sql.Identifier("pg_temp", "tswizard_again")

# The key that the foreign keys point to; there is one, or they could not.
_KEY = """
SELECT pg_catalog.array_agg(a.attname::text ORDER BY k.place)
FROM pg_catalog.pg_constraint c
CROSS JOIN LATERAL pg_catalog.unnest(c.confkey) WITH ORDINALITY AS k (attnum, place)
JOIN pg_catalog.pg_attribute a ON a.attrelid = c.confrelid AND a.attnum = k.attnum
WHERE c.contype = 'f' AND c.confrelid = %s::pg_catalog.regclass
GROUP BY c.oid ORDER BY c.oid LIMIT 1
"""


async def is_referenced(target: Connection, place: sql.Identifier) -> bool:
    """Does a foreign key point there? Such a table cannot be emptied by TRUNCATE."""
    return bool(
        await value(
            target,
            "SELECT EXISTS (SELECT FROM pg_catalog.pg_constraint WHERE contype = 'f' "
            "AND confrelid = %s::pg_catalog.regclass)",
            (place.as_string(None),),
        )
    )


async def recopy_table(target: Connection, table: SourceTable, slices: Sequence[Piece]) -> None:
    """Slices that name places in the source's files are copied once more, all of the table's.

    Call it in a transaction. Raises psycopg.Error.
    """
    if await is_referenced(target, table.sql):
        await queue.merge_slices(target, slices)
    else:
        await target.execute(sql.SQL("TRUNCATE ONLY {}").format(table.sql))
        await queue.reset(target, slices)


async def create_staging_table(target: Connection, place: sql.Identifier) -> None:
    """An empty table with the same columns, for this transaction."""
    await target.execute(
        sql.SQL("CREATE TEMPORARY TABLE tswizard_again (LIKE {}) ON COMMIT DROP").format(place)
    )


async def merge(
    target: Connection, table: SourceTable, piece: Piece, place: sql.Identifier
) -> bool:
    """Make the piece's part of the table what was copied beside it; False when rows that are gone
    stay for now, since rows of another table refer to them that have not been copied again yet.
    Raises psycopg.Error.
    """
    key = [
        sql.Identifier(name) for name in (await rows(target, _KEY, (place.as_string(None),)))[0][0]
    ]
    names = [sql.Identifier(column.name) for column in table.columns]
    same = sql.SQL(" AND ").join(sql.SQL("n.{0} = d.{0}").format(name) for name in key)
    gone = sql.SQL("DELETE FROM ONLY {} d WHERE NOT EXISTS (SELECT FROM {} n WHERE {})").format(
        place, STAGING_TABLE, same
    )
    if piece.where:
        gone += sql.SQL(" AND (" + piece.where + ")")  # composed by plan
    whole = True
    try:
        async with target.transaction():
            await target.execute(gone)
    except ForeignKeyViolation:
        whole = False
    others = [name for name in names if name not in key]
    changed = sql.SQL(", ").join(sql.SQL("{0} = excluded.{0}").format(name) for name in others)
    await target.execute(
        sql.SQL(
            "INSERT INTO {} ({columns}) OVERRIDING SYSTEM VALUE SELECT {columns} FROM {} "
            "ON CONFLICT ({}) DO {}"
        ).format(
            place,
            STAGING_TABLE,
            sql.SQL(", ").join(key),
            sql.SQL("UPDATE SET {}").format(changed) if others else sql.SQL("NOTHING"),
            columns=sql.SQL(", ").join(names),
        )
    )
    return whole
