"""Copies one piece: its rows and its done-mark in one transaction of the target."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial

from psycopg import sql

from tswizard.core.db.connection import Connection
from tswizard.core.split.copy import large_objects
from tswizard.core.split.copy.chunks import BARE_SEARCH_PATH
from tswizard.core.split.copy.copy_job import CopyJob
from tswizard.core.split.copy.psql_reader import PsqlReader
from tswizard.core.split.copy.pump import FileSink, Pump, TargetSink, run_pump
from tswizard.core.split.copy.snapshot import SourceSnapshot
from tswizard.core.split.copy.staging import FileBroken, StagedFile, StagingFolder, open_staged
from tswizard.core.split.copy.upsert import (
    STAGING_TABLE,
    create_staging_table,
    is_referenced,
    upsert,
)
from tswizard.core.split.ledger import queue
from tswizard.core.split.ledger.queue import ClaimedPiece
from tswizard.core.split.plan.piece import (
    CopyPlan,
    Piece,
    PieceKind,
    PieceState,
    copy_in,
    destination,
    where_clause,
)

# psycopg raises what it logs as well; its log must not be printed into a full-screen program.
logging.getLogger("psycopg").addHandler(logging.NullHandler())


@dataclass(slots=True, kw_only=True)
class CopyContext:
    """What all workers of a process share."""

    job: CopyJob
    plan: CopyPlan
    threads: ThreadPoolExecutor
    staging: StagingFolder | None
    paused: Callable[[], bool]
    search_path: str = BARE_SEARCH_PATH
    """For rows that are routed and create their chunks."""
    pumps: dict[int, Pump] = field(default_factory=dict)
    """Of the pieces that are being copied, by id."""
    piece_ended: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when a worker has finished a piece: another may be available now, or none is left."""

    def discard_file(self, piece: Piece) -> None:
        """Remove the file of a piece whose rows are committed on the target."""
        if self.staging is not None and not self.job.keep_files:
            self.staging.remove(piece)


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
    piece, table = claimed.piece, context.plan.table_of(claimed.piece)
    routed = table.hypertable and piece.target_chunk is None
    if context.search_path != BARE_SEARCH_PATH and routed:
        await target.execute(
            "SELECT pg_catalog.set_config('search_path', %s, true)", (context.search_path,)
        )
    waiting = claimed.state is PieceState.WAITING
    if waiting and piece.kind is not PieceKind.COMPRESS and context.staging:
        await _stage(context, target, source, claimed, snapshot, context.staging)
        return 0
    snapshot_id: int | None = snapshot.id
    if piece.kind is PieceKind.COMPRESS:
        await _compress(context, target, piece)
        copied = _Copied(0, 0)
    elif claimed.state is PieceState.STAGED:
        assert context.staging is not None
        copied, snapshot_id = await _load(context, target, claimed, context.staging)
    elif piece.kind is PieceKind.OBJECTS:
        objects = await large_objects.copy_objects(context.job, target, piece, snapshot)
        copied = _Copied(objects.number, objects.bytes)
    else:
        copied = await _stream(context, target, source, claimed, snapshot)
    if not copied.complete:
        snapshot_id = None  # equal to no snapshot yet: it is compared and copied once more
    await queue.mark_done(
        target, piece, row_count=copied.rows, copied=copied.bytes, snapshot_id=snapshot_id
    )
    return copied.rows


async def _clear_destination(
    context: CopyContext, target: Connection, claimed: ClaimedPiece
) -> _Destination:
    """Remove what is on the target of this piece.

    A relation that holds nothing but this piece is truncated: rows that are written into a table
    truncated in the same transaction can be frozen (COPY … FREEZE), which spares the target a
    later vacuum of all of them. Otherwise only the rows of an earlier copy of this very piece are
    deleted. Where foreign keys refer to the relation neither is possible: a second copy goes into
    a staging table.
    """
    piece, table = claimed.piece, context.plan.table_of(claimed.piece)
    relation = destination(table, piece)
    config = piece.kind is PieceKind.CONFIG
    if not (piece.whole_relation or claimed.on_target or config):
        return _Destination(relation)
    if claimed.on_target and await queue.is_recompressed(target, piece):
        await _decompress(context, target, relation)
    routed = piece.kind is PieceKind.ROUTED or (table.hypertable and piece.target_chunk is None)
    if not routed and await is_referenced(target, relation):
        if not claimed.on_target and not config:
            return _Destination(relation)
        await create_staging_table(target, relation)
        return _Destination(STAGING_TABLE, upsert_into=relation)
    if not routed and piece.whole_relation:
        await target.execute(sql.SQL("TRUNCATE ONLY {}").format(relation))
        return _Destination(relation, freeze=True)
    if claimed.on_target or config:
        if piece.by_ctid or routed:
            raise AssertionError("such a piece is copied again with its whole relation")
        await target.execute(sql.SQL("DELETE FROM ONLY {}").format(relation) + where_clause(piece))
    return _Destination(relation)


