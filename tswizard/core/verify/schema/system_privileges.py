"""What was granted and revoked on objects of extensions and on PostgreSQL's own.

pg_init_privs has what an extension or initdb granted by itself, where that is not the default of
the kind of object: https://www.postgresql.org/docs/current/catalog-pg-init-privs.html
"""

from tswizard.core.catalog.tables import extension_schema
from tswizard.core.verify.schema.catalog_sql import FIRST_NORMAL, Catalogs, json_object
from tswizard.core.verify.schema.privileges import entries

_MEMBERS = """
SELECT d.classid, d.objid, e.extname
FROM pg_catalog.pg_extension e
JOIN pg_catalog.pg_depend d ON d.refclassid = 'pg_catalog.pg_extension'::regclass
  AND d.refobjid = e.oid AND d.deptype = 'e'
"""


def _own(catalog: str, oid: str, otherwise: str) -> str:
    """SQL: it belongs to an extension, or is PostgreSQL's own. TimescaleDB's objects, and what is
    in its schemas, are left out: there a service grants what it needs."""
    return f"""LEFT JOIN member m
  ON m.classid = 'pg_catalog.{catalog}'::regclass AND m.objid = {oid}
WHERE ({otherwise} OR m.objid IS NOT NULL) AND m.extname IS DISTINCT FROM 'timescaledb'"""


_SCHEMAS = "n.nspname IN ('pg_catalog', 'information_schema')"
_NOT_INSIDE = f"NOT {extension_schema()}"

# Relations first: their columns are looked up one relation at a time, not those of all chunks.
_OBJECTS = f"""
relation AS MATERIALIZED (
  SELECT c.oid, c.relkind, c.relowner, c.relacl
  FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  {_own("pg_class", "c.oid", _SCHEMAS)} AND {_NOT_INSIDE}
    AND c.relkind IN ('r', 'p', 'v', 'm', 'S', 'f')
),
object (name, class, oid, part, type, owner, acl) AS (
SELECT 'table ' || r.oid::regclass::text, 'pg_class', r.oid, 0,
  CASE WHEN r.relkind = 'S' THEN 's' ELSE 'r' END, r.relowner, r.relacl
FROM relation r
UNION ALL
SELECT 'column ' || r.oid::regclass::text || '.' || pg_catalog.quote_ident(a.attname), 'pg_class',
  r.oid, a.attnum, 'c', r.relowner, a.attacl
FROM relation r JOIN pg_catalog.pg_attribute a ON a.attrelid = r.oid AND NOT a.attisdropped
UNION ALL
SELECT 'function ' || p.oid::regprocedure::text, 'pg_proc', p.oid, 0, 'f', p.proowner, p.proacl
FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
{_own("pg_proc", "p.oid", _SCHEMAS)} AND {_NOT_INSIDE}
UNION ALL
SELECT 'type ' || t.oid::regtype::text, 'pg_type', t.oid, 0, 'T', t.typowner, t.typacl
FROM pg_catalog.pg_type t JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace
{_own("pg_type", "t.oid", _SCHEMAS)} AND {_NOT_INSIDE}
UNION ALL
SELECT 'schema ' || pg_catalog.quote_ident(n.nspname), 'pg_namespace', n.oid, 0, 'n', n.nspowner,
  n.nspacl
FROM pg_catalog.pg_namespace n
{_own("pg_namespace", "n.oid", _SCHEMAS)} AND {_NOT_INSIDE}
UNION ALL
SELECT 'language ' || pg_catalog.quote_ident(l.lanname), 'pg_language', l.oid, 0, 'l', l.lanowner,
  l.lanacl
FROM pg_catalog.pg_language l
{_own("pg_language", "l.oid", f"l.oid < {FIRST_NORMAL}")}
UNION ALL
SELECT 'foreign data wrapper ' || pg_catalog.quote_ident(w.fdwname), 'pg_foreign_data_wrapper',
  w.oid, 0, 'F', w.fdwowner, w.fdwacl
FROM pg_catalog.pg_foreign_data_wrapper w
{_own("pg_foreign_data_wrapper", "w.oid", "false")}
UNION ALL
SELECT 'foreign server ' || pg_catalog.quote_ident(s.srvname), 'pg_foreign_server', s.oid, 0, 'S',
  s.srvowner, s.srvacl
FROM pg_catalog.pg_foreign_server s
{_own("pg_foreign_server", "s.oid", "false")}
)
"""


def system_grants(_catalogs: Catalogs) -> str:
    """One row per object whose privileges are not its initial ones: what was granted beyond them,
    and what was revoked of them. pg_dump dumps exactly these."""
    now, then = (
        f"SELECT grantee, privilege_type, {{option}} FROM pg_catalog.aclexplode({acl})"
        for acl in ("x.acl", "x.initial")
    )
    whole, none = "is_grantable", "false AS is_grantable"
    granted = f"({now.format(option=whole)} EXCEPT {then.format(option=whole)})"
    revoked = f"({then.format(option=none)} EXCEPT {now.format(option=none)})"
    definition = json_object(
        granted=entries(granted, "o.owner"), revoked=entries(revoked, "o.owner")
    )
    return f"""
WITH member AS MATERIALIZED ({_MEMBERS}), {_OBJECTS}
SELECT 'grant', o.name, NULL::text, {definition}
FROM object o
LEFT JOIN pg_catalog.pg_init_privs i ON i.objoid = o.oid AND i.objsubid = o.part
  AND i.classoid = ('pg_catalog.' || o.class)::regclass
CROSS JOIN LATERAL (
  SELECT COALESCE(o.acl, d.acl) AS acl, COALESCE(i.initprivs, d.acl) AS initial
  FROM (SELECT pg_catalog.acldefault(o.type::"char", o.owner)) AS d (acl)
) x
WHERE (o.acl IS NOT NULL OR i.initprivs IS NOT NULL) AND x.acl IS DISTINCT FROM x.initial
"""
