"""Grants, default privileges, and the owners of the objects.

https://www.postgresql.org/docs/current/ddl-priv.html; pg_default_acl; pg_init_privs for what an
extension or initdb granted by itself.
"""

from tswizard.core.catalog.tables import extension_schema, in_user_schema, not_member
from tswizard.core.verify.schema.catalog_sql import Catalogs, json_object, role_name

OWNER = "<owner>"
"""Stands for the owner among the grantees: on the target it may be another role."""


LARGE_OBJECTS = "large objects"
"""All of them that nobody was granted anything on, where they have one owner."""

# There can be millions: whose privileges are the default ones are told one by one only where the
# owners differ. That all are there, the rows' comparison says.
_LARGE_OBJECTS = f"""
SELECT 'large object ' || l.oid, NULL, 'L', l.lomowner, l.lomacl, NULL
FROM pg_catalog.pg_largeobject_metadata l
WHERE l.lomacl IS NOT NULL OR EXISTS (
  SELECT FROM pg_catalog.pg_largeobject_metadata o
  WHERE o.lomacl IS NULL
  HAVING pg_catalog.min(o.lomowner) <> pg_catalog.max(o.lomowner))
UNION ALL
SELECT '{LARGE_OBJECTS}', NULL, 'L', pg_catalog.min(l.lomowner), NULL, NULL
FROM pg_catalog.pg_largeobject_metadata l
WHERE l.lomacl IS NULL
HAVING pg_catalog.min(l.lomowner) = pg_catalog.max(l.lomowner)
"""


def _entries(acl: str, owner: str) -> str:
    """SQL for a JSON object: grantee -> sorted privileges as text, `*` for WITH GRANT OPTION."""
    grantee = f"CASE WHEN e.grantee = {owner} THEN '{OWNER}' ELSE {role_name('e.grantee')} END"
    return f"""(
    SELECT pg_catalog.jsonb_object_agg(g.grantee, g.privileges) FROM (
      SELECT x.grantee,
        pg_catalog.string_agg(x.privilege || x.option, ',' ORDER BY x.privilege) AS privileges
      FROM (
        SELECT {grantee} AS grantee, e.privilege_type AS privilege,
          CASE WHEN pg_catalog.bool_or(e.is_grantable) AND e.grantee <> {owner}
            THEN '*' ELSE '' END AS option
        FROM pg_catalog.aclexplode({acl}) e GROUP BY e.grantee, e.privilege_type) x
      GROUP BY x.grantee) g)"""


def grants(catalogs: Catalogs) -> str:
    """One row per object: everything granted on it, defaults included, and its owner; of a function
    also whether it runs as its owner."""
    objects = f"""
SELECT CASE WHEN r.relkind = 'S' THEN 'sequence ' ELSE 'table ' END || r.name AS name, r.part,
  CASE WHEN r.relkind = 'S' THEN 's' ELSE 'r' END AS type, c.relowner AS owner, c.relacl AS acl,
  NULL::boolean AS definer
FROM rel r JOIN pg_catalog.pg_class c ON c.oid = r.oid WHERE r.relkind <> 'c'
UNION ALL
SELECT 'column ' || r.name || '.' || pg_catalog.quote_ident(a.attname), r.part, 'c', c.relowner,
  a.attacl, NULL
FROM rel r JOIN pg_catalog.pg_class c ON c.oid = r.oid
JOIN pg_catalog.pg_attribute a ON a.attrelid = r.oid
WHERE a.attacl IS NOT NULL AND a.attnum > 0 AND NOT a.attisdropped
UNION ALL
SELECT 'schema ' || pg_catalog.quote_ident(n.nspname), NULL, 'n', n.nspowner, n.nspacl, NULL
FROM pg_catalog.pg_namespace n
WHERE {in_user_schema()} AND n.nspname !~ '^pg_' AND {not_member("pg_namespace", "n.oid")}
UNION ALL
SELECT 'function ' || p.oid::regprocedure::text, NULL, 'f', p.proowner, p.proacl,
  NULLIF(p.prosecdef, false)
FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
WHERE {in_user_schema()} AND {not_member("pg_proc", "p.oid")}
UNION ALL
SELECT 'type ' || t.oid::regtype::text, NULL, 'T', t.typowner, t.typacl, NULL
FROM pg_catalog.pg_type t JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace
WHERE t.typtype IN ('e', 'd', 'r', 'b') AND t.typelem = 0 AND {in_user_schema()}
  AND {not_member("pg_type", "t.oid")}
UNION ALL
SELECT 'foreign data wrapper ' || pg_catalog.quote_ident(w.fdwname), NULL, 'F', w.fdwowner,
  w.fdwacl, NULL
FROM pg_catalog.pg_foreign_data_wrapper w WHERE {not_member("pg_foreign_data_wrapper", "w.oid")}
UNION ALL
SELECT 'foreign server ' || pg_catalog.quote_ident(s.srvname), NULL, 'S', s.srvowner, s.srvacl, NULL
FROM pg_catalog.pg_foreign_server s WHERE {not_member("pg_foreign_server", "s.oid")}
UNION ALL
{_LARGE_OBJECTS}
"""
    entries = _entries('COALESCE(o.acl, pg_catalog.acldefault(o.type::"char", o.owner))', "o.owner")
    definition = json_object(owner=role_name("o.owner"), granted=entries, definer="o.definer")
    return f"""
SELECT 'grant', o.name, o.part, {definition}
FROM ({objects}) o
"""


