"""Copies one piece: its rows and its done-mark in one transaction of the target."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from functools import partial

from psycopg import sql

from tswizard.core.db.connection import Connection, rows
from tswizard.core.split.copy import large_objects
from tswizard.core.split.copy.chunks import BARE_SEARCH_PATH
from tswizard.core.split.copy.copy_context import CopyContext
from tswizard.core.split.copy.psql_reader import PsqlReader
from tswizard.core.split.copy.pump import FileSink, Pump, TargetSink, run_pump
from tswizard.core.split.copy.snapshot import SourceSnapshot
from tswizard.core.split.copy.staging import (
    FileBroken,
    StagedFile,
    StagingFolder,
    open_staged,
    other_checksum,
)
from tswizard.core.split.copy.stored_piece import (
    StoredRefused,
    batches_copy_in,
    count_rows,
    create_batches_table,
    empty_shell,
    is_rebuilt,
    loose_copy_in,
    move_batches,
    rebuild,
    stored_copy_in,
)
from tswizard.core.split.copy.upsert import (
    STAGING_TABLE,
    create_staging_table,
    is_referenced,
    upsert,
)
from tswizard.core.split.ledger import queue
from tswizard.core.split.ledger.queue import ClaimedPiece
from tswizard.core.split.plan.piece import (
    Piece,
    PieceKind,
    PieceState,
    SourceTable,
    copy_in,
    destination,
    is_routed,
    stored_layout,
    where_clause,
)

# psycopg raises what it logs as well; its log must not be printed into a full-screen program.
logging.getLogger("psycopg").addHandler(logging.NullHandler())


@dataclass(frozen=True, slots=True)
class _Destination:
    """Where the rows of a piece are written to."""

    relation: sql.Identifier
    freeze: bool = False
    """The relation was truncated in this transaction: rows can be written as frozen."""
    upsert_into: sql.Identifier | None = None
    """The table that a staging table's rows then go into."""


@dataclass(frozen=True, slots=True)
class _Copied:
    """What was written of a piece."""

    rows: int
    bytes: int
    complete: bool = True
    """False if rows that were deleted on the source had to stay, see `upsert`."""


async def copy_piece(
    context: CopyContext,
    target: Connection,
    source: PsqlReader,
    claimed: ClaimedPiece,
    snapshot: SourceSnapshot,
) -> int:
    """Copy a claimed piece and mark it, in the transaction that has locked it; its rows.

    Raises SourceFailed, SnapshotLost, FileBroken, OSError, psycopg.Error; the transaction must be
    rolled back then.
    """
    return await _PieceCopy(
        context=context,
        target=target,
        source=source,
        claimed=claimed,
        snapshot=snapshot,
        piece=claimed.piece,
        table=context.plan.table_of(claimed.piece),
    ).run()


