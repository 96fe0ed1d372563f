"""Queries of the source that a plan is made of."""

from tswizard.core.catalog.catalog_shape import HYPERTABLE, Shape
from tswizard.core.catalog.hypertables import chunk_relations, slices_of_chunks
from tswizard.core.catalog.tables import NOT_USERS, READABLE, not_member, parts


def tables_sql(shape: Shape) -> str:
    """OID, schema, name, bytes, rows and file of all tables with rows that belong to no hypertable.

    A partitioned table has no rows, its leaves do. Of a table with child tables only its own rows
    count.
    """
    return f"""
SELECT c.oid::bigint, n.nspname::text, c.relname::text,
  COALESCE(pg_catalog.pg_table_size(c.oid), 0), GREATEST(c.reltuples, 0)::bigint,
  pg_catalog.pg_relation_filenode(c.oid)::bigint
FROM pg_catalog.pg_class c
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN ({parts(shape)}) part ON part.oid = c.oid
WHERE c.relkind = 'r' AND c.relpersistence <> 't' AND {READABLE}
  AND {NOT_USERS} AND part.oid IS NULL AND {not_member("pg_class", "c.oid")}
ORDER BY 2, 3
"""


# TimescaleDB's configuration tables are its catalog: it is recreated, not copied.
CONFIGS = """
SELECT c.oid::bigint, n.nspname::text, c.relname::text,
  COALESCE(pg_catalog.pg_table_size(c.oid), 0), GREATEST(c.reltuples, 0)::bigint,
  COALESCE(e.extcondition[o.number], '')
FROM pg_catalog.pg_extension e
CROSS JOIN LATERAL pg_catalog.unnest(e.extconfig) WITH ORDINALITY AS o (oid, number)
JOIN pg_catalog.pg_class c ON c.oid = o.oid AND c.relkind = 'r'
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE e.extname <> 'timescaledb' AND pg_catalog.pg_relation_size(c.oid) > 0
ORDER BY 2, 3
"""

ROOTS = f"""
SELECT c.oid::bigint, n.nspname::text, c.relname::text, pg_catalog.pg_relation_size(c.oid)
FROM {HYPERTABLE} h
JOIN pg_catalog.pg_namespace n ON n.nspname = h.schema_name
JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relname = h.table_name
"""

COUNT_OBJECTS = "SELECT pg_catalog.count(*) FROM pg_catalog.pg_largeobject_metadata"

OBJECT_BOUNDS = """
SELECT oid::bigint FROM (
  SELECT oid, pg_catalog.row_number() OVER (ORDER BY oid) - 1 AS number
  FROM pg_catalog.pg_largeobject_metadata) o
WHERE number %% %s = 0 ORDER BY 1
"""


def dimension_slices_sql(shape: Shape) -> str:
    """Schema, name and dimension slices of every chunk, as the catalog stores them."""
    return f"""
SELECT n.nspname::text, c.relname::text,
  pg_catalog.jsonb_object_agg(d.column_name, pg_catalog.jsonb_build_array(
    s.range_start, s.range_end))::text
FROM ({chunk_relations(shape)}) k
JOIN pg_catalog.pg_class c ON c.oid = k.rel
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
JOIN ({slices_of_chunks(shape)}) s ON s.chunk = k.id
JOIN _timescaledb_catalog.dimension d ON d.id = s.dimension_id
GROUP BY 1, 2
"""
