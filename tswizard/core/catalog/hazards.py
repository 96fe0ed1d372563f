"""Reads what one of the methods cannot migrate as it is: one query for each kind."""

from typing import Any

from tswizard.core.catalog.catalog_shape import HYPERTABLE, Shape
from tswizard.core.catalog.chunk_users import chunk_use, chunk_uses_query
from tswizard.core.catalog.compressed_oids import read_compressed_oids
from tswizard.core.catalog.hazard_model import (
    AccessMethodUse,
    ExtensionUse,
    HashedByOid,
    Hazards,
    InExtensionSchema,
)
from tswizard.core.catalog.missing_values import read_missing_values
from tswizard.core.catalog.tables import NOT_USERS, VIEWS_OF_CAGGS, not_member, parts
from tswizard.core.catalog.tried_expressions import read_tried_expressions
from tswizard.core.db.connection import Connection, batch

# Types within types: elements, base types of domains, fields, subtypes of ranges.
_TYPES_BY_OID = """
types (whole, part) AS (
  SELECT oid, oid FROM pg_catalog.pg_type WHERE oid IN (SELECT type FROM hashed)
  UNION
  SELECT p.whole, x.part
  FROM types p
  JOIN pg_catalog.pg_type t ON t.oid = p.part
  LEFT JOIN pg_catalog.pg_range r ON r.rngtypid = t.oid
    OR pg_catalog.to_jsonb(r) ->> 'rngmultitypid' = t.oid::text  -- since PostgreSQL 14
  CROSS JOIN LATERAL (
    SELECT t.typelem WHERE t.typelem <> 0 AND t.typlen = -1
    UNION ALL SELECT t.typbasetype WHERE t.typbasetype <> 0
    UNION ALL SELECT r.rngsubtype WHERE r.rngsubtype <> 0
    UNION ALL SELECT f.atttypid FROM pg_catalog.pg_attribute f
              WHERE f.attrelid = t.typrelid AND f.attnum > 0 AND NOT f.attisdropped
  ) AS x (part)
), by_oid AS (
  SELECT DISTINCT p.whole FROM types p JOIN pg_catalog.pg_type t ON t.oid = p.part
  WHERE t.typtype = 'e' OR (t.typname ~ '^reg' AND t.oid < 16384)
)"""

# With one slice every row belongs to it.
_DIMENSIONS = f"""
WITH RECURSIVE hashed AS (
  SELECT h.schema_name AS schema, h.table_name AS name, d.column_name AS column,
    d.column_type::oid AS type,
    EXISTS (SELECT FROM _timescaledb_catalog.dimension_slice s WHERE s.dimension_id = d.id) AS rows,
    d.partitioning_func_schema !~ '^_timescaledb_' AS own
  FROM _timescaledb_catalog.dimension d JOIN {HYPERTABLE} h ON h.id = d.hypertable_id
  WHERE d.num_slices > 1
), {_TYPES_BY_OID}
SELECT h.schema::text, h.name::text, h.column::text, pg_catalog.format_type(h.type, NULL),
  h.rows, h.own
FROM hashed h JOIN by_oid b ON b.whole = h.type
ORDER BY 1, 2, 3
"""

# PARTITION BY HASH on such a column; of an expression the type alone tells it.
_PARTITION_KEYS = f"""
WITH RECURSIVE keys AS (
  SELECT t.partrelid, a.attname AS column, a.atttypid AS type
  FROM pg_catalog.pg_partitioned_table t
  JOIN pg_catalog.pg_attribute a ON a.attrelid = t.partrelid AND a.attnum = ANY (t.partattrs)
    AND a.attnum > 0
  WHERE t.partstrat = 'h'
), hashed AS (SELECT DISTINCT type FROM keys), {_TYPES_BY_OID}"""
_PARTITIONED = f"""{_PARTITION_KEYS}
SELECT n.nspname::text, c.relname::text, k.column::text, pg_catalog.format_type(k.type, NULL),
  true, false
FROM keys k JOIN by_oid b ON b.whole = k.type
JOIN pg_catalog.pg_class c ON c.oid = k.partrelid
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
ORDER BY 1, 2, 3
"""

