"""Comments and security labels.

https://www.postgresql.org/docs/current/catalogs.html: pg_description, pg_seclabel.
"""

from tswizard.core.verify.schema.catalog_sql import FIRST_NORMAL, Catalogs, json_object

# Objects that come with PostgreSQL have OIDs below this; so has `public`, which is dumped anyway.
# Large objects can have any OID.
_DUMPED = f"""(d.objoid >= {FIRST_NORMAL} OR d.classoid = 'pg_catalog.pg_largeobject'::regclass
    OR (d.classoid = 'pg_catalog.pg_namespace'::regclass AND d.objoid = 'public'::regnamespace))
  AND d.classoid <> 'pg_catalog.pg_extension'::regclass"""


def comments(catalogs: Catalogs) -> str:
    """Comments, except those of an extension's objects (CREATE EXTENSION creates them)."""
    return f"""
SELECT 'comment', i.type || ' ' || i.identity, r.part, {json_object(text="d.description")}
FROM pg_catalog.pg_description d
LEFT JOIN rel r ON r.oid = d.objoid AND d.classoid = 'pg_catalog.pg_class'::regclass
CROSS JOIN LATERAL pg_catalog.pg_identify_object(d.classoid, d.objoid, d.objsubid) i
WHERE {_DUMPED} AND {_not_extension("d")} AND COALESCE(i.schema, '') <> '_tswizard'
"""


def extension_comments(_catalogs: Catalogs) -> str:
    """Comments on extensions that are not the extension's own. TimescaleDB's own ones have changed
    from version to version, and an update keeps the old one."""
    return f"""
SELECT 'comment', 'extension ' || pg_catalog.quote_ident(e.extname), NULL::text,
  {json_object(text="d.description")}
FROM pg_catalog.pg_extension e
JOIN pg_catalog.pg_description d ON d.classoid = 'pg_catalog.pg_extension'::regclass
  AND d.objoid = e.oid
LEFT JOIN pg_catalog.pg_available_extensions() a ON a.name = e.extname
WHERE e.extname !~ '^timescaledb' AND d.description IS DISTINCT FROM a.comment
"""


def security_labels(_catalogs: Catalogs) -> str:
    return f"""
SELECT 'security-label', s.provider || ' on ' || i.type || ' ' || i.identity, NULL::text,
  {json_object(label="s.label")}
FROM pg_catalog.pg_seclabel s
CROSS JOIN LATERAL pg_catalog.pg_identify_object(s.classoid, s.objoid, s.objsubid) i
"""


def _not_extension(alias: str) -> str:
    return f"""NOT EXISTS (
    SELECT FROM pg_catalog.pg_depend x
    WHERE x.classid = {alias}.classoid AND x.objid = {alias}.objoid AND x.deptype = 'e')"""
