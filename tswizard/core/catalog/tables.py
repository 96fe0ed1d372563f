"""Tables that are not hypertables, and what a role cannot read."""

from tswizard.core.catalog.catalog_shape import CAGG, HYPERTABLE, Shape
from tswizard.core.catalog.hypertables import chunk_relations
from tswizard.core.catalog.inventory import Table, TableKind
from tswizard.core.db.connection import Connection, rows


def extension_schema(alias: str = "n") -> str:
    """SQL: the schema belongs to TimescaleDB or one of its companions, by membership: a user may
    have a schema of nearly the same name."""
    return (
        "EXISTS (SELECT FROM pg_catalog.pg_depend ed "
        "JOIN pg_catalog.pg_extension ee ON ee.oid = ed.refobjid "
        "WHERE ed.classid = 'pg_catalog.pg_namespace'::regclass "
        f"AND ed.objid = {alias}.oid AND ed.deptype = 'e' "
        "AND ed.refclassid = 'pg_catalog.pg_extension'::regclass "
        "AND ee.extname ~ '^timescaledb')"
    )


# Not the user's: schemas of PostgreSQL, TimescaleDB, and our own.
NOT_USERS = (
    "n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', '_tswizard') "
    f"AND NOT {extension_schema()}"
)

_KINDS = {
    "r": TableKind.PLAIN,
    "p": TableKind.PARTITIONED,
    "f": TableKind.FOREIGN,
    "m": TableKind.MATVIEW,
}


READABLE = "NOT (c.relpersistence = 'u' AND pg_catalog.pg_is_in_recovery())"
"""SQL: rows of the relation `c` can be read. A standby has none of unlogged tables."""


def in_user_schema(alias: str = "n") -> str:
    """SQL: the schema is not PostgreSQL's own, not temporary and not this program's."""
    return (
        f"{alias}.nspname NOT IN ('pg_catalog', 'information_schema', '_tswizard') "
        f"AND {alias}.nspname !~ '^pg_(toast|temp)'"
    )


def not_member(catalog: str, column: str) -> str:
    """SQL: the object is not a member of an extension."""
    return (
        "NOT EXISTS (SELECT FROM pg_catalog.pg_depend x "
        f"WHERE x.classid = 'pg_catalog.{catalog}'::regclass AND x.objid = {column} "
        "AND x.deptype = 'e')"
    )


def parts(shape: Shape) -> str:
    """A subquery of (oid, label): every hypertable, chunk and compressed chunk."""
    if not shape.timescaledb:
        return "SELECT NULL::oid AS oid, NULL::text AS label WHERE false"
    return f"""
SELECT c.oid, COALESCE(g.user_view_schema || '.' || g.user_view_name,
                       h.schema_name || '.' || h.table_name) AS label
FROM {HYPERTABLE} h
JOIN pg_catalog.pg_namespace hn ON hn.nspname = h.schema_name
JOIN pg_catalog.pg_class hc ON hc.relnamespace = hn.oid AND hc.relname = h.table_name
LEFT JOIN {CAGG} g ON g.mat_hypertable_id = h.id
LEFT JOIN ({chunk_relations(shape)}) k ON k.hypertable_id = h.id
CROSS JOIN LATERAL (VALUES (hc.oid), (k.rel), (k.comp)) AS c (oid)
WHERE c.oid IS NOT NULL
GROUP BY 1, 2
"""


VIEWS_OF_CAGGS = f"""SELECT c.oid FROM {CAGG} g
  CROSS JOIN LATERAL (VALUES (g.partial_view_schema, g.partial_view_name),
    (g.direct_view_schema, g.direct_view_name), (g.user_view_schema, g.user_view_name)) v (s, n)
  JOIN pg_catalog.pg_namespace n ON n.nspname = v.s
  JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relname = v.n"""
"""OIDs of the three views of each continuous aggregate."""


