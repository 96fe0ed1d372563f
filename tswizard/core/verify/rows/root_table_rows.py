"""Rows in a hypertable's root table, where no query sees them.

With restore mode off, or on a target where the table was not yet a hypertable, a restore puts rows
into the root table (timescale/timescaledb#7137). SELECT omits them, SELECT … FROM ONLY returns
them: measured on 2.19.3.
"""

from psycopg import sql

from tswizard.core.catalog.catalog_shape import HYPERTABLE, Shape
from tswizard.core.db.connection import Connection, rows, value

_FILLED = f"""
SELECT n.nspname::text, c.relname::text
FROM {HYPERTABLE} h
JOIN pg_catalog.pg_namespace n ON n.nspname = h.schema_name
JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relname = h.table_name
WHERE pg_catalog.pg_relation_size(c.oid) > 0
ORDER BY 1, 2
"""


async def misplaced(connection: Connection, shape: Shape) -> dict[str, int]:
    """`schema.name` of each hypertable with rows in its root table, and how many."""
    if not shape.timescaledb:
        return {}
    found = {}
    for schema, name in await rows(connection, _FILLED):
        query = sql.SQL("SELECT pg_catalog.count(*) FROM ONLY {}")
        count = await value(connection, query.format(sql.Identifier(schema, name)))
        if count:
            found[f"{schema}.{name}"] = int(count)
    return found
