"""What else a database contains: counted to tell whether a target is empty, and reported where a
dump does not include it."""

from tswizard.core.catalog.catalog_shape import CAGG, HYPERTABLE, Shape
from tswizard.core.catalog.database_properties import DESCRIBED
from tswizard.core.catalog.inventory import Extension, Extras, Offered
from tswizard.core.catalog.tables import (
    NOT_USERS,
    extension_schema,
    filtered_query,
    not_member,
    unreadable_query,
)
from tswizard.core.db.connection import Connection, batch, rows
from tswizard.core.db.versions import version_key

# Members of an extension, what depends on them, and whether that is itself a member of one.
EXTENSIONS = """
SELECT e.extname::text, e.extversion, n.nspname::text,
  EXISTS (
    SELECT FROM pg_catalog.pg_depend m
    JOIN pg_catalog.pg_depend d ON d.refclassid = m.classid AND d.refobjid = m.objid
    WHERE m.refclassid = 'pg_catalog.pg_extension'::regclass AND m.refobjid = e.oid
      AND m.deptype = 'e' AND d.deptype IN ('n', 'a') AND NOT EXISTS (
        SELECT FROM pg_catalog.pg_depend x
        WHERE x.classid = d.classid AND x.objid = d.objid AND x.deptype = 'e')),
  pg_catalog.pg_has_role(e.extowner, 'USAGE')
FROM pg_catalog.pg_extension e JOIN pg_catalog.pg_namespace n ON n.oid = e.extnamespace
ORDER BY 1
"""

LOCK_SLOTS = """
SELECT pg_catalog.current_setting('max_locks_per_transaction')::bigint
  * (pg_catalog.current_setting('max_connections')::bigint
     + pg_catalog.current_setting('max_prepared_transactions')::bigint)
"""

OFFERED = """
SELECT v.name::text, v.version, x.default_version
FROM pg_catalog.pg_available_extension_versions v
JOIN pg_catalog.pg_available_extensions x ON x.name = v.name
"""

SCHEMAS = f"""
SELECT n.nspname::text FROM pg_catalog.pg_namespace n
WHERE {NOT_USERS} AND {not_member("pg_namespace", "n.oid")} ORDER BY 1
"""

EXTENSION_SCHEMAS = f"""
SELECT n.nspname::text FROM pg_catalog.pg_namespace n WHERE {extension_schema()} ORDER BY 1
"""

# Objects of a superuser belong to the platform, unless we are one ourselves: we could not drop
# them, and a managed service installs functions of its own besides extensions.
NOT_PLATFORM = (
    "((SELECT rolsuper FROM pg_catalog.pg_roles WHERE rolname = CURRENT_USER) OR NOT "
    "(SELECT rolsuper FROM pg_catalog.pg_roles WHERE oid = {owner}))"
)


def objects_query(shape: Shape) -> str:
    """Views, functions, types and schemas of the user, except `public`, which always exists."""
    caggs = "SELECT NULL::name, NULL::name WHERE false"
    if shape.timescaledb:
        caggs = f"SELECT user_view_schema, user_view_name FROM {CAGG}"
    return f"""
SELECT 'view ' || n.nspname || '.' || c.relname
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind = 'v' AND c.relpersistence <> 't' AND {NOT_USERS}
  AND {not_member("pg_class", "c.oid")} AND {NOT_PLATFORM.format(owner="c.relowner")}
  AND (n.nspname, c.relname) NOT IN ({caggs})
UNION ALL
SELECT CASE p.prokind WHEN 'p' THEN 'procedure ' WHEN 'a' THEN 'aggregate ' ELSE 'function ' END
  || n.nspname || '.' || p.proname || '(' || pg_catalog.pg_get_function_identity_arguments(p.oid)
  || ')'
FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
WHERE {NOT_USERS} AND {not_member("pg_proc", "p.oid")} AND {NOT_PLATFORM.format(owner="p.proowner")}
  AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend i WHERE i.objid = p.oid
    AND i.classid = 'pg_catalog.pg_proc'::regclass AND i.deptype = 'i')
UNION ALL
SELECT 'type ' || n.nspname || '.' || t.typname
FROM pg_catalog.pg_type t JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace
LEFT JOIN pg_catalog.pg_class c ON c.oid = t.typrelid
WHERE (t.typtype IN ('d', 'e', 'r') OR (t.typtype = 'c' AND c.relkind = 'c'))
  AND {NOT_USERS} AND {not_member("pg_type", "t.oid")} AND {NOT_PLATFORM.format(owner="t.typowner")}
UNION ALL
SELECT 'schema ' || n.nspname
FROM pg_catalog.pg_namespace n
WHERE n.nspname <> 'public' AND {NOT_USERS} AND {not_member("pg_namespace", "n.oid")}
  AND {NOT_PLATFORM.format(owner="n.nspowner")}
ORDER BY 1
"""


