"""Views and routines that read continuous aggregates: they go with them."""

from tswizard.core.catalog.cagg_model import CaggDependent
from tswizard.core.catalog.catalog_shape import CAGG
from tswizard.core.db.connection import Connection, rows

_DEEP = 50
"""Views may be replaced so that they go round in a circle with a function."""

# A view depends by its rule; who takes or gives its rows depends on its row type. A continuous
# aggregate on another one is none of these, nor are the views behind it.
_DEPENDENTS = f"""
WITH RECURSIVE cagg AS MATERIALIZED (
  SELECT c.oid, g.user_view_schema || '.' || g.user_view_name AS label
  FROM {CAGG} g
  JOIN pg_catalog.pg_namespace n ON n.nspname = g.user_view_schema
  JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relname = g.user_view_name
), found (label, class, oid, depth) AS (
  SELECT label, 'pg_catalog.pg_class'::regclass::oid, oid, 0 FROM cagg
  UNION
  SELECT f.label, d.class, d.oid, f.depth + 1
  FROM found f
  CROSS JOIN LATERAL (
    SELECT f.class, f.oid
    UNION ALL
    SELECT 'pg_catalog.pg_type'::regclass::oid, c.reltype FROM pg_catalog.pg_class c
    WHERE c.oid = f.oid AND f.class = 'pg_catalog.pg_class'::regclass
  ) o (class, oid)
  JOIN pg_catalog.pg_depend x ON x.refclassid = o.class AND x.refobjid = o.oid
    AND x.deptype = 'n'
    AND x.classid IN ('pg_catalog.pg_rewrite'::regclass, 'pg_catalog.pg_proc'::regclass)
  LEFT JOIN pg_catalog.pg_rewrite r
    ON r.oid = x.objid AND x.classid = 'pg_catalog.pg_rewrite'::regclass
  LEFT JOIN pg_catalog.pg_class v ON v.oid = r.ev_class
  CROSS JOIN LATERAL (
    SELECT CASE WHEN r.oid IS NULL THEN x.classid ELSE 'pg_catalog.pg_class'::regclass::oid END,
      COALESCE(r.ev_class, x.objid)
  ) d (class, oid)
  WHERE f.depth < {_DEEP} AND (d.class, d.oid) <> (f.class, f.oid) AND (r.oid IS NULL
    OR v.relkind IN ('v', 'm') AND v.oid NOT IN (SELECT oid FROM cagg)
      AND v.relnamespace <> '_timescaledb_internal'::regnamespace)
)
SELECT i.type, i.identity, pg_catalog.array_agg(DISTINCT f.label ORDER BY f.label)
FROM found f
CROSS JOIN LATERAL pg_catalog.pg_identify_object(f.class, f.oid, 0) i
WHERE f.depth > 0
GROUP BY i.type, i.identity
ORDER BY pg_catalog.max(f.depth), i.identity
"""


async def read_cagg_dependents(connection: Connection) -> tuple[CaggDependent, ...]:
    """Every one of them, what others depend on first. Wants TimescaleDB."""
    return tuple(
        CaggDependent(kind, identity, tuple(caggs))
        for kind, identity, caggs in await rows(connection, _DEPENDENTS)
    )