PARTITIONED_BY_OID = f"""{_PARTITION_KEYS}
SELECT DISTINCT k.partrelid FROM keys k JOIN by_oid b ON b.whole = k.type
"""
"""OIDs of the tables whose rows belong into other partitions on another server."""


def _access_methods(shape: Shape) -> str:
    return f"""
SELECT n.nspname::text, c.relname::text, m.amname::text,
  COALESCE(part.label, n.nspname || '.' || c.relname)
FROM pg_catalog.pg_class c
JOIN pg_catalog.pg_am m ON m.oid = c.relam
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN ({parts(shape)}) part ON part.oid = c.oid
WHERE c.relkind IN ('r', 'p', 'm') AND m.amname <> 'heap' AND c.relpersistence <> 't'
  AND n.nspname NOT IN ('pg_catalog', 'information_schema', '_tswizard')
  AND n.nspname !~ '^pg_(toast|temp)' AND {not_member("pg_class", "c.oid")}
ORDER BY 4, 1, 2
"""


# What belongs to TimescaleDB's own working: chunks, materializations and the views of continuous
# aggregates, and whatever is a part of one.
def _in_extension_schemas(shape: Shape) -> str:
    return f"""
WITH own AS (
  SELECT oid FROM ({parts(shape)}) p
  UNION {VIEWS_OF_CAGGS}
  UNION SELECT c.oid FROM {HYPERTABLE} h
  JOIN pg_catalog.pg_namespace n ON n.nspname = h.schema_name
  JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relname = h.table_name
), objects (class, oid, namespace) AS (
  SELECT 'pg_catalog.pg_class'::regclass, c.oid, c.relnamespace FROM pg_catalog.pg_class c
  WHERE c.relkind IN ('r', 'p', 'v', 'm', 'S', 'f', 'c') AND c.relpersistence <> 't'
    AND c.oid NOT IN (SELECT oid FROM own)
    AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend i
      WHERE i.classid = 'pg_catalog.pg_class'::regclass AND i.objid = c.oid
        AND i.refclassid = 'pg_catalog.pg_class'::regclass AND i.deptype IN ('a', 'i')
        AND i.refobjid IN (SELECT oid FROM own))
  UNION ALL
  SELECT 'pg_catalog.pg_proc'::regclass, p.oid, p.pronamespace FROM pg_catalog.pg_proc p
  UNION ALL
  SELECT 'pg_catalog.pg_type'::regclass, t.oid, t.typnamespace FROM pg_catalog.pg_type t
  WHERE t.typtype IN ('d', 'e', 'r')
  UNION ALL
  SELECT 'pg_catalog.pg_operator'::regclass, o.oid, o.oprnamespace FROM pg_catalog.pg_operator o
  UNION ALL
  SELECT 'pg_catalog.pg_collation'::regclass, o.oid, o.collnamespace FROM pg_catalog.pg_collation o
)
SELECT i.type, i.identity, COALESCE(pg_catalog.quote_ident(n.nspname) || '.'
  || pg_catalog.quote_ident(p.proname) || '('
  || pg_catalog.pg_get_function_identity_arguments(p.oid) || ')', '')
FROM objects o
JOIN pg_catalog.pg_namespace n ON n.oid = o.namespace
LEFT JOIN pg_catalog.pg_proc p ON p.oid = o.oid AND o.class = 'pg_catalog.pg_proc'::regclass
JOIN pg_catalog.pg_depend m ON m.classid = 'pg_catalog.pg_namespace'::regclass
  AND m.objid = o.namespace AND m.deptype = 'e'
JOIN pg_catalog.pg_extension e ON e.oid = m.refobjid AND e.extname = 'timescaledb'
CROSS JOIN LATERAL pg_catalog.pg_identify_object(o.class, o.oid, 0) i
WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_depend x
  WHERE x.classid = o.class AND x.objid = o.oid AND x.deptype IN ('e', 'i'))
ORDER BY 1, 2
"""


