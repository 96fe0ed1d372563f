"""Columns whose compressed values are object ids of this server.

Compressed batches hold values in the binary format of their type, which for regclass and similar
types is an OID. A dump holds the batches as they are, so that after a restore the value names
another object or none. Rows that are not compressed, and segmentby columns, are dumped by name.
"""

from tswizard.core.catalog.catalog_shape import Shape
from tswizard.core.catalog.hypertables import chunk_relations
from tswizard.core.catalog.tables import parts
from tswizard.core.db.connection import Connection, rows


def _query(shape: Shape) -> str:
    return f"""
SELECT DISTINCT part.label || '.' || a.attname
FROM ({chunk_relations(shape)}) k
JOIN ({parts(shape)}) part ON part.oid = k.rel
JOIN pg_catalog.pg_attribute a ON a.attrelid = k.rel AND a.attnum > 0 AND NOT a.attisdropped
JOIN pg_catalog.pg_type t ON t.oid = a.atttypid AND t.typname ~ '^_?reg' AND t.oid < 16384
JOIN pg_catalog.pg_attribute z ON z.attrelid = k.comp AND z.attname = a.attname
  AND NOT z.attisdropped AND z.atttypid <> a.atttypid
ORDER BY 1
"""


async def read_compressed_oids(connection: Connection, shape: Shape) -> tuple[str, ...]:
    """`schema.hypertable.column` of each. Raises psycopg.Error."""
    return tuple(label for (label,) in await rows(connection, _query(shape)))
