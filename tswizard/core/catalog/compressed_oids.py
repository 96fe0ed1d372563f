"""Columns whose compressed values are object ids of this server.

Compressed batches hold values in the binary format of their type, which for regclass and similar
types is an OID. A dump holds the batches as they are, so that after a restore the value names
another object or none. Rows that are not compressed, and segmentby columns, are dumped by name.
"""

from tswizard.core.catalog.catalog_shape import Shape
from tswizard.core.catalog.hypertables import chunk_relations
from tswizard.core.catalog.tables import parts
from tswizard.core.catalog.types_within import IS_OBJECT_ID, PARTS_OF_TYPES
from tswizard.core.db.connection import Connection, rows


def _query(shape: Shape) -> str:
    return f"""
WITH RECURSIVE c AS (
  SELECT k.rel, k.comp, a.attname, a.atttypid
  FROM ({chunk_relations(shape)}) k
  JOIN pg_catalog.pg_attribute a ON a.attrelid = k.rel AND a.attnum > 0 AND NOT a.attisdropped
  WHERE k.comp IS NOT NULL
), {PARTS_OF_TYPES}, ids AS (
  SELECT DISTINCT p.whole FROM parts p JOIN pg_catalog.pg_type t ON t.oid = p.part
  WHERE {IS_OBJECT_ID}
)
SELECT DISTINCT part.label || '.' || c.attname
FROM c
JOIN ids ON ids.whole = c.atttypid
JOIN ({parts(shape)}) part ON part.oid = c.rel
JOIN pg_catalog.pg_attribute z ON z.attrelid = c.comp AND z.attname = c.attname
  AND NOT z.attisdropped AND z.atttypid <> c.atttypid
ORDER BY 1
"""


async def read_compressed_oids(connection: Connection, shape: Shape) -> tuple[str, ...]:
    """`schema.hypertable.column` of each. Raises psycopg.Error."""
    return tuple(label for (label,) in await rows(connection, _query(shape)))