@dataclass(frozen=True, slots=True, kw_only=True)
class _PieceCopy:
    context: CopyContext
    target: Connection
    source: PsqlReader
    claimed: ClaimedPiece
    snapshot: SourceSnapshot
    piece: Piece
    table: SourceTable

    async def run(self) -> int:
        piece, staging = self.piece, self.context.staging
        path = self.context.search_path_of(self.table, piece)
        if path != BARE_SEARCH_PATH:
            await self.target.execute(
                "SELECT pg_catalog.set_config('search_path', %s, true)", (path,)
            )
        waiting = self.claimed.state is PieceState.WAITING
        if waiting and piece.kind is not PieceKind.COMPRESS and staging:
            await self._stage(staging)
            return 0
        snapshot_id: int | None = self.snapshot.id
        if piece.kind is PieceKind.COMPRESS:
            await self._compress()
            copied = _Copied(0, 0)
        elif self.claimed.state is PieceState.STAGED:
            assert staging is not None
            copied, snapshot_id = await self._load(staging)
        elif piece.shell:
            copied = await self._as_stored(self.snapshot)
        elif piece.kind is PieceKind.OBJECTS:
            objects = await large_objects.copy_objects(
                self.context.job, self.target, piece, self.snapshot
            )
            copied = _Copied(objects.number, objects.bytes)
        else:
            copied = await self._stream()
        if not copied.complete:
            snapshot_id = None  # equal to no snapshot yet: it is compared and copied once more
        await queue.mark_done(
            self.target, piece, row_count=copied.rows, copied=copied.bytes, snapshot_id=snapshot_id
        )
        return copied.rows

    @property
    def _is_routed(self) -> bool:
        return is_routed(self.table, self.piece)

    async def _clear_destination(self) -> _Destination:
        """Remove what is on the target of this piece.

        A relation that holds nothing but this piece is truncated: rows that are written into a
        table truncated in the same transaction can be frozen (COPY … FREEZE), which spares the
        target a later vacuum of all of them. Not a chunk that continuous aggregates read: that
        would be logged for them, and before its first copy it is empty anyway. Otherwise only the
        rows of an earlier copy of this very piece are deleted. Where foreign keys refer to the
        relation neither is possible: a second copy goes into a staging table.
        """
        piece, target = self.piece, self.target
        relation = destination(self.table, piece)
        may_hold_rows = self.claimed.on_target or piece.kind is PieceKind.CONFIG
        if not (piece.whole_relation or may_hold_rows):
            return _Destination(relation)
        if self.claimed.on_target and await queue.is_recompressed(target, piece):
            await self._decompress(relation)
        if not self._is_routed and await is_referenced(target, relation):
            if not may_hold_rows:
                return _Destination(relation)
            await create_staging_table(target, relation)
            return _Destination(STAGING_TABLE, upsert_into=relation)
        if not self._is_routed and piece.whole_relation and not self.table.feeds_caggs:
            await target.execute(sql.SQL("TRUNCATE ONLY {}").format(relation))
            return _Destination(relation, freeze=True)
        if may_hold_rows:
            if piece.by_ctid or self._is_routed:
                raise AssertionError("such a piece is copied again with its whole relation")
            await target.execute(
                sql.SQL("DELETE FROM ONLY {}").format(relation) + where_clause(piece)
            )
        return _Destination(relation)

    async def _decompress(self, chunk: sql.Identifier) -> None:
        """Not every TimescaleDB can delete rows of a compressed chunk. Others stay as they are."""
        function = sql.Identifier(self.context.job.timescaledb_schema, "decompress_chunk")
        await self.target.execute(
            sql.SQL("SELECT {}(%s::pg_catalog.regclass, true)").format(function),
            (chunk.as_string(None),),
        )

    async def _stream(self) -> _Copied:
        """From psql into COPY. psql has confirmed the end of the rows before this returns."""
        into = await self._clear_destination()
        script = self.source.scripts.rows(self.table, self.piece, self.snapshot.name)
        async with self.source.running(script) as (psql, pipe):
            pump = Pump(
                source=pipe, sink=TargetSink(self.target.pgconn), paused=self.context.paused
            )
            return await self._copy_in(into, pump, psql.finish)

    async def _as_stored(self, snapshot: SourceSnapshot) -> _Copied:
        """A compressed chunk's batches into its shell. Rows that are not compressed go first, while
        there are no batches that a unique constraint would have to look into; if the chunk is
        rebuilt, they go last, since they would be compressed as well."""
        piece, target = self.piece, self.target
        layout = stored_layout(self.table, piece)
        assert layout is not None and piece.packed is not None
        await self._clear_shell()
        functions, loose = self.context.job.timescaledb_schema, _Copied(0, 0)
        if piece.packed.partial and not is_rebuilt(piece):
            loose = await self._loose_rows(snapshot)
        script = self.source.scripts.batches(piece, layout, snapshot.name)
        batches = await self._through(script, stored_copy_in(piece, layout))
        row_count = await count_rows(target, piece, batches.rows)
        if is_rebuilt(piece):
            await rebuild(target, piece, functions)
            if piece.packed.partial:
                loose = await self._loose_rows(snapshot)
        return _Copied(row_count + loose.rows, batches.bytes + loose.bytes)

    async def _loose_rows(self, snapshot: SourceSnapshot) -> _Copied:
        script = self.source.scripts.loose(self.table, self.piece, snapshot.name)
        return await self._through(script, loose_copy_in(self.table))

    async def _through(self, script: str, statement: sql.Composed) -> _Copied:
        """What a script reads on the source, into a COPY of the target."""
        async with self.source.running(script) as (psql, pipe):
            pump = Pump(
                source=pipe, sink=TargetSink(self.target.pgconn), paused=self.context.paused
            )
            return await self._write(statement, pump, psql.finish)

    async def _copy_in(
        self, into: _Destination, pump: Pump, verify: Callable[[], Awaitable[None]]
    ) -> _Copied:
        """Rows into the piece's relation, or into a table that they are then merged from."""
        statement = copy_in(self.table, into.relation, freeze=into.freeze)
        copied = await self._write(statement, pump, verify)
        complete = into.upsert_into is None or await upsert(
            self.target, self.table, self.piece, into.upsert_into
        )
        return replace(copied, complete=complete)

    async def _write(
        self, statement: sql.Composed, pump: Pump, verify: Callable[[], Awaitable[None]]
    ) -> _Copied:
        """The pump's blocks into a COPY, which `verify` can still cancel by an error."""
        async with self.target.cursor() as cursor:
            async with cursor.copy(statement) as copy:
                await copy.write(b"")  # the blocks bring COPY's header themselves
                moved = await self._run_pump(pump)
                await verify()
            return _Copied(cursor.rowcount, moved)

    async def _run_pump(self, pump: Pump) -> int:
        self.context.pumps[self.piece.id] = pump
        try:
            return await run_pump(pump, self.context.threads)
        finally:
            self.context.pumps.pop(self.piece.id, None)

    async def _stage(self, staging: StagingFolder) -> None:
        """The first half of `via = "files"`: a complete file, then the mark that it is there."""
        file = staging.find(self.piece)
        if file is None or file.snapshot_id != self.snapshot.id:
            with staging.writing(self.table, self.piece) as partial_file:
                sink = FileSink(partial_file.descriptor)
                await self._export(sink)
                file = await asyncio.to_thread(
                    partial_file.commit, self.piece, sink.sum.hexdigest(), self.snapshot.id
                )
        await queue.mark_staged(
            self.target, self.piece, staging.location, file.snapshot_id, file.bytes
        )

    async def _export(self, sink: FileSink) -> None:
        if self.piece.kind is PieceKind.OBJECTS:
            await large_objects.write_file(
                self.context.job,
                self.piece,
                self.snapshot,
                lambda block: sink.write(memoryview(block), bool),
            )
            return
        scripts = self.source.scripts
        read = scripts.file if self.piece.packed else scripts.rows
        script = read(self.table, self.piece, self.snapshot.name)
        async with self.source.running(script) as (psql, pipe):
            await self._run_pump(Pump(source=pipe, sink=sink, paused=self.context.paused))
            await psql.finish()

    async def _load(self, staging: StagingFolder) -> tuple[_Copied, int]:
        """The second half: the file's rows, and the id of the snapshot they were read under."""
        file = staging.find(self.piece)
        if file is None:
            raise FileBroken(f"the file of {self.piece.name} is missing or too short")
        with open_staged(staging, file) as descriptor:
            if self.piece.kind is PieceKind.OBJECTS:
                objects = await large_objects.read_file(self.target, self.piece, file, descriptor)
                copied = _Copied(objects.number, objects.bytes)
            elif self.piece.packed:
                copied = await self._load_batches(file, descriptor)
            else:
                into = await self._clear_destination()
                pump = self._file_pump(descriptor)
                copied = await self._copy_in(into, pump, partial(_verify_checksum, pump, file))
        return copied, file.snapshot_id

    def _file_pump(self, descriptor: int) -> Pump:
        sink = TargetSink(self.target.pgconn)
        return Pump(source=descriptor, sink=sink, paused=self.context.paused, sum_input=True)

    async def _load_batches(self, file: StagedFile, descriptor: int) -> _Copied:
        """The batches of a file into the chunk's shell, by way of a table with the file's columns.
        Chunks with rows that are not compressed do not go through files as they are stored."""
        piece, target = self.piece, self.target
        layout = stored_layout(self.table, piece)
        if layout is None:
            raise StoredRefused("the target has no compressed chunk for it")
        await self._clear_shell()
        await target.execute(create_batches_table(layout))
        pump = self._file_pump(descriptor)
        verify = partial(_verify_checksum, pump, file)
        copied = await self._write(batches_copy_in(self.table), pump, verify)
        await target.execute(move_batches(piece, layout))
        row_count = await count_rows(target, piece, copied.rows)
        if is_rebuilt(piece):
            await rebuild(target, piece, self.context.job.timescaledb_schema)
        return replace(copied, rows=row_count)

    async def _clear_shell(self) -> None:
        """Remove an earlier copy from the shell. Raises StoredRefused where that cannot be done."""
        piece, target = self.piece, self.target
        if not self.claimed.on_target:
            return
        if is_rebuilt(piece) or await is_referenced(target, destination(self.table, piece)):
            raise StoredRefused("it is copied once more")
        await empty_shell(target, piece)

    async def _compress(self) -> None:
        """Compress the chunk again; one that is compressed already stays as it is.

        https://docs.timescale.com/api/latest/compression/compress_chunk/
        """
        function = sql.Identifier(self.context.job.timescaledb_schema, "compress_chunk")
        chunks = await queue.target_chunks_of(self.target, self.piece)
        if self.table.routed:
            chunks = await self._chunks_in_its_time()
        for chunk in chunks:
            await self.target.execute(
                sql.SQL("SELECT {}(%s::pg_catalog.regclass, true)").format(function),
                (sql.Identifier(*chunk).as_string(None),),
            )

    async def _chunks_in_its_time(self) -> list[tuple[str, str]]:
        """The target's own chunks in the time of the source's one, where rows were routed."""
        if not self.piece.where:
            return []
        query = sql.SQL(
            "SELECT n.nspname::text, c.relname::text FROM {}(%s::pg_catalog.regclass{}) s "
            "JOIN pg_catalog.pg_class c ON c.oid = s "
            "JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace"
        ).format(
            sql.Identifier(self.context.job.timescaledb_schema, "show_chunks"),
            sql.SQL(self.piece.where),  # composed by the planner
        )
        return await rows(self.target, query, (self.table.target_sql.as_string(None),))


async def _verify_checksum(pump: Pump, file: StagedFile) -> None:
    if pump.sum != file.sha256:
        raise other_checksum(file)
