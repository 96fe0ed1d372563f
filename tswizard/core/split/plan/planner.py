"""The plan of a copy: every row of the source in exactly one piece.

Read in one transaction, under the snapshot that the rows are copied with if one is held, so that
the pieces are those of the rows that will be seen.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from psycopg import sql

from tswizard.core.catalog.caggs import cagg_queries, caggs_of
from tswizard.core.catalog.catalog_shape import read_shape
from tswizard.core.catalog.hypertable_model import Chunk, Dimension, Hypertable
from tswizard.core.catalog.hypertables import hypertable_queries, hypertables_of
from tswizard.core.catalog.time_literals import has_time_literals, time_argument
from tswizard.core.db.connection import Connection, batch, rows
from tswizard.core.split.plan.columns import Columns, read_columns
from tswizard.core.split.plan.packed_chunks import NOT_PACKED, PackedChunk, read_packed_chunks
from tswizard.core.split.plan.piece import CopyPlan, Piece, PieceKind, SourceTable, Stage
from tswizard.core.split.plan.slices import (
    NOT_SLICED,
    ChunkSlicer,
    slice_table,
)
from tswizard.core.split.plan.source_queries import (
    CONFIGS,
    COUNT_OBJECTS,
    OBJECT_BOUNDS,
    ROOTS,
    dimension_slices_sql,
    tables_sql,
)

OBJECTS_PER_PIECE = 500
"""Large objects per piece."""
_LAST_OID = (1 << 32) - 1
_OBJECT_GUESS = 64 << 10
"""Assumed bytes of a large object: only a superuser may read the real size."""


_Row = tuple[Any, ...]


@dataclass(slots=True)
class Planned:
    """A plan, and what it does not cover."""

    plan: CopyPlan
    tiered: tuple[str, ...] = ()
    """Chunks in object storage: `hypertable chunk`."""


async def plan_pieces(
    connection: Connection,
    *,
    width: str = "chunk",
    slice_tables: bool = True,
    compressed_last: Collection[tuple[str, str]] = (),
    caggs: Collection[str] = (),
    routed: Collection[tuple[str, str]] = (),
    search_paths: Mapping[tuple[str, str], str] | None = None,
    stored: bool = False,
    partial_as_stored: bool = True,
) -> Planned:
    """All pieces of the source, as the transaction of `connection` sees it.

    `width` is the time range per piece of a chunk, or `chunk`. Slices of a table need one snapshot
    for all of them, so without a snapshot call it with `slice_tables=False`. Chunks of the
    hypertables in `compressed_last` (schema, name) are compressed in a stage of their own.
    Materialization hypertables have pieces only for the continuous aggregates in `caggs`
    (`schema.name`). Rows of the hypertables in `routed` do not fit the source's chunks;
    `search_paths` are what tables' expressions need. With `stored`, compressed chunks travel as
    they are stored where the source knows nothing against it; those with rows that are not
    compressed only with `partial_as_stored`, since it takes two queries. The connection must be
    one without row-level security. Raises BadWidth.
    """
    shape = await read_shape(connection)
    builder = _PlanBuilder(
        connection=connection,
        slice_tables=slice_tables,
        compressed_last=frozenset(compressed_last),
        caggs=frozenset(caggs),
        routed=frozenset(routed),
        search_paths=search_paths or {},
        partial_as_stored=partial_as_stored,
    )
    queries = [tables_sql(shape), CONFIGS, COUNT_OBJECTS]
    if shape.timescaledb:
        queries += [ROOTS, dimension_slices_sql(shape)]
        queries += [*cagg_queries(shape), *hypertable_queries(shape)]
    tables, configs, ((objects,),), *of_hypertables = await batch(connection, queries)
    relations = (*tables, *configs, *(of_hypertables[0] if of_hypertables else ()))
    columns = await read_columns(connection, (row[0] for row in relations))
    await builder.tables(tables, columns)
    builder.configs(configs, columns)
    if shape.timescaledb:
        slicer = ChunkSlicer(connection, width, by_size=slice_tables)
        if stored:
            builder.packed = await read_packed_chunks(connection, shape)
        await builder.hypertables(of_hypertables, columns, slicer)
    if objects:
        await builder.objects(int(objects))
    return Planned(
        CopyPlan(tuple(builder.all_tables), tuple(builder.pieces)), tuple(builder.tiered)
    )


@dataclass(slots=True, kw_only=True)
class _PlanBuilder:
    connection: Connection
    slice_tables: bool
    compressed_last: frozenset[tuple[str, str]]
    caggs: frozenset[str]
    routed: frozenset[tuple[str, str]]
    search_paths: Mapping[tuple[str, str], str]
    partial_as_stored: bool
    packed: Mapping[tuple[str, str], PackedChunk] = field(default_factory=dict)
    """Compressed chunks that may travel as they are stored."""
    all_tables: list[SourceTable] = field(default_factory=list)
    pieces: list[Piece] = field(default_factory=list)
    tiered: list[str] = field(default_factory=list)
    _compressing: set[tuple[int, str]] = field(default_factory=set)

    def _table(self, table: SourceTable) -> int:
        """Add a table; its index in the plan."""
        key = table.schema, table.name
        path = self.search_paths.get(key, "")
        self.all_tables.append(replace(table, search_path=path, routed=key in self.routed))
        return len(self.all_tables) - 1

    def _add(self, piece: Piece, conditions: Iterable[str] = ("",)) -> None:
        """Add one piece for each condition, which splits it."""
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

    async def tables(self, found: Iterable[_Row], columns: Mapping[int, Columns]) -> None:
        for oid, schema, name, size, estimate, filenode in found:
            relation = sql.Identifier(schema, name)
            slices = NOT_SLICED
            if self.slice_tables:
                slices = await slice_table(self.connection, oid, relation, size)
            piece = Piece(
                id=0,
                table_index=self._table(_described(schema, name, columns[oid])),
                kind=PieceKind.SLICE if len(slices.conditions) > 1 else PieceKind.TABLE,
                stage=Stage.TABLES,
                schema=schema,
                name=name,
                bytes=size,
                rows_estimate=estimate,
                only=True,
                by_ctid=slices.by_ctid,
                filenode=filenode if slices.by_ctid else None,
            )
            self._add(piece, slices.conditions)

    def configs(self, found: Iterable[_Row], columns: Mapping[int, Columns]) -> None:
        """The user's rows in extensions' configuration tables, by the extensions' own conditions.

        https://www.postgresql.org/docs/current/extend-extensions.html#EXTEND-EXTENSIONS-CONFIG-TABLES
        """
        for oid, schema, name, size, estimate, condition in found:
            where = condition.strip().removeprefix("WHERE").removeprefix("where").strip()
            piece = Piece(
                id=0,
                table_index=self._table(_described(schema, name, columns[oid])),
                kind=PieceKind.CONFIG,
                stage=Stage.TABLES,
                schema=schema,
                name=name,
                bytes=size,
                rows_estimate=estimate,
                only=True,
                where=where,
                whole_relation=False,
            )
            self._add(piece)

    async def hypertables(
        self, answers: list[list[_Row]], columns: Mapping[int, Columns], slicer: ChunkSlicer
    ) -> None:
        of_roots, of_slices, of_indexes, of_caggs, *of_hypertables = answers
        users = [
            h for h in hypertables_of(of_hypertables) if h.cagg is None or h.cagg in self.caggs
        ]
        found = caggs_of((of_indexes, of_caggs))
        caggs = {(c.materialization_schema, c.materialization_name): c for c in found}
        feeding = {cagg.reads for cagg in found}
        roots = {(schema, name): (oid, size) for oid, schema, name, size in of_roots}
        slices = {(schema, name): found for schema, name, found in of_slices}
        for hypertable in users:
            oid, size = roots[hypertable.schema, hypertable.name]
            cagg = caggs.get((hypertable.schema, hypertable.name))
            index = self._table(
                replace(
                    _described(hypertable.schema, hypertable.name, columns[oid]),
                    label=hypertable.label,
                    hypertable=True,
                    cagg=(cagg.schema, cagg.name) if cagg else None,
                    feeds_caggs=(hypertable.schema, hypertable.name) in feeding,
                )
            )
            if size:
                self._add(
                    Piece(
                        id=0,
                        table_index=index,
                        kind=PieceKind.ROUTED,
                        stage=Stage.CHUNKS,
                        schema=hypertable.schema,
                        name=hypertable.name,
                        bytes=size,
                        only=True,
                        whole_relation=False,
                    )
                )
            for chunk in hypertable.chunks:
                await self._chunk(hypertable, index, chunk, slices, slicer)

    async def _chunk(
        self,
        hypertable: Hypertable,
        table_index: int,
        chunk: Chunk,
        slices: dict[tuple[str, str], str],
        slicer: ChunkSlicer,
    ) -> None:
        if chunk.tiered:
            self.tiered.append(f"{hypertable.label} {chunk.name}")
            return
        dimension = hypertable.dimensions[0] if hypertable.dimensions else None
        found = self._as_stored(hypertable, chunk)
        piece = Piece(
            id=0,
            table_index=table_index,
            kind=PieceKind.CHUNK,
            stage=Stage.CHUNKS,
            schema=chunk.schema,
            name=chunk.name,
            bytes=chunk.bytes,
            rows_estimate=chunk.rows_estimate,
            dimension_slices=slices.get((chunk.schema, chunk.name), ""),
        )
        if found.packed:
            self._add(replace(piece, packed=found.packed))
        else:
            slices_of_it = await slicer.slice(dimension, chunk)
            self._add(replace(piece, reason=found.reason), slices_of_it)
        # Where the target routes rows, all chunks of one time are compressed together.
        within = (
            _within(dimension, chunk) if (hypertable.schema, hypertable.name) in self.routed else ""
        )
        if chunk.compressed and (table_index, within) not in self._compressing:
            if within:
                self._compressing.add((table_index, within))
            last = (hypertable.schema, hypertable.name) in self.compressed_last
            self._add(
                replace(
                    piece,
                    kind=PieceKind.COMPRESS,
                    stage=Stage.LAST if last else Stage.CHUNKS,
                    where=within,
                    whole_relation=False,
                    bytes=0,
                    rows_estimate=0,
                )
            )

    def _as_stored(self, hypertable: Hypertable, chunk: Chunk) -> PackedChunk:
        """Where a chunk's compressed rows are, or why they are decompressed on their way."""
        found = self.packed.get((chunk.schema, chunk.name), NOT_PACKED)
        key, reason = (hypertable.schema, hypertable.name), found.reason
        if found.packed is None:
            return found
        if key in self.routed:
            reason = "its rows do not fit the source's chunks"
        elif key in self.compressed_last:
            reason = "its constraints come after its rows"
        elif found.packed.partial and not self.partial_as_stored:
            reason = "it has rows that are not compressed, which needs a snapshot and no files"
        return PackedChunk(None, reason) if reason else found

    async def objects(self, number: int) -> None:
        """Ranges of OIDs without gaps, so that large objects created later are in one of them."""
        index = self._table(
            SourceTable(
                label="large objects", schema="pg_catalog", name="pg_largeobject", columns=()
            )
        )
        starts = [
            oid for (oid,) in await rows(self.connection, OBJECT_BOUNDS, (OBJECTS_PER_PIECE,))
        ]
        for first, after in zip(starts, [*starts[1:], _LAST_OID + 1], strict=True):
            self._add(
                Piece(
                    id=0,
                    table_index=index,
                    kind=PieceKind.OBJECTS,
                    stage=Stage.TABLES,
                    schema="pg_catalog",
                    name=f"pg_largeobject {first}",
                    bytes=_OBJECT_GUESS * min(number, OBJECTS_PER_PIECE),
                    whole_relation=False,
                    first_oid=0 if first == starts[0] else first,
                    last_oid=after - 1,
                )
            )


def _within(dimension: Dimension | None, chunk: Chunk) -> str:
    """SQL for show_chunks(): chunks on the target in the time of this one."""
    bounds = {"newer_than": chunk.range_start, "older_than": chunk.range_end}
    if dimension is None or not has_time_literals(dimension.column_type):
        return ""
    return "".join(
        f", {name} => {argument}"
        for name, bound in bounds.items()
        if bound is not None and (argument := time_argument(dimension.column_type, bound))
    )


def _described(schema: str, name: str, columns: Columns) -> SourceTable:
    return SourceTable(
        label=f"{schema}.{name}",
        schema=schema,
        name=name,
        columns=columns.columns,
        format="text" if columns.text_column else "binary",
        text_column=columns.text_column,
    )
