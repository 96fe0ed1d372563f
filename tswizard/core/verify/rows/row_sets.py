"""The sets of rows to compare: one for each table, hypertable and materialized view."""

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from psycopg import sql

from tswizard.core.catalog.catalog_shape import HYPERTABLE, Shape
from tswizard.core.catalog.hazards import PARTITIONED_BY_OID
from tswizard.core.catalog.hypertable_model import Chunk, Dimension
from tswizard.core.catalog.hypertables import hypertable_queries, hypertables_of
from tswizard.core.catalog.tables import READABLE, in_user_schema, not_member, parts
from tswizard.core.db.connection import Connection, batch, rows
from tswizard.core.verify.rows.checksum import CHECKSUM_COLUMNS, ChecksumColumn

SetName = tuple[str, str]
"""Schema and table of a RowSet: unlike its `name`, no other set can have the same."""

ALL_LARGE_OBJECTS = "large objects"
"""The name of the set of all of them, which has neither schema nor table."""


class SetKind(StrEnum):
    TABLE = "table"
    HYPERTABLE = "hypertable"
    MATVIEW = "materialized view"
    CONFIGURATION = "configuration of an extension"
    LARGE_OBJECTS = "large objects"
    RECOMPUTED = "recomputed continuous aggregate"


@dataclass(frozen=True, slots=True, kw_only=True)
class RowSet:
    """Rows that are compared under one name."""

    name: str
    """`schema.name`, unquoted; for a materialization hypertable its continuous aggregate's."""
    kind: SetKind
    schema: str
    table: str
    columns: tuple[ChecksumColumn, ...]
    bytes: int
    condition: str = ""
    """SQL after FROM: which rows of an extension's table are the user's."""
    dimension: Dimension | None = None
    chunks: tuple[Chunk, ...] = ()
    target: tuple[str, str] | None = None
    """Schema and table on the target, where their names differ."""
    key: Dimension | None = None
    """The integer key of a large table, along which it is cut as if it were a dimension."""
    points: tuple[tuple[str | None, tuple[str, ...]], ...] = ()
    """Where large ranges are cut: the start of each, and literals between its ends."""
    partitions: tuple[str, ...] = ()
    """`schema.name` of what holds the rows of a partitioned table that is compared as a whole."""

    @property
    def of_cagg(self) -> bool:
        """Is `name` that of a continuous aggregate, whose materialization this is?"""
        return self.kind is not SetKind.LARGE_OBJECTS and self.name != f"{self.schema}.{self.table}"

    @property
    def identity(self) -> SetName:
        """What tells it from all others."""
        return self.schema, self.table

    @property
    def axis(self) -> Dimension | None:
        """What ranges are of."""
        return self.dimension or self.key

    def source_of_rows(self, end: Literal["source", "target"]) -> sql.Composable:
        """SQL for FROM, with the alias `t`. ONLY: a child table's rows are compared as its own."""
        name = (self.schema, self.table)
        if self.target is not None and end == "target":
            name = self.target
        alone = self.kind is SetKind.TABLE and not self.partitions
        only = sql.SQL("ONLY ") if alone else sql.SQL("")
        return sql.SQL("{}{} t {}").format(only, sql.Identifier(*name), sql.SQL(self.condition))


