"""What a restore creates besides relations; it is dropped before the next one."""

from psycopg.errors import UndefinedObject

from tswizard.core.catalog.extras import NOT_PLATFORM
from tswizard.core.db.connection import Connection, rows

# deptype 'e': belongs to an extension; 'i': belongs to another object and goes with it. Access
# methods and languages of PostgreSQL itself are told by their OIDs. Only superusers create what
# has no owner.
_OTHERS = f"""
SELECT o.kind, o.identity
FROM (
  SELECT 'ROUTINE' AS kind, 'pg_catalog.pg_proc'::regclass AS class, p.oid, p.pronamespace AS ns,
         p.proowner AS owner, p.oid::pg_catalog.regprocedure::text AS identity
  FROM pg_catalog.pg_proc p
  UNION ALL
  SELECT CASE WHEN t.typtype = 'd' THEN 'DOMAIN' ELSE 'TYPE' END, 'pg_catalog.pg_type'::regclass,
         t.oid, t.typnamespace, t.typowner, t.oid::pg_catalog.regtype::text
  FROM pg_catalog.pg_type t LEFT JOIN pg_catalog.pg_class c ON c.oid = t.typrelid
  WHERE t.typtype IN ('e', 'd', 'r', 'b') AND t.typelem = 0 OR c.relkind = 'c'
  UNION ALL
  SELECT 'OPERATOR', 'pg_catalog.pg_operator'::regclass, o.oid, o.oprnamespace, o.oprowner,
         o.oid::pg_catalog.regoperator::text FROM pg_catalog.pg_operator o
  UNION ALL
  SELECT 'OPERATOR CLASS', 'pg_catalog.pg_opclass'::regclass, o.oid, o.opcnamespace, o.opcowner,
         pg_catalog.format('%I.%I USING %I', n.nspname, o.opcname, m.amname)
  FROM pg_catalog.pg_opclass o JOIN pg_catalog.pg_namespace n ON n.oid = o.opcnamespace
  JOIN pg_catalog.pg_am m ON m.oid = o.opcmethod
  UNION ALL
  SELECT 'OPERATOR FAMILY', 'pg_catalog.pg_opfamily'::regclass, o.oid, o.opfnamespace, o.opfowner,
         pg_catalog.format('%I.%I USING %I', n.nspname, o.opfname, m.amname)
  FROM pg_catalog.pg_opfamily o JOIN pg_catalog.pg_namespace n ON n.oid = o.opfnamespace
  JOIN pg_catalog.pg_am m ON m.oid = o.opfmethod
  UNION ALL
  SELECT 'COLLATION', 'pg_catalog.pg_collation'::regclass, c.oid, c.collnamespace, c.collowner,
         c.oid::pg_catalog.regcollation::text FROM pg_catalog.pg_collation c
  UNION ALL
  SELECT 'CONVERSION', 'pg_catalog.pg_conversion'::regclass, c.oid, c.connamespace, c.conowner,
         pg_catalog.format('%I.%I', n.nspname, c.conname)
  FROM pg_catalog.pg_conversion c JOIN pg_catalog.pg_namespace n ON n.oid = c.connamespace
  UNION ALL
  SELECT 'TEXT SEARCH CONFIGURATION', 'pg_catalog.pg_ts_config'::regclass, c.oid, c.cfgnamespace,
         c.cfgowner, c.oid::pg_catalog.regconfig::text FROM pg_catalog.pg_ts_config c
  UNION ALL
  SELECT 'TEXT SEARCH DICTIONARY', 'pg_catalog.pg_ts_dict'::regclass, d.oid, d.dictnamespace,
         d.dictowner, d.oid::pg_catalog.regdictionary::text FROM pg_catalog.pg_ts_dict d
  UNION ALL
  SELECT 'TEXT SEARCH TEMPLATE', 'pg_catalog.pg_ts_template'::regclass, t.oid, t.tmplnamespace,
         0, pg_catalog.format('%I.%I', n.nspname, t.tmplname)
  FROM pg_catalog.pg_ts_template t JOIN pg_catalog.pg_namespace n ON n.oid = t.tmplnamespace
  UNION ALL
  SELECT 'TEXT SEARCH PARSER', 'pg_catalog.pg_ts_parser'::regclass, p.oid, p.prsnamespace,
         0, pg_catalog.format('%I.%I', n.nspname, p.prsname)
  FROM pg_catalog.pg_ts_parser p JOIN pg_catalog.pg_namespace n ON n.oid = p.prsnamespace
  UNION ALL
  SELECT 'EVENT TRIGGER', 'pg_catalog.pg_event_trigger'::regclass, e.oid, 0, e.evtowner,
         pg_catalog.quote_ident(e.evtname) FROM pg_catalog.pg_event_trigger e
  UNION ALL
  SELECT 'PUBLICATION', 'pg_catalog.pg_publication'::regclass, p.oid, 0, p.pubowner,
         pg_catalog.quote_ident(p.pubname) FROM pg_catalog.pg_publication p
  UNION ALL
  SELECT 'SERVER', 'pg_catalog.pg_foreign_server'::regclass, s.oid, 0, s.srvowner,
         pg_catalog.quote_ident(s.srvname) FROM pg_catalog.pg_foreign_server s
  UNION ALL
  SELECT 'FOREIGN DATA WRAPPER', 'pg_catalog.pg_foreign_data_wrapper'::regclass, w.oid, 0,
         w.fdwowner, pg_catalog.quote_ident(w.fdwname) FROM pg_catalog.pg_foreign_data_wrapper w
  UNION ALL
  SELECT 'LANGUAGE', 'pg_catalog.pg_language'::regclass, l.oid, 0, l.lanowner,
         pg_catalog.quote_ident(l.lanname) FROM pg_catalog.pg_language l WHERE l.oid >= 16384
  UNION ALL
  SELECT 'ACCESS METHOD', 'pg_catalog.pg_am'::regclass, m.oid, 0, 0,
         pg_catalog.quote_ident(m.amname) FROM pg_catalog.pg_am m WHERE m.oid >= 16384
) o
LEFT JOIN pg_catalog.pg_namespace n ON n.oid = o.ns
WHERE (n.nspname IS NULL OR (n.nspname NOT IN ('pg_catalog', 'information_schema', '_tswizard')
                             AND n.nspname !~ '^pg_(toast|temp)'))
  AND NOT EXISTS (SELECT 1 FROM pg_catalog.pg_depend d
                  WHERE d.classid = o.class AND d.objid = o.oid AND d.deptype IN ('e', 'i'))
  AND {NOT_PLATFORM.format(owner="NULLIF(o.owner, 0::oid)")}
"""