def grants_on_extensions(_catalogs: Catalogs) -> str:
    """Grants on an extension's or PostgreSQL's own objects beyond their initial privileges.

    pg_dump dumps exactly these. Grants in TimescaleDB's internal schemas, by itself or by a
    service, are left out.
    """
    objects = """
SELECT 'table ' || c.oid::regclass::text AS name, 'pg_class'::text AS class, c.oid,
  CASE WHEN c.relkind = 'S' THEN 's' ELSE 'r' END AS type,
  c.relnamespace AS schema, c.relowner AS owner, c.relacl AS acl
FROM pg_catalog.pg_class c WHERE c.relkind IN ('r', 'p', 'v', 'm', 'S', 'f')
UNION ALL
SELECT 'function ' || p.oid::regprocedure::text, 'pg_proc', p.oid, 'f', p.pronamespace, p.proowner,
  p.proacl
FROM pg_catalog.pg_proc p
UNION ALL
SELECT 'schema ' || pg_catalog.quote_ident(n.nspname), 'pg_namespace', n.oid, 'n', n.oid,
  n.nspowner, n.nspacl
FROM pg_catalog.pg_namespace n
"""
    entries = _entries("x.acl", "o.owner")
    return f"""
SELECT 'grant', o.name, NULL::text, {json_object(granted=entries)}
FROM ({objects}) o
JOIN pg_catalog.pg_namespace n ON n.oid = o.schema
LEFT JOIN pg_catalog.pg_init_privs i ON i.objoid = o.oid AND i.objsubid = 0
  AND i.classoid = ('pg_catalog.' || o.class)::regclass
CROSS JOIN LATERAL (
  SELECT pg_catalog.array_agg(a.item) AS acl FROM pg_catalog.unnest(o.acl) AS a (item)
  WHERE NOT a.item = ANY (COALESCE(i.initprivs, pg_catalog.acldefault(o.type::"char", o.owner)))
) x
WHERE o.acl IS NOT NULL AND x.acl IS NOT NULL
  AND NOT {extension_schema()}
  AND (i.objoid IS NOT NULL OR EXISTS (
    SELECT FROM pg_catalog.pg_depend d
    WHERE d.classid = ('pg_catalog.' || o.class)::regclass AND d.objid = o.oid AND d.deptype = 'e'))
  AND NOT EXISTS (
    SELECT FROM pg_catalog.pg_depend d JOIN pg_catalog.pg_extension e ON e.oid = d.refobjid
    WHERE d.classid = ('pg_catalog.' || o.class)::regclass AND d.objid = o.oid AND d.deptype = 'e'
      AND e.extname = 'timescaledb')
  AND NOT (o.class = 'pg_namespace' AND n.nspname = 'public')
"""


def default_privileges(_catalogs: Catalogs) -> str:
    """ALTER DEFAULT PRIVILEGES, by the role they are for."""
    return f"""
SELECT 'default-privilege',
  {role_name("d.defaclrole")} || ' on ' || CASE d.defaclobjtype WHEN 'r' THEN 'tables'
    WHEN 'S' THEN 'sequences' WHEN 'f' THEN 'functions' WHEN 'T' THEN 'types'
    WHEN 'n' THEN 'schemas' ELSE d.defaclobjtype::text END
  || COALESCE(' in ' || pg_catalog.quote_ident(n.nspname), ''),
  NULL::text,
  {json_object(role=role_name("d.defaclrole"), granted=_entries("d.defaclacl", "d.defaclrole"))}
FROM pg_catalog.pg_default_acl d
LEFT JOIN pg_catalog.pg_namespace n ON n.oid = d.defaclnamespace
"""
