"""Compressed columns with only NULLs: data that a restore loses before 2.20.1.

From 2.19 on, a batch (up to 1000 rows) in which a column is all NULL stores one byte for that
column, the number of the NULL algorithm (tsl/src/compression/algorithms/null.c). Its input
function returned NULL instead, so COPY fails and the whole compressed chunk stays empty
(timescale/timescaledb#8893; #8153 fixed it in 2.20.1, backported nowhere). Every other compressed
value is longer, so its stored size tells, without reading it.
"""

from dataclasses import dataclass

from psycopg import Error, sql

from tswizard.core.catalog.hypertable_model import Hypertable
from tswizard.core.db.connection import Connection, rows, value
from tswizard.core.db.versions import between

FIRST, FIXED = "2.19.0", "2.20.1"
SECONDS = 20
"""How long to search, all hypertables together."""

# A varlena header of at most four bytes and the byte of the algorithm.
_STORED = 5
_AT_ONCE = 50


@dataclass(frozen=True, slots=True)
class Nulls:
    """Hypertables that have such batches, and hypertables not fully searched."""

    certain: tuple[str, ...] = ()
    unchecked: tuple[str, ...] = ()


_COLUMNS = """
SELECT n.nspname || '.' || c.relname, n.nspname::text, c.relname::text,
  pg_catalog.array_agg(a.attname::text ORDER BY a.attnum)
FROM pg_catalog.pg_attribute a
JOIN pg_catalog.pg_class c ON c.oid = a.attrelid
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
JOIN pg_catalog.pg_type t ON t.oid = a.atttypid
JOIN pg_catalog.pg_namespace tn ON tn.oid = t.typnamespace
WHERE tn.nspname = '_timescaledb_internal' AND t.typname = 'compressed_data'
  AND a.attnum > 0 AND NOT a.attisdropped AND c.relkind = 'r'
GROUP BY 1, 2, 3
"""

_CompressedTable = tuple[str, str, list[str]]


async def read_nulls(
    connection: Connection, version: str | None, hypertables: tuple[Hypertable, ...]
) -> Nulls:
    """Hypertables with such batches. Reads compressed tables for at most `SECONDS`.

    Must run outside a transaction: it relies on a statement timeout.
    """
    if version is None or not between(version, FIRST, FIXED):
        return Nulls()
    tables = {row[0]: (row[1], row[2], row[3]) for row in await rows(connection, _COLUMNS)}
    todo = {
        hypertable.label: [
            tables[chunk.compressed_table]
            for chunk in hypertable.chunks
            if chunk.compressed_table in tables
        ]
        for hypertable in hypertables
    }
    todo = {label: parts for label, parts in todo.items() if parts}
    certain: list[str] = []
    unchecked: list[str] = []
    for place, (label, parts) in enumerate(todo.items()):
        share = SECONDS * 1000 // (len(todo) - place) if not unchecked else 1000
        try:
            if await _holds_nulls(connection, parts, max(share, 1000)):
                certain.append(label)
        except Error:
            if connection.closed:
                raise
            unchecked.append(label)
    return Nulls(tuple(certain), tuple(unchecked))


async def _holds_nulls(
    connection: Connection, parts: list[_CompressedTable], milliseconds: int
) -> bool:
    for first in range(0, len(parts), _AT_ONCE):
        query = sql.SQL(" UNION ALL ").join(_look(part) for part in parts[first : first + _AT_ONCE])
        async with connection.transaction():
            await connection.execute(
                sql.SQL("SET LOCAL statement_timeout = {}").format(sql.Literal(milliseconds))
            )
            if await value(connection, sql.SQL("SELECT EXISTS ({})").format(query)):
                return True
    return False


def _look(part: _CompressedTable) -> sql.Composed:
    schema, name, columns = part
    short = sql.SQL(" OR ").join(
        sql.SQL("pg_catalog.pg_column_size({}) <= {}").format(
            sql.Identifier(column), sql.Literal(_STORED)
        )
        for column in columns
    )
    return sql.SQL("SELECT FROM {} WHERE {}").format(sql.Identifier(schema, name), short)