async def _decompress(context: CopyContext, target: Connection, chunk: sql.Identifier) -> None:
    """Not every TimescaleDB can delete rows of a compressed chunk. Others stay as they are."""
    function = sql.Identifier(context.job.timescaledb_schema, "decompress_chunk")
    await target.execute(
        sql.SQL("SELECT {}(%s::pg_catalog.regclass, true)").format(function),
        (chunk.as_string(None),),
    )


async def _stream(
    context: CopyContext,
    target: Connection,
    source: PsqlReader,
    claimed: ClaimedPiece,
    snapshot: SourceSnapshot,
) -> _Copied:
    """From psql into COPY. psql has confirmed the end of the rows before this returns."""
    piece, table = claimed.piece, context.plan.table_of(claimed.piece)
    into = await _clear_destination(context, target, claimed)
    async with source.running(source.script(table, piece, snapshot.name)) as (psql, pipe):
        pump = Pump(pipe, TargetSink(target.pgconn), context.paused)
        return await _copy_in(context, target, piece, into, pump, psql.finish)


async def _copy_in(
    context: CopyContext,
    target: Connection,
    piece: Piece,
    into: _Destination,
    pump: Pump,
    verify: Callable[[], Awaitable[None]],
) -> _Copied:
    """The pump's blocks into a COPY, which `verify` can still cancel by an error."""
    table = context.plan.table_of(piece)
    async with target.cursor() as cursor:
        async with cursor.copy(copy_in(table, into.relation, freeze=into.freeze)) as copy:
            await copy.write(b"")  # the blocks bring COPY's header themselves
            moved = await _run_pump(context, piece, pump)
            await verify()
        row_count = cursor.rowcount
    complete = into.upsert_into is None or await upsert(target, table, piece, into.upsert_into)
    return _Copied(row_count, moved, complete)


async def _run_pump(context: CopyContext, piece: Piece, pump: Pump) -> int:
    context.pumps[piece.id] = pump
    try:
        return await run_pump(pump, context.threads)
    finally:
        context.pumps.pop(piece.id, None)


async def _stage(
    context: CopyContext,
    target: Connection,
    source: PsqlReader,
    claimed: ClaimedPiece,
    snapshot: SourceSnapshot,
    staging: StagingFolder,
) -> None:
    """The first half of `via = "files"`: a complete file, then the mark that it is there."""
    piece, table = claimed.piece, context.plan.table_of(claimed.piece)
    file = staging.find(piece)
    if file is None or file.snapshot_id != snapshot.id:
        with staging.writing(table, piece) as partial_file:
            sink = FileSink(partial_file.descriptor)
            if piece.kind is PieceKind.OBJECTS:
                await large_objects.write_file(
                    context.job, piece, snapshot, lambda b: sink.write(memoryview(b), bool)
                )
            else:
                script = source.script(table, piece, snapshot.name)
                async with source.running(script) as (psql, pipe):
                    await _run_pump(context, piece, Pump(pipe, sink, context.paused))
                    await psql.finish()
            file = await asyncio.to_thread(
                partial_file.commit, piece, sink.sum.hexdigest(), snapshot.id
            )
    await queue.mark_staged(target, piece, staging.location, file.snapshot_id, file.bytes)


async def _load(
    context: CopyContext, target: Connection, claimed: ClaimedPiece, staging: StagingFolder
) -> tuple[_Copied, int]:
    """The second half: the file's rows, and the id of the snapshot they were read under."""
    piece = claimed.piece
    file = staging.find(piece)
    if file is None:
        raise FileBroken(f"the file of {piece.name} is missing or too short")
    with open_staged(staging, file) as descriptor:
        if piece.kind is PieceKind.OBJECTS:
            objects = await large_objects.read_file(target, piece, descriptor)
            copied = _Copied(objects.number, objects.bytes)
        else:
            into = await _clear_destination(context, target, claimed)
            pump = Pump(descriptor, TargetSink(target.pgconn), context.paused, sum_input=True)
            verify = partial(_verify_checksum, pump, file)
            copied = await _copy_in(context, target, piece, into, pump, verify)
    return copied, file.snapshot_id


async def _verify_checksum(pump: Pump, file: StagedFile) -> None:
    if pump.sum != file.sha256:
        raise FileBroken(f"{file.file} has another checksum than in the manifest")


async def _compress(context: CopyContext, target: Connection, piece: Piece) -> None:
    """Compress the chunk again; one that is compressed already stays as it is.

    https://docs.timescale.com/api/latest/compression/compress_chunk/
    """
    function = sql.Identifier(context.job.timescaledb_schema, "compress_chunk")
    for chunk in await queue.target_chunks_of(target, piece):
        await target.execute(
            sql.SQL("SELECT {}(%s::pg_catalog.regclass, true)").format(function),
            (sql.Identifier(*chunk).as_string(None),),
        )