# Not chunks, which are read through their hypertables; not relations that hold no rows. Tables that
# are hashed by OIDs have other rows in their partitions on another server: as a whole.
def _tables(shape: Shape, by_oid: Collection[int]) -> str:
    oids = ", ".join(map(str, by_oid))
    return f"""
WITH by_oid AS (SELECT unnest(ARRAY[{oids}]::oid[]) AS oid)
SELECT c.oid, n.nspname::text, c.relname::text, c.relkind::text,
  COALESCE(pg_catalog.pg_table_size(c.oid), l.bytes, 0), x.condition, l.names
FROM pg_catalog.pg_class c
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN ({parts(shape)}) p ON p.oid = c.oid
LEFT JOIN (
  SELECT u.oid, u.condition FROM pg_catalog.pg_extension e
  CROSS JOIN LATERAL unnest(e.extconfig, e.extcondition) AS u (oid, condition)
  WHERE e.extname <> 'timescaledb'
) x ON x.oid = c.oid
CROSS JOIN LATERAL (
  SELECT array_agg(ln.nspname || '.' || lc.relname ORDER BY 1) AS names,
    sum(pg_catalog.pg_table_size(lc.oid)) AS bytes
  FROM pg_catalog.pg_partition_tree(c.oid) t
  JOIN pg_catalog.pg_class lc ON lc.oid = t.relid AND t.isleaf
  JOIN pg_catalog.pg_namespace ln ON ln.oid = lc.relnamespace
  WHERE c.relkind = 'p'
) l
WHERE (c.relkind IN ('r', 'm') OR (c.relkind = 'p' AND c.oid IN (SELECT oid FROM by_oid)))
  AND c.relpersistence <> 't' AND {READABLE}
  AND {in_user_schema()} AND p.oid IS NULL
  AND NOT (c.relispartition AND EXISTS (
    SELECT FROM pg_catalog.pg_partition_ancestors(c.oid) a JOIN by_oid b ON b.oid = a.relid
    WHERE a.relid <> c.oid))
  AND (c.relkind <> 'm' OR c.relispopulated)
  AND n.nspname || '.' || c.relname !~ '^_timescaledb_internal\\._compressed_hypertable_'
  AND ({not_member("pg_class", "c.oid")} OR x.oid IS NOT NULL)
ORDER BY 2, 3
"""


_OIDS = f"""
SELECT n.nspname::text, c.relname::text, c.oid
FROM {HYPERTABLE} h JOIN pg_catalog.pg_namespace n ON n.nspname = h.schema_name
JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relname = h.table_name
"""

_ANY_LARGE_OBJECT = "SELECT EXISTS (SELECT FROM pg_catalog.pg_largeobject_metadata)"


async def read_sets(connection: Connection, shape: Shape) -> tuple[RowSet, ...]:
    """Everything on the source that holds user data."""
    by_oid = [oid for (oid,) in await rows(connection, PARTITIONED_BY_OID)]
    of_hypertables = (_OIDS, *hypertable_queries(shape)) if shape.timescaledb else ()
    asked = (_tables(shape, by_oid), _ANY_LARGE_OBJECT, *of_hypertables)
    found, ((large_objects,),), *answers = await batch(connection, asked)
    hypertables = hypertables_of(answers[1:]) if answers else ()
    oids = {(schema, name): oid for schema, name, oid in (answers[0] if answers else ())}
    columns = await read_checksum_columns(
        connection, [row[0] for row in found] + [oids[h.schema, h.name] for h in hypertables]
    )
    sets = [
        RowSet(
            name=f"{schema}.{name}",
            kind=_kind(relkind, condition),
            schema=schema,
            table=name,
            columns=columns[oid],
            bytes=int(size),
            condition=condition or "",
            partitions=tuple(partitions or ()),
        )
        for oid, schema, name, relkind, size, condition, partitions in found
    ]
    sets += [
        RowSet(
            name=h.label,
            kind=SetKind.HYPERTABLE,
            schema=h.schema,
            table=h.name,
            columns=columns[oids[h.schema, h.name]],
            bytes=h.bytes,
            dimension=h.dimensions[0] if h.dimensions else None,
            chunks=h.chunks,
        )
        for h in hypertables
    ]
    if large_objects:
        sets.append(
            RowSet(
                name=ALL_LARGE_OBJECTS,
                kind=SetKind.LARGE_OBJECTS,
                schema="",
                table="",
                columns=(),
                bytes=0,
            )
        )
    return tuple(sets)


async def read_checksum_columns(
    connection: Connection, relations: list[int]
) -> dict[int, tuple[ChecksumColumn, ...]]:
    """The stored columns of each relation, in their order."""
    found: dict[int, list[ChecksumColumn]] = defaultdict(list)
    for relation, name, binary in await rows(connection, CHECKSUM_COLUMNS, (relations,)):
        found[relation].append(ChecksumColumn(name, binary))
    return defaultdict(tuple, {relation: tuple(own) for relation, own in found.items()})


def _kind(relkind: str, condition: str | None) -> SetKind:
    if condition is not None:
        return SetKind.CONFIGURATION
    return SetKind.MATVIEW if relkind == "m" else SetKind.TABLE
