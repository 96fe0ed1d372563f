"""The plan of a copy: every row of the source in exactly one piece.

Read in one transaction, which is the moment's own where one is held, so that the pieces are those
of the rows that will be seen.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field, replace

from psycopg import sql

from tswizard.core.catalog.catalog_shape import DIMENSION_SLICE, Shape, read_shape
from tswizard.core.catalog.hypertables import chunk_relations, read_hypertables
from tswizard.core.catalog.inventory import Chunk, Hypertable
from tswizard.core.catalog.tables import NOT_USERS, not_member, parts
from tswizard.core.db.connection import Connection, rows, value
from tswizard.core.split.plan.columns import Columns, read_columns
from tswizard.core.split.plan.piece import CopyPlan, Piece, PieceKind, SourceTable, Stage
from tswizard.core.split.plan.slices import Cut, Widths, cut_table

OBJECTS_AT_ONCE = 500
"""Large objects in one piece."""
_LAST_OID = (1 << 32) - 1
_OBJECT_GUESS = 64 << 10
"""Bytes of a large object: only a superuser may read how many there are."""


@dataclass(slots=True)
class Planned:
    """A plan, and what it leaves out."""

    plan: CopyPlan
    tiered: tuple[str, ...] = ()
    """Chunks in object storage: `hypertable chunk`."""


async def plan_pieces(
    connection: Connection,
    *,
    width: str = "chunk",
    cut: bool = True,
    compressed_last: Collection[tuple[str, str]] = (),
) -> Planned:
    """All pieces of the source, as the transaction of `connection` sees it.

    `width` is a width of time for slices of chunks, or `chunk`. Without `cut` big tables stay
    whole: slices of a table need one moment for all of them. Chunks of the hypertables in
    `compressed_last` (schema, name) are compressed in a stage of their own. Aggregates'
    materializations are not among the pieces. Wants the settings of
    `verify.database_reader.prepare`. Raises BadWidth.
    """
    shape = await read_shape(connection)
    building = _Building(connection, cut, frozenset(compressed_last))
    await building.tables(shape)
    await building.configs()
    if shape.timescaledb:
        await building.hypertables(shape, Widths(connection, width))
    await building.objects()
    return Planned(
        CopyPlan(tuple(building.tables_), tuple(building.pieces)), tuple(building.tiered)
    )


@dataclass(slots=True)
class _Building:
    connection: Connection
    cut: bool
    last: frozenset[tuple[str, str]]
    tables_: list[SourceTable] = field(default_factory=list)
    pieces: list[Piece] = field(default_factory=list)
    tiered: list[str] = field(default_factory=list)

    def _table(self, table: SourceTable) -> int:
        self.tables_.append(table)
        return len(self.tables_) - 1

    def _add(self, piece: Piece, conditions: Iterable[str] = ("",)) -> None:
        """One piece, or one for each condition."""
        wheres = tuple(conditions)
        for where in wheres:
            self.pieces.append(
                replace(
                    piece,
                    id=len(self.pieces) + 1,
                    where=where or piece.where,
                    whole_relation=piece.whole_relation and len(wheres) == 1,
                    bytes=piece.bytes // len(wheres),
                    rows_estimate=piece.rows_estimate // len(wheres),
                )
            )

    async def tables(self, shape: Shape) -> None:
        found = await rows(self.connection, _tables(shape))
        columns = await read_columns(self.connection, (row[0] for row in found))
        for oid, schema, name, size, estimate, filenode in found:
            relation = sql.Identifier(schema, name)
            cut = Cut(("",), False)
            if self.cut:
                cut = await cut_table(self.connection, oid, relation, size)
            number = self._table(_described(schema, name, columns[oid]))
            sliced = len(cut.conditions) > 1
            piece = Piece(
                0,
                number,
                PieceKind.SLICE if sliced else PieceKind.TABLE,
                Stage.TABLES,
                schema,
                name,
                size,
                estimate,
                only=True,
                by_ctid=cut.by_ctid,
                filenode=filenode if cut.by_ctid else None,
            )
            self._add(piece, cut.conditions)

    async def configs(self) -> None:
        """Rows that users put into tables of extensions, by the extensions' own conditions.

        https://www.postgresql.org/docs/current/extend-extensions.html#EXTEND-EXTENSIONS-CONFIG-TABLES
        """
        found = await rows(self.connection, _CONFIGS)
        columns = await read_columns(self.connection, (row[0] for row in found))
        for oid, schema, name, size, estimate, condition in found:
            number = self._table(_described(schema, name, columns[oid]))
            where = condition.strip().removeprefix("WHERE").removeprefix("where").strip()
            piece = Piece(
                0,
                number,
                PieceKind.CONFIG,
                Stage.TABLES,
                schema,
                name,
                size,
                estimate,
                only=True,
                where=where,
                whole_relation=False,
            )
            self._add(piece)

    async def hypertables(self, shape: Shape, widths: Widths) -> None:
        mine = [h for h in await read_hypertables(self.connection, shape) if h.cagg is None]
        roots = {
            (schema, name): (oid, size)
            for oid, schema, name, size in await rows(
                self.connection, _ROOTS, ([h.schema for h in mine], [h.name for h in mine])
            )
        }
        slices = {(s, n): j for s, n, j in await rows(self.connection, _slices(shape))}
        columns = await read_columns(self.connection, (oid for oid, _ in roots.values()))
        for hypertable in mine:
            oid, size = roots[hypertable.schema, hypertable.name]
            number = self._table(
                replace(
                    _described(hypertable.schema, hypertable.name, columns[oid]), hypertable=True
                )
            )
            if size:
                self._add(
                    Piece(
                        0,
                        number,
                        PieceKind.ROUTED,
                        Stage.CHUNKS,
                        hypertable.schema,
                        hypertable.name,
                        size,
                        only=True,
                        whole_relation=False,
                    )
                )
            for chunk in hypertable.chunks:
                await self._chunk(hypertable, number, chunk, slices, widths)

    async def _chunk(
        self,
        hypertable: Hypertable,
        number: int,
        chunk: Chunk,
        slices: dict[tuple[str, str], str],
        widths: Widths,
    ) -> None:
        if chunk.tiered:
            self.tiered.append(f"{hypertable.label} {chunk.name}")
            return
        dimension = hypertable.dimensions[0] if hypertable.dimensions else None
        piece = Piece(
            0,
            number,
            PieceKind.CHUNK,
            Stage.CHUNKS,
            chunk.schema,
            chunk.name,
            chunk.bytes,
            chunk.rows_estimate,
            dimension_slices=slices.get((chunk.schema, chunk.name), ""),
        )
        self._add(piece, await widths.cut(dimension, chunk))
        if chunk.compressed:
            last = (hypertable.schema, hypertable.name) in self.last
            self._add(
                replace(
                    piece,
                    kind=PieceKind.COMPRESS,
                    stage=Stage.LAST if last else Stage.CHUNKS,
                    whole_relation=False,
                    bytes=0,
                    rows_estimate=0,
                )
            )

    async def objects(self) -> None:
        """Ranges of OIDs that touch each other, so that none made later falls between."""
        number = int(await value(self.connection, _COUNT_OBJECTS))
        if not number:
            return
        table = self._table(SourceTable("large objects", "pg_catalog", "pg_largeobject", ()))
        starts = [oid for (oid,) in await rows(self.connection, _OBJECT_BOUNDS, (OBJECTS_AT_ONCE,))]
        for first, after in zip(starts, [*starts[1:], _LAST_OID + 1], strict=True):
            self._add(
                Piece(
                    0,
                    table,
                    PieceKind.OBJECTS,
                    Stage.TABLES,
                    "pg_catalog",
                    f"pg_largeobject {first}",
                    _OBJECT_GUESS * min(number, OBJECTS_AT_ONCE),
                    whole_relation=False,
                    first_oid=0 if first == starts[0] else first,
                    last_oid=after - 1,
                )
            )


def _described(schema: str, name: str, columns: Columns) -> SourceTable:
    return SourceTable(
        f"{schema}.{name}",
        schema,
        name,
        columns.columns,
        "text" if columns.needs_text else "binary",
        columns.needs_text,
    )


def _tables(shape: Shape) -> str:
    """oid, names, bytes, rows, file of everything that holds rows and belongs to no hypertable.

    A partitioned table holds none; its leaves do. The rows of a table that others inherit from
    are its own.
    """
    return f"""