_SCHEMAS = f"""
SELECT pg_catalog.quote_ident(n.nspname) FROM pg_catalog.pg_namespace n
WHERE n.nspname NOT IN ('public', 'information_schema', '_tswizard') AND n.nspname !~ '^pg_'
  AND NOT EXISTS (SELECT 1 FROM pg_catalog.pg_depend d
                  WHERE d.classid = 'pg_catalog.pg_namespace'::pg_catalog.regclass
                    AND d.objid = n.oid AND d.deptype = 'e')
  AND {NOT_PLATFORM.format(owner="n.nspowner")}
"""


async def other_objects(target: Connection) -> list[tuple[str, str]]:
    """Kind and quoted name of each object that is neither a relation nor a schema nor an
    extension's, but for those that a managed service has put there."""
    return [(kind, identity) for kind, identity in await rows(target, _OTHERS)]


async def drop_others(target: Connection) -> None:
    """Drop them, and every schema but `public`. Raises psycopg.Error."""
    for kind, identity in await other_objects(target):
        try:
            await target.execute(f"DROP {kind} IF EXISTS {identity} CASCADE".encode())
        except UndefinedObject:  # gone with another one
            continue
    for (schema,) in await rows(target, _SCHEMAS):
        await target.execute(f"DROP SCHEMA IF EXISTS {schema} CASCADE".encode())
