"""Which hypertable the table of a chunk belongs to, for every version of TimescaleDB's catalog.

Depends on the columns of the catalog: from 2.9 to 2.28 `chunk` has schema and table name and the
id of its compressed chunk; from 2.29 it has `relid`, and only `compression_settings` has the
compressed table (sql/pre_install/tables.sql of timescale/timescaledb at these versions).
"""

from typing import Any, LiteralString

from psycopg import AsyncConnection
from psycopg.rows import tuple_row

from tswizard.core.classify.prove import Origin

_COLUMNS = """
SELECT c.relname || '.' || a.attname
FROM pg_catalog.pg_attribute a
JOIN pg_catalog.pg_class c ON c.oid = a.attrelid
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = '_timescaledb_catalog' AND a.attnum > 0 AND NOT a.attisdropped
  AND c.relname IN ('chunk', 'compression_settings')
"""

# (id of the hypertable, is it a compressed chunk) of the table.
_BY_NAME = """
SELECT COALESCE(parent.hypertable_id, owner.id, c.hypertable_id),
       parent.id IS NOT NULL OR owner.id IS NOT NULL
FROM _timescaledb_catalog.chunk c
LEFT JOIN _timescaledb_catalog.chunk parent ON parent.compressed_chunk_id = c.id
LEFT JOIN _timescaledb_catalog.hypertable owner ON owner.compressed_hypertable_id = c.hypertable_id
WHERE c.table_name = %(relation)s AND (%(schema)s = '' OR c.schema_name = %(schema)s)
"""

_BY_OID = """
WITH tables AS (
  SELECT t.oid FROM pg_catalog.pg_class t
  JOIN pg_catalog.pg_namespace n ON n.oid = t.relnamespace
  WHERE t.relname = %(relation)s AND (%(schema)s = '' OR n.nspname = %(schema)s))
SELECT c.hypertable_id, false FROM _timescaledb_catalog.chunk c
WHERE c.relid IN (SELECT oid FROM tables)
UNION ALL
SELECT c.hypertable_id, true FROM _timescaledb_catalog.compression_settings s
JOIN _timescaledb_catalog.chunk c ON c.relid = s.relid
WHERE s.compress_relid IN (SELECT oid FROM tables)
"""

_OWNER = """
SELECT a.user_view_schema || '.' || a.user_view_name, h.schema_name || '.' || h.table_name
FROM _timescaledb_catalog.hypertable h
LEFT JOIN _timescaledb_catalog.continuous_agg a ON a.mat_hypertable_id = h.id
WHERE h.id = %(id)s
"""


async def find_origin(
    connection: AsyncConnection[Any], schema: str, relation: str
) -> Origin | None:
    """What a chunk's table, compressed or not, belongs to; None for any other table.

    Without a schema an ambiguous name gives None. Raises psycopg.Error where TimescaleDB's catalog
    cannot be read.
    """
    columns = {name for (name,) in await _rows(connection, _COLUMNS, {})}
    query = _BY_OID if "chunk.relid" in columns else _BY_NAME
    found = set(await _rows(connection, query, {"schema": schema, "relation": relation}))
    if len(found) != 1:
        return None
    hypertable, compressed = found.pop()
    owners = await _rows(connection, _OWNER, {"id": hypertable})
    if not owners:
        return None
    cagg, table = owners[0]
    part = "one of its compressed chunks" if compressed else "one of its chunks"
    if cagg is not None:
        return Origin("continuous aggregate", cagg, part)
    return Origin("hypertable", table, part)


async def _rows(
    connection: AsyncConnection[Any], query: LiteralString, args: dict[str, Any]
) -> list[tuple[Any, ...]]:
    async with connection.cursor(row_factory=tuple_row) as cursor:
        await cursor.execute(query, args)
        return await cursor.fetchall()
