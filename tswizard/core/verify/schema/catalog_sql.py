"""What all catalog queries of the comparison have in common.

Each query returns rows of (kind, name, part of, definition): the id of the kind, the quoted name of
the object, the internal relation (chunk, compressed chunk, materialization hypertable) that it
belongs to or NULL, and its properties as JSON. Two databases are equal when all of these are.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from tswizard.core.catalog.catalog_shape import HYPERTABLE, Shape, read_shape
from tswizard.core.catalog.tables import in_user_schema, not_member, parts
from tswizard.core.db.connection import Connection, rows

FIRST_NORMAL = 16384
"""Objects with lower OIDs come with PostgreSQL (FirstNormalObjectId, access/transam.h)."""

_PG_COLUMNS = """
SELECT c.relname::text, a.attname::text
FROM pg_catalog.pg_class c
JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid
WHERE c.relnamespace = 'pg_catalog'::regnamespace AND c.relkind IN ('r', 'v')
  AND a.attnum > 0 AND NOT a.attisdropped
"""


@dataclass(frozen=True, slots=True)
class Catalogs:
    """Which catalog tables and columns one server has, TimescaleDB's and PostgreSQL's own."""

    shape: Shape
    pg: Mapping[str, frozenset[str]]
    """Table or view of pg_catalog -> its columns."""

    def has(self, table: str, column: str | None = None) -> bool:
        """Is there such a table in pg_catalog, and such a column in it?"""
        found = self.pg.get(table)
        return found is not None and (column is None or column in found)

    def column(self, table: str, alias: str, column: str, otherwise: str = "NULL") -> str:
        """`alias.column`, or `otherwise` on a server whose catalog lacks it."""
        return f"{alias}.{column}" if self.has(table, column) else otherwise


async def read_catalogs(connection: Connection) -> Catalogs:
    """Read it from the server."""
    columns: dict[str, set[str]] = {}
    shape = await read_shape(connection)
    for table, column in await rows(connection, _PG_COLUMNS):
        columns.setdefault(table, set()).add(column)
    return Catalogs(shape, {table: frozenset(found) for table, found in columns.items()})


def internal(shape: Shape) -> str:
    """A subquery of (oid, label): relations that TimescaleDB created, and what they belong to.

    The label is the name of the hypertable or continuous aggregate.
    """
    if not shape.timescaledb:
        return "SELECT NULL::oid AS oid, NULL::text AS label WHERE false"
    return f"""
SELECT c.oid, COALESCE(max(p.label), '_timescaledb_internal') AS label
FROM pg_catalog.pg_class c
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN ({parts(shape)}) p ON p.oid = c.oid
WHERE (p.oid IS NOT NULL OR n.nspname = '_timescaledb_internal')
  AND NOT EXISTS (
    SELECT FROM {HYPERTABLE} h
    WHERE h.schema_name = n.nspname AND h.table_name = c.relname
      AND n.nspname <> '_timescaledb_internal')
GROUP BY c.oid
"""


def user_relations(shape: Shape, *, internal_too: bool = True) -> str:
    """CTEs of a statement: `rel` has every relation that does not belong to an extension.

    rel(oid, relkind, schema, name, part): `name` is quoted and qualified; `part` is the same for
    an internal relation, else NULL.
    """
    only_own = "" if internal_too else "AND i.oid IS NULL"
    return f"""
WITH inside AS MATERIALIZED ({internal(shape)}),
rel AS MATERIALIZED (
  SELECT c.oid, c.relkind, c.relnamespace AS schema, q.name,
         CASE WHEN i.oid IS NOT NULL THEN q.name END AS part
  FROM pg_catalog.pg_class c
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  LEFT JOIN inside i ON i.oid = c.oid
  CROSS JOIN LATERAL (
    SELECT pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident(c.relname) AS name
  ) q
  WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S', 'c') AND c.relpersistence <> 't'
    AND {in_user_schema()} AND {not_member("pg_class", "c.oid")} {only_own}
)
"""


def labels_query(shape: Shape) -> str:
    """Quoted name of each internal relation, and what it belongs to."""
    return f"""
SELECT pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident(c.relname), i.label
FROM ({internal(shape)}) i
JOIN pg_catalog.pg_class c ON c.oid = i.oid
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
"""


def sorted_options(column: str) -> str:
    """Options of foreign data, whose order pg_dump does not keep; NULL for none."""
    ordered = 'pg_catalog.jsonb_agg(o ORDER BY o COLLATE "C")'
    return f"(SELECT {ordered} FROM pg_catalog.unnest({column}) AS o)"


def needed_extensions(catalog: str) -> str:
    """A subquery of (objid, names) of objects that ALTER … DEPENDS ON EXTENSION was used on: with
    the extension, they are dropped."""
    return f"""(
  SELECT d.objid, pg_catalog.jsonb_agg(e.extname::text ORDER BY e.extname) AS names
  FROM pg_catalog.pg_depend d JOIN pg_catalog.pg_extension e ON e.oid = d.refobjid
  WHERE d.refclassid = 'pg_catalog.pg_extension'::regclass
    AND d.classid = 'pg_catalog.{catalog}'::regclass AND d.deptype = 'x'
  GROUP BY d.objid)"""


def json_object(**properties: str) -> str:
    """SQL for a JSON object; NULLs are stripped."""
    pairs = ", ".join(f"'{name}', {value}" for name, value in properties.items())
    return f"pg_catalog.jsonb_strip_nulls(pg_catalog.jsonb_build_object({pairs}))"


def role_name(oid: str) -> str:
    """SQL: a role's name, PUBLIC for 0."""
    return f"CASE WHEN {oid} = 0 THEN 'PUBLIC' ELSE pg_catalog.pg_get_userbyid({oid})::text END"