# Views depend by their rules; functions only where their body is parsed (BEGIN ATOMIC). What the
# extension itself makes for continuous aggregates is not the user's.
_EXTENSION_USES = f"""
SELECT DISTINCT i.type, i.identity, u.identity
FROM pg_catalog.pg_extension e
JOIN pg_catalog.pg_depend m ON m.refclassid = 'pg_catalog.pg_extension'::regclass
  AND m.refobjid = e.oid AND m.deptype = 'e'
  AND m.classid IN ('pg_catalog.pg_class'::regclass, 'pg_catalog.pg_proc'::regclass)
JOIN pg_catalog.pg_depend d ON d.refclassid = m.classid AND d.refobjid = m.objid
  AND d.deptype = 'n'
  AND d.classid IN ('pg_catalog.pg_rewrite'::regclass, 'pg_catalog.pg_proc'::regclass)
LEFT JOIN pg_catalog.pg_rewrite r
  ON r.oid = d.objid AND d.classid = 'pg_catalog.pg_rewrite'::regclass
LEFT JOIN pg_catalog.pg_class c ON c.oid = r.ev_class
LEFT JOIN pg_catalog.pg_proc p ON p.oid = d.objid AND d.classid = 'pg_catalog.pg_proc'::regclass
JOIN pg_catalog.pg_namespace n ON n.oid = COALESCE(c.relnamespace, p.pronamespace)
LEFT JOIN pg_catalog.pg_class mc
  ON mc.oid = m.objid AND m.classid = 'pg_catalog.pg_class'::regclass
LEFT JOIN pg_catalog.pg_proc mp
  ON mp.oid = m.objid AND m.classid = 'pg_catalog.pg_proc'::regclass
JOIN pg_catalog.pg_namespace mn ON mn.oid = COALESCE(mc.relnamespace, mp.pronamespace)
LEFT JOIN pg_catalog.pg_attribute a ON a.attrelid = mc.oid AND a.attnum = d.refobjsubid
  AND d.refobjsubid > 0
CROSS JOIN LATERAL pg_catalog.pg_identify_object(
  CASE WHEN c.oid IS NULL THEN 'pg_catalog.pg_proc'::regclass
       ELSE 'pg_catalog.pg_class'::regclass END, COALESCE(c.oid, p.oid), 0) i
CROSS JOIN LATERAL (SELECT pg_catalog.concat_ws('.', mn.nspname,
  COALESCE(mc.relname, mp.proname), a.attname) AS identity) u
WHERE e.extname = 'timescaledb'
  AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend x WHERE x.deptype = 'e'
    AND x.classid = CASE WHEN c.oid IS NULL THEN 'pg_catalog.pg_proc'::regclass
                         ELSE 'pg_catalog.pg_class'::regclass END
    AND x.objid = COALESCE(c.oid, p.oid))
  AND {NOT_USERS}
ORDER BY 2, 3
"""


async def read_hazards(connection: Connection, shape: Shape) -> Hazards:
    """All of them. Raises psycopg.Error."""
    queries = [_PARTITIONED, _access_methods(shape)]
    if shape.timescaledb:
        queries += [
            _DIMENSIONS,
            _in_extension_schemas(shape),
            _EXTENSION_USES,
            chunk_uses_query(shape),
        ]
    partitioned, methods, *others = await batch(connection, queries)
    hashed = tuple(_hashed(row, hypertable=False) for row in partitioned)
    access_methods = tuple(
        AccessMethodUse(schema=row[0], name=row[1], method=row[2], of=row[3]) for row in methods
    )
    if not shape.timescaledb:
        return Hazards(hashed_by_oid=hashed, access_methods=access_methods)
    dimensions, inside, uses, of_chunks = others
    return Hazards(
        missing_values=await read_missing_values(connection, shape),
        compressed_oids=await read_compressed_oids(connection, shape),
        expressions=await read_tried_expressions(connection, shape),
        hashed_by_oid=tuple(_hashed(row, hypertable=True) for row in dimensions) + hashed,
        access_methods=access_methods,
        in_extension_schemas=tuple(
            InExtensionSchema(kind=kind, identity=identity, signature=signature)
            for kind, identity, signature in inside
        ),
        extension_uses=tuple(
            ExtensionUse(kind=kind, identity=identity, uses=used) for kind, identity, used in uses
        ),
        chunk_uses=tuple(map(chunk_use, of_chunks)),
    )


def _hashed(row: tuple[Any, ...], *, hypertable: bool) -> HashedByOid:
    return HashedByOid(
        schema=row[0],
        name=row[1],
        column=row[2],
        type=row[3],
        rows=row[4],
        own_function=bool(row[5]),
        hypertable=hypertable,
    )