def tables_query(shape: Shape) -> str:
    """Names, kind, owner, sizes, estimated rows, persistence, row-level security, inheritance."""
    return f"""
SELECT n.nspname::text, c.relname::text, c.relkind::text, c.relispartition,
  pg_catalog.pg_get_userbyid(c.relowner)::text,
  COALESCE(pg_catalog.pg_table_size(c.oid), 0), COALESCE(pg_catalog.pg_indexes_size(c.oid), 0),
  GREATEST(c.reltuples, 0)::bigint, c.relpersistence = 'u', c.relrowsecurity,
  NOT c.relispartition AND EXISTS (SELECT FROM pg_catalog.pg_inherits i WHERE i.inhrelid = c.oid)
FROM pg_catalog.pg_class c
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN ({parts(shape)}) part ON part.oid = c.oid
WHERE c.relkind IN ('r', 'p', 'f', 'm') AND c.relpersistence <> 't'
  AND {NOT_USERS} AND part.oid IS NULL AND {not_member("pg_class", "c.oid")}
ORDER BY 1, 2
"""


async def read_tables(connection: Connection, shape: Shape) -> tuple[Table, ...]:
    """Every table of the user that is not a hypertable, chunk or compressed chunk."""
    return tuple(
        Table(
            schema=row[0],
            name=row[1],
            kind=TableKind.PARTITION if row[3] and row[2] == "r" else _KINDS[row[2]],
            owner=row[4],
            bytes=int(row[5] + row[6]),
            rows_estimate=row[7],
            unlogged=row[8],
            row_security=row[9],
            inherits=row[10],
            index_bytes=int(row[6]),
        )
        for row in await rows(connection, tables_query(shape))
    )


def unreadable_query(shape: Shape, *, inside: bool = False) -> str:
    """What pg_dump would read and this role cannot; with `inside` of what the user has in schemas
    of TimescaleDB, else of everything else.

    pg_dump locks every table and copies it, reads every sequence, and copies the tables that an
    extension declares as its configuration (pg_extension.extconfig), which is where
    `permission denied for table job_errors` comes from (timescale/timescaledb#5449).
    """
    dumped = f"""part.oid IS NOT NULL
    OR EXISTS (SELECT FROM pg_catalog.pg_extension e WHERE c.oid = ANY (e.extconfig))
    OR ({NOT_USERS} AND {not_member("pg_class", "c.oid")})"""
    if inside:
        dumped = f"""part.oid IS NULL AND {extension_schema()}
    AND {not_member("pg_class", "c.oid")}"""
    return f"""
SELECT DISTINCT COALESCE(part.label, n.nspname || '.' || c.relname)
FROM pg_catalog.pg_class c
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN ({parts(shape)}) part ON part.oid = c.oid
WHERE c.relkind IN ('r', 'p', 'S') AND c.relpersistence <> 't'
  AND NOT (pg_catalog.has_schema_privilege(n.oid, 'USAGE')
           AND pg_catalog.has_table_privilege(c.oid, 'SELECT'))
  AND ({dumped})
{"" if inside else _UNREADABLE_LARGE_OBJECTS}
ORDER BY 1
"""


# Nobody but a superuser reads all of them, pg_read_all_data included.
_UNREADABLE_LARGE_OBJECTS = """
UNION ALL
SELECT CASE pg_catalog.count(*) WHEN 1 THEN 'large object ' || pg_catalog.min(m.oid)
       ELSE pg_catalog.count(*) || ' large objects from ' || pg_catalog.min(m.oid) || ' on' END
FROM pg_catalog.pg_largeobject_metadata m
WHERE NOT (SELECT rolsuper FROM pg_catalog.pg_roles WHERE rolname = CURRENT_USER)
  AND pg_catalog.current_setting('lo_compat_privileges') = 'off'
  AND NOT pg_catalog.pg_has_role(m.lomowner, 'USAGE')
  AND NOT EXISTS (
    SELECT FROM pg_catalog.aclexplode(m.lomacl) a WHERE a.privilege_type = 'SELECT'
      AND (a.grantee = 0 OR pg_catalog.pg_has_role(a.grantee, 'USAGE')))
HAVING pg_catalog.count(*) > 0
"""


def filtered_query(shape: Shape) -> str:
    """Tables whose row-level security would hide rows from this role."""
    return f"""
SELECT DISTINCT COALESCE(part.label, n.nspname || '.' || c.relname)
FROM pg_catalog.pg_class c
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN ({parts(shape)}) part ON part.oid = c.oid
WHERE c.relrowsecurity AND c.relkind IN ('r', 'p') AND pg_catalog.row_security_active(c.oid)
  AND {NOT_USERS} AND {not_member("pg_class", "c.oid")}
ORDER BY 1
"""
