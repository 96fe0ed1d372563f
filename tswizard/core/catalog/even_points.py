"""Points that cut what one table or chunk holds into parts of about the same size.

Only along a column in whose order the rows lie on the disk, with an index that begins with it: a
part is then read by itself, and not the whole relation for each of them.
"""

from psycopg import DataError, sql

from tswizard.core.catalog.hypertable_model import Dimension, DimensionKind
from tswizard.core.db.connection import Connection, rows

BIG = 1 << 30
"""Bytes from which a table or a chunk is cut."""
PART = 512 << 20
"""Bytes that a part should have."""

_IN_ORDER = 0.9
"""From this correlation on, rows lie in the order of the column."""

TIMES = {
    "timestamp with time zone": "timestamptz",
    "timestamp without time zone": "timestamp",
    "date": "date",
}
INTEGERS = {"smallint": "int2", "integer": "int4", "bigint": "int8"}


def parts_for(size: int) -> int:
    """Into how many parts that many bytes are cut; 1 for not at all."""
    return -(-size // PART) if size >= BIG else 1


async def even_points(
    connection: Connection,
    schema: str,
    name: str,
    dimension: Dimension | None,
    size: int,
    *,
    below: str | None = None,
) -> tuple[str, ...]:
    """Literals of a dimension that cut the rows of a chunk between its first and its last, all of
    them before `below`; none if it is small, or cannot be read in parts. Call it in a
    transaction."""
    if (
        parts_for(size) < 2
        or dimension is None
        or dimension.kind is not DimensionKind.RANGE
        or dimension.partitioning_function is not None
    ):
        return ()
    return await column_points(
        connection, schema, name, dimension.column, dimension.column_type, size, below=below
    )


async def column_points(
    connection: Connection,
    schema: str,
    name: str,
    column: str,
    column_type: str,
    size: int,
    *,
    below: str | None = None,
) -> tuple[str, ...]:
    """The same for any column of an integer or time type."""
    number = parts_for(size)
    if number < 2 or not await rows(connection, _READ_IN_PARTS, (schema, name, column)):
        return ()
    if column_type in TIMES:
        kind = of_end = TIMES[column_type]
        base = "timestamptz" if kind == "timestamptz" else "timestamp"
        point = f"w.low::{base} + (w.high::{base} - w.low::{base}) * (g::float8 / {number})"
    elif column_type in INTEGERS:
        kind, of_end = INTEGERS[column_type], "int8"
        point = f"pg_catalog.trunc(w.low + (w.high::numeric - w.low) * g / {number})"
    else:
        return ()
    query = sql.SQL(_POINTS).format(
        column=sql.Identifier(column),
        relation=sql.Identifier(schema, name),
        number=sql.Literal(number),
        point=sql.SQL(point),
        kind=sql.Identifier("pg_catalog", kind),
        below=sql.Literal(below) + sql.SQL(f"::pg_catalog.{of_end}"),
    )
    try:
        async with connection.transaction():  # a savepoint: the snapshot must survive
            found = await rows(connection, query)
    except DataError:  # at the ends of time
        return ()
    return tuple(text for text, _ in found)


_READ_IN_PARTS = f"""
SELECT FROM pg_catalog.pg_namespace n
JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid
JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid
JOIN pg_catalog.pg_stats s
  ON s.schemaname = n.nspname AND s.tablename = c.relname AND s.attname = a.attname
WHERE n.nspname = %s AND c.relname = %s AND a.attname = %s
  AND NOT s.inherited AND pg_catalog.abs(s.correlation) >= {_IN_ORDER}
  AND EXISTS (SELECT FROM pg_catalog.pg_index i
    JOIN pg_catalog.pg_class x ON x.oid = i.indexrelid
    JOIN pg_catalog.pg_am m ON m.oid = x.relam
    WHERE i.indrelid = c.oid AND i.indkey[0] = a.attnum AND i.indisvalid AND i.indpred IS NULL
      AND m.amname = 'btree')
LIMIT 1
"""

_POINTS = """
SELECT DISTINCT p.point::text, p.point
FROM (SELECT pg_catalog.min({column}) AS low, pg_catalog.max({column}) AS high
      FROM ONLY {relation}) w
CROSS JOIN pg_catalog.generate_series(1, {number} - 1) g
CROSS JOIN LATERAL (SELECT ({point})::{kind} AS point) p
WHERE p.point > w.low AND p.point <= w.high AND ({below} IS NULL OR p.point < {below})
ORDER BY 2
"""

INTEGER_KEY = """
SELECT a.attname::text, pg_catalog.format_type(a.atttypid, NULL)
FROM pg_catalog.pg_index i
JOIN pg_catalog.pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0]
WHERE i.indrelid = %s AND i.indisunique AND i.indisvalid AND i.indpred IS NULL
  AND i.indnkeyatts = 1 AND i.indexprs IS NULL AND a.attnotnull
  AND a.atttypid IN ('int2'::regtype, 'int4'::regtype, 'int8'::regtype)
ORDER BY NOT i.indisprimary, i.indexrelid LIMIT 1
"""
"""Column and type of a table's integer key; its argument is the OID."""
