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


# PostgreSQL's own schema, of which pg_dump dumps privileges, and where else members may be.
_SCHEMAS = f"""
SELECT n.oid, n.nspname, n.nspname = 'pg_catalog' AS own, n.nspowner, n.nspacl
FROM pg_catalog.pg_namespace n
WHERE n.nspname <> 'information_schema' AND NOT {extension_schema()}
"""


def _class(catalog: str) -> str:
    return f"'pg_catalog.{catalog}'::regclass::oid"


def _own(catalog: str, oid: str, otherwise: str = "n.own") -> str:
    """SQL: it belongs to an extension, or is PostgreSQL's own. TimescaleDB's objects, and what is
    in its schemas, are left out: there a service grants what it needs."""
    return f"""LEFT JOIN member m ON m.classid = {_class(catalog)} AND m.objid = {oid}
WHERE ({otherwise} OR m.objid IS NOT NULL) AND m.extname IS DISTINCT FROM 'timescaledb'"""


# Relations first: their columns are looked up one relation at a time, not those of all chunks.
_OBJECTS = f"""
relation AS MATERIALIZED (
  SELECT c.oid, c.relkind, c.relowner, c.relacl
  FROM pg_catalog.pg_class c JOIN space n ON n.oid = c.relnamespace
  {_own("pg_class", "c.oid")} AND c.relkind IN ('r', 'p', 'v', 'm', 'S', 'f')
),
object (kind, class, oid, part, type, label, owner, acl) AS (
SELECT 'table', {_class("pg_class")}, r.oid, 0, CASE WHEN r.relkind = 'S' THEN 's' ELSE 'r' END,
  NULL::name, r.relowner, r.relacl
FROM relation r
UNION ALL
SELECT 'column', {_class("pg_class")}, r.oid, a.attnum, 'c', a.attname, r.relowner, a.attacl
FROM relation r JOIN pg_catalog.pg_attribute a ON a.attrelid = r.oid AND NOT a.attisdropped
UNION ALL
SELECT 'function', {_class("pg_proc")}, p.oid, 0, 'f', NULL, p.proowner, p.proacl
FROM pg_catalog.pg_proc p JOIN space n ON n.oid = p.pronamespace
{_own("pg_proc", "p.oid")}
UNION ALL
SELECT 'type', {_class("pg_type")}, t.oid, 0, 'T', NULL, t.typowner, t.typacl
FROM pg_catalog.pg_type t JOIN space n ON n.oid = t.typnamespace
{_own("pg_type", "t.oid")}
UNION ALL
SELECT 'schema', {_class("pg_namespace")}, n.oid, 0, 'n', n.nspname, n.nspowner, n.nspacl
FROM space n
{_own("pg_namespace", "n.oid")}
UNION ALL
SELECT 'language', {_class("pg_language")}, l.oid, 0, 'l', l.lanname, l.lanowner, l.lanacl
FROM pg_catalog.pg_language l
{_own("pg_language", "l.oid", f"l.oid < {FIRST_NORMAL}")}
UNION ALL
SELECT 'foreign data wrapper', {_class("pg_foreign_data_wrapper")}, w.oid, 0, 'F', w.fdwname,
  w.fdwowner, w.fdwacl
FROM pg_catalog.pg_foreign_data_wrapper w
{_own("pg_foreign_data_wrapper", "w.oid", "false")}
UNION ALL
SELECT 'foreign server', {_class("pg_foreign_server")}, s.oid, 0, 'S', s.srvname, s.srvowner,
  s.srvacl
FROM pg_catalog.pg_foreign_server s
{_own("pg_foreign_server", "s.oid", "false")}
)
"""

# Printed of the few that are left: there are thousands of functions.
_NAME = """o.kind || ' ' || CASE o.kind WHEN 'function' THEN o.oid::regprocedure::text
    WHEN 'type' THEN o.oid::regtype::text
    WHEN 'table' THEN o.oid::regclass::text
    WHEN 'column' THEN o.oid::regclass::text || '.' || pg_catalog.quote_ident(o.label)
    ELSE pg_catalog.quote_ident(o.label) END"""


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
WITH member AS MATERIALIZED ({_MEMBERS}), space AS MATERIALIZED ({_SCHEMAS}), {_OBJECTS}
SELECT 'grant', {_NAME}, NULL::text, {definition}
FROM object o
LEFT JOIN pg_catalog.pg_init_privs i
  ON i.objoid = o.oid AND i.objsubid = o.part AND i.classoid = o.class
CROSS JOIN LATERAL (
  SELECT COALESCE(o.acl, d.acl) AS acl, COALESCE(i.initprivs, d.acl) AS initial
  FROM (SELECT pg_catalog.acldefault(o.type::"char", o.owner)) AS d (acl)
) x
WHERE (o.acl IS NOT NULL OR i.initprivs IS NOT NULL) AND x.acl IS DISTINCT FROM x.initial
"""
