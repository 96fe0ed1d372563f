"""Grants, default privileges, and the owners of the objects.

https://www.postgresql.org/docs/current/ddl-priv.html; pg_default_acl.
"""

from tswizard.core.catalog.tables import in_user_schema, not_member
from tswizard.core.verify.schema.catalog_sql import (
    FIRST_NORMAL,
    Catalogs,
    json_object,
    role_name,
)

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


def entries(items: str, owner: str) -> str:
    """SQL for a JSON object: grantee -> sorted privileges as text, `*` for WITH GRANT OPTION.

    `items` is what is in FROM, with the columns of aclexplode.
    """
    grantee = f"CASE WHEN e.grantee = {owner} THEN '{OWNER}' ELSE {role_name('e.grantee')} END"
    return f"""(
    SELECT pg_catalog.jsonb_object_agg(g.grantee, g.privileges) FROM (
      SELECT x.grantee,
        pg_catalog.string_agg(x.privilege || x.option, ',' ORDER BY x.privilege) AS privileges
      FROM (
        SELECT {grantee} AS grantee, e.privilege_type AS privilege,
          CASE WHEN pg_catalog.bool_or(e.is_grantable) AND e.grantee <> {owner}
            THEN '*' ELSE '' END AS option
        FROM {items} e GROUP BY e.grantee, e.privilege_type) x
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
WHERE (t.typtype IN ('e', 'd', 'r', 'b') AND t.typelem = 0
    OR t.typrelid IN (SELECT r.oid FROM rel r WHERE r.relkind = 'c'))
  AND {in_user_schema()} AND {not_member("pg_type", "t.oid")}
UNION ALL
SELECT 'language ' || pg_catalog.quote_ident(l.lanname), NULL, 'l', l.lanowner, l.lanacl, NULL
FROM pg_catalog.pg_language l
WHERE l.oid >= {FIRST_NORMAL} AND {not_member("pg_language", "l.oid")}
UNION ALL
SELECT 'publication ' || pg_catalog.quote_ident(p.pubname), NULL, NULL, p.pubowner, NULL, NULL
FROM pg_catalog.pg_publication p WHERE {not_member("pg_publication", "p.oid")}
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
    everything = entries(
        'pg_catalog.aclexplode(COALESCE(o.acl, pg_catalog.acldefault(o.type::"char", o.owner)))',
        "o.owner",
    )
    definition = json_object(owner=role_name("o.owner"), granted=everything, definer="o.definer")
    return f"""
SELECT 'grant', o.name, o.part, {definition}
FROM ({objects}) o
"""


def default_privileges(_catalogs: Catalogs) -> str:
    """ALTER DEFAULT PRIVILEGES, by the role they are for."""
    granted = entries("pg_catalog.aclexplode(d.defaclacl)", "d.defaclrole")
    return f"""
SELECT 'default-privilege',
  {role_name("d.defaclrole")} || ' on ' || CASE d.defaclobjtype WHEN 'r' THEN 'tables'
    WHEN 'S' THEN 'sequences' WHEN 'f' THEN 'functions' WHEN 'T' THEN 'types'
    WHEN 'n' THEN 'schemas' ELSE d.defaclobjtype::text END
  || COALESCE(' in ' || pg_catalog.quote_ident(n.nspname), ''),
  NULL::text,
  {json_object(role=role_name("d.defaclrole"), granted=granted)}
FROM pg_catalog.pg_default_acl d
LEFT JOIN pg_catalog.pg_namespace n ON n.oid = d.defaclnamespace
"""