_LISTS = {
    # pg_dump dumps all of them, whoever owns them.
    "event_triggers": f"""
SELECT t.evtname::text FROM pg_catalog.pg_event_trigger t
WHERE {not_member("pg_event_trigger", "t.oid")} ORDER BY 1""",
    "generated": f"""
SELECT n.nspname || '.' || c.relname || '.' || a.attname
FROM pg_catalog.pg_attribute a
JOIN pg_catalog.pg_class c ON c.oid = a.attrelid
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE a.attgenerated <> '' AND a.attnum > 0 AND NOT a.attisdropped
  AND c.relkind IN ('r', 'p') AND NOT c.relispartition
  AND {NOT_USERS} AND {not_member("pg_class", "c.oid")}
ORDER BY 1""",
    "publications": "SELECT pubname::text FROM pg_catalog.pg_publication ORDER BY 1",
    "subscriptions": """
SELECT subname::text FROM pg_catalog.pg_subscription
WHERE subdbid = (SELECT oid FROM pg_catalog.pg_database
                 WHERE datname = pg_catalog.current_database()) ORDER BY 1""",
    "slots": """
SELECT slot_name::text FROM pg_catalog.pg_replication_slots
WHERE database = pg_catalog.current_database() AND NOT temporary ORDER BY 1""",
    "foreign_servers": f"""
SELECT s.srvname::text FROM pg_catalog.pg_foreign_server s
WHERE {not_member("pg_foreign_server", "s.oid")} ORDER BY 1""",
    # Only the name: custom settings may contain secrets.
    "settings": """
SELECT COALESCE(r.rolname, 'everybody') || ': ' || pg_catalog.split_part(c, '=', 1)
FROM pg_catalog.pg_db_role_setting s
LEFT JOIN pg_catalog.pg_roles r ON r.oid = s.setrole
CROSS JOIN pg_catalog.unnest(s.setconfig) c
WHERE s.setdatabase = (SELECT oid FROM pg_catalog.pg_database
                       WHERE datname = pg_catalog.current_database())
  AND c NOT LIKE 'timescaledb.restoring=%'
ORDER BY 1""",
    "database_properties": DESCRIBED,
    # By their size, since this role may not be allowed to read them.
    "member_tables": """
SELECT n.nspname || '.' || c.relname || ' of ' || e.extname
FROM pg_catalog.pg_extension e
JOIN pg_catalog.pg_depend d ON d.refclassid = 'pg_catalog.pg_extension'::regclass
  AND d.refobjid = e.oid AND d.deptype = 'e' AND d.classid = 'pg_catalog.pg_class'::regclass
JOIN pg_catalog.pg_class c ON c.oid = d.objid
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE e.extname <> 'timescaledb' AND c.relkind IN ('r', 'm')
  AND NOT c.oid = ANY (COALESCE(e.extconfig, '{}')) AND pg_catalog.pg_relation_size(c.oid) > 0
ORDER BY 1""",
    "all_tablespaces": "SELECT spcname::text FROM pg_catalog.pg_tablespace ORDER BY 1",
}


def tablespaces_query(shape: Shape) -> str:
    """Tablespaces in use, except the default one of the database."""
    hypertables = ""
    if shape.has("_timescaledb_catalog.tablespace"):
        hypertables = "UNION SELECT tablespace_name::text FROM _timescaledb_catalog.tablespace"
    return f"""
SELECT DISTINCT t.spcname::text FROM pg_catalog.pg_class c
JOIN pg_catalog.pg_tablespace t ON t.oid = c.reltablespace
WHERE t.spcname <> 'pg_global' {hypertables} ORDER BY 1
"""


def skipping_query() -> str:
    """Chunk skipping is on: a marker row whose chunk_id, below 2.20.3, is 0 and so no chunk's
    (timescale/timescaledb#8130)."""
    return f"""
SELECT DISTINCT h.schema_name || '.' || h.table_name
FROM _timescaledb_catalog.chunk_column_stats s JOIN {HYPERTABLE} h ON h.id = s.hypertable_id
WHERE s.chunk_id = 0 ORDER BY 1
"""


async def read_extras(connection: Connection, shape: Shape) -> Extras:
    """Everything in `Extras`."""
    chunk_skipping = shape.has("_timescaledb_catalog.chunk_column_stats")
    names = _LISTS | {
        "objects": objects_query(shape),
        "unreadable": unreadable_query(shape),
        "unreadable_inside": unreadable_query(shape, inside=True),
        "filtered": filtered_query(shape),
        "tablespaces": tablespaces_query(shape),
        "skipping": skipping_query() if chunk_skipping else "SELECT '' WHERE false",
    }
    queries = (_LOCALE_PROVIDER, LOCK_SLOTS, *names.values())
    ((letter,),), ((slots,),), *found = await batch(connection, queries)
    lists = {
        field: tuple(name for (name,) in answer) for field, answer in zip(names, found, strict=True)
    }
    return Extras(
        locale_provider={"c": "libc", "i": "icu", "b": "builtin", "d": "libc"}.get(str(letter), ""),
        lock_slots=int(slots),
        **lists,
    )


# pg_database.datlocprovider exists since PostgreSQL 15; as JSON it may be missing.
_LOCALE_PROVIDER = """
SELECT pg_catalog.to_jsonb(d) ->> 'datlocprovider' FROM pg_catalog.pg_database d
WHERE d.datname = pg_catalog.current_database()
"""


async def read_extensions(connection: Connection) -> tuple[Extension, ...]:
    """What is installed in this database."""
    return tuple(
        Extension(name=name, version=version, schema=schema, used=used, owned=owned)
        for name, version, schema, used, owned in await rows(connection, EXTENSIONS)
    )


async def read_offered(connection: Connection) -> tuple[Offered, ...]:
    """Extensions available on this server, oldest version first."""
    found: dict[str, tuple[list[str], str]] = {}
    for name, version, default in await rows(connection, OFFERED):
        found.setdefault(name, ([], default or version))[0].append(version)
    return tuple(
        Offered(name, tuple(sorted(versions, key=version_key)), default)
        for name, (versions, default) in sorted(found.items())
    )
