"""Objects of the user that name a chunk, or what a continuous aggregate stores its rows in.

Those have other names after a split migration: what names one cannot be created, or would read
whatever has that name there.
"""

from tswizard.core.catalog.catalog_shape import CAGG, HYPERTABLE, Shape
from tswizard.core.catalog.hazard_model import ChunkUse
from tswizard.core.catalog.tables import NOT_USERS, VIEWS_OF_CAGGS, not_member, parts

# A chunk's copy of a foreign key that points to its hypertable names the chunk as well. IS TRUE: as
# a join, what is looked up among 20,000 chunks would be compared with each of them.
_BOUND = """
SELECT CASE WHEN r.rulename = '_RETURN' THEN 'pg_catalog.pg_class'::regclass
            ELSE 'pg_catalog.pg_rewrite'::regclass END AS class,
  CASE WHEN r.rulename = '_RETURN' THEN r.ev_class ELSE r.oid END AS oid, d.refobjid AS part
FROM pg_catalog.pg_depend d
JOIN pg_catalog.pg_rewrite r ON r.oid = d.objid
WHERE d.classid = 'pg_catalog.pg_rewrite'::regclass AND d.deptype = 'n'
  AND d.refclassid = 'pg_catalog.pg_class'::regclass
  AND (d.refobjid IN (SELECT oid FROM part)) IS TRUE
  AND r.ev_class NOT IN (SELECT oid FROM part) AND r.ev_class NOT IN (SELECT oid FROM own)
UNION
SELECT d.classid, d.objid, d.refobjid
FROM pg_catalog.pg_depend d
LEFT JOIN pg_catalog.pg_policy p
  ON p.oid = d.objid AND d.classid = 'pg_catalog.pg_policy'::regclass
WHERE d.classid IN ('pg_catalog.pg_proc'::regclass, 'pg_catalog.pg_policy'::regclass)
  AND d.deptype = 'n'
  AND d.refclassid = 'pg_catalog.pg_class'::regclass
  AND (d.refobjid IN (SELECT oid FROM part)) IS TRUE
  AND (p.oid IS NULL OR p.polrelid NOT IN (SELECT oid FROM part))
UNION
SELECT 'pg_catalog.pg_constraint'::regclass, k.oid, k.confrelid
FROM pg_catalog.pg_constraint k
LEFT JOIN pg_catalog.pg_inherits i ON i.inhrelid = k.confrelid
WHERE k.contype = 'f' AND (k.confrelid IN (SELECT oid FROM part)) IS TRUE
  AND k.conrelid NOT IN (SELECT oid FROM part)
  AND NOT EXISTS (
    SELECT FROM pg_catalog.pg_constraint o
    WHERE o.contype = 'f' AND o.conrelid = k.conrelid AND o.conkey = k.conkey
      AND o.confrelid = i.inhparent)
"""

# A text that nobody has parsed depends on nothing.
_IN_TEXTS = f"""
SELECT DISTINCT 'pg_catalog.pg_proc'::regclass, p.oid, part.oid
FROM pg_catalog.pg_proc p
JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
JOIN pg_catalog.pg_language l ON l.oid = p.prolang AND l.lanname NOT IN ('c', 'internal')
CROSS JOIN LATERAL pg_catalog.regexp_matches(p.prosrc,
  '\\m(\\w+_chunk|_materialized_hypertable_\\d+)\\M', 'g') AS word (found)
JOIN part ON part.relname = word.found[1]
WHERE {NOT_USERS} AND {not_member("pg_proc", "p.oid")}
"""


def _part(shape: Shape) -> str:
    """CTEs: what has another name on the target, and the views of continuous aggregates."""
    return f"""
part AS MATERIALIZED (
  SELECT p.oid, p.label, c.relname, n.nspname || '.' || c.relname AS name
  FROM ({parts(shape)}) p
  JOIN pg_catalog.pg_class c ON c.oid = p.oid
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  WHERE NOT EXISTS (
    SELECT FROM {HYPERTABLE} h
    WHERE h.schema_name = n.nspname AND h.table_name = c.relname
      AND NOT EXISTS (SELECT FROM {CAGG} g WHERE g.mat_hypertable_id = h.id))
), own AS MATERIALIZED (
  {VIEWS_OF_CAGGS}
)"""


def bound_to_chunks(shape: Shape) -> str:
    """A query of (catalog, oid): what depends on a chunk by its OID."""
    return (
        f"WITH {_part(shape)} SELECT DISTINCT b.class::oid::bigint, b.oid::bigint FROM ({_BOUND}) b"
    )


def chunk_uses_query(shape: Shape) -> str:
    """What depends on a chunk, and functions whose text names one."""
    return f"""
WITH {_part(shape)}, found (class, oid, part, bound) AS (
  SELECT class, oid, part, true FROM ({_BOUND}) b
  UNION ALL
  SELECT t.*, false FROM ({_IN_TEXTS}) t
)
SELECT i.type, i.identity, p.name, p.label, f.bound
FROM found f
JOIN part p ON p.oid = f.part
CROSS JOIN LATERAL pg_catalog.pg_identify_object(f.class, f.oid, 0) i
ORDER BY 2, 1, 3
"""


def chunk_use(row: tuple[str, str, str, str, bool]) -> ChunkUse:
    """A row of `chunk_uses_query`."""
    kind, identity, chunk, of, bound = row
    return ChunkUse(kind=kind, identity=identity, chunk=chunk, of=of, bound=bound)