SELECT c.oid::bigint, n.nspname::text, c.relname::text,
  COALESCE(pg_catalog.pg_table_size(c.oid), 0), GREATEST(c.reltuples, 0)::bigint,
  pg_catalog.pg_relation_filenode(c.oid)::bigint
FROM pg_catalog.pg_class c
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN ({parts(shape)}) part ON part.oid = c.oid
WHERE c.relkind = 'r' AND c.relpersistence <> 't'
  AND {NOT_USERS} AND part.oid IS NULL AND {not_member("pg_class", "c.oid")}
ORDER BY 2, 3
"""


# TimescaleDB's own are its catalog: hypertables and policies are made again, not copied.
_CONFIGS = """
SELECT c.oid::bigint, n.nspname::text, c.relname::text,
  COALESCE(pg_catalog.pg_table_size(c.oid), 0), GREATEST(c.reltuples, 0)::bigint,
  COALESCE(e.extcondition[o.place], '')
FROM pg_catalog.pg_extension e
CROSS JOIN LATERAL pg_catalog.unnest(e.extconfig) WITH ORDINALITY AS o (oid, place)
JOIN pg_catalog.pg_class c ON c.oid = o.oid AND c.relkind = 'r'
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE e.extname <> 'timescaledb' AND pg_catalog.pg_relation_size(c.oid) > 0
ORDER BY 2, 3
"""

_ROOTS = """
SELECT c.oid::bigint, n.nspname::text, c.relname::text, pg_catalog.pg_relation_size(c.oid)
FROM unnest(%s::text[], %s::text[]) AS w (schema, name)
JOIN pg_catalog.pg_namespace n ON n.nspname = w.schema
JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relname = w.name
"""

_COUNT_OBJECTS = "SELECT pg_catalog.count(*) FROM pg_catalog.pg_largeobject_metadata"

_OBJECT_BOUNDS = """
SELECT oid::bigint FROM (
  SELECT oid, pg_catalog.row_number() OVER (ORDER BY oid) - 1 AS place
  FROM pg_catalog.pg_largeobject_metadata) o
WHERE place %% %s = 0 ORDER BY 1
"""


def _slices(shape: Shape) -> str:
    """schema, name, dimension slices of every chunk, in the catalog's own numbers."""
    if shape.has(DIMENSION_SLICE, "chunk_id"):
        joined = f"{DIMENSION_SLICE} s ON s.chunk_id = k.id"
    else:
        joined = (
            "_timescaledb_catalog.chunk_constraint cc ON cc.chunk_id = k.id "
            f"JOIN {DIMENSION_SLICE} s ON s.id = cc.dimension_slice_id"
        )
    return f"""
SELECT n.nspname::text, c.relname::text,
  pg_catalog.jsonb_object_agg(d.column_name, pg_catalog.jsonb_build_array(
    s.range_start, s.range_end))::text
FROM ({chunk_relations(shape)}) k
JOIN pg_catalog.pg_class c ON c.oid = k.rel
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
JOIN {joined}
JOIN _timescaledb_catalog.dimension d ON d.id = s.dimension_id
GROUP BY 1, 2
"""
