"""Members of extensions: what CREATE EXTENSION made, and what a person attached by ALTER
EXTENSION … ADD, which pg_dump takes for the same and leaves out."""

from tswizard.core.model.finding import Level
from tswizard.core.verify.schema.catalog_sql import Catalogs, json_object

_TABLES = ("table", "foreign table", "materialized view")


def extension_members(_catalogs: Catalogs) -> str:
    """Each as `extension: kind name`, with the extension's version. TimescaleDB's are its own
    catalog, which the other queries read."""
    return f"""
SELECT 'extension-member',
  pg_catalog.quote_ident(e.extname) || ': ' || i.type || ' ' || i.identity, NULL::text,
  {json_object(version="e.extversion", type="i.type")}
FROM pg_catalog.pg_extension e
JOIN pg_catalog.pg_depend d ON d.refclassid = 'pg_catalog.pg_extension'::regclass
  AND d.refobjid = e.oid AND d.deptype = 'e'
CROSS JOIN LATERAL pg_catalog.pg_identify_object(d.classid, d.objid, 0) i
WHERE e.extname <> 'timescaledb'
"""


def extension_of(member: str) -> str:
    """The quoted name of the extension that a member belongs to."""
    return member.partition(": ")[0]


def of_missing(type: str) -> Level:
    """A table has rows. Anything else may be what an update of the extension left behind, which a
    new installation of the same version lacks."""
    return Level.FAIL if type in _TABLES else Level.LOOK
