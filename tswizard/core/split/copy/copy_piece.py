"""Copying one piece: its rows and its done-mark in one transaction of the target."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial

from psycopg import sql

from tswizard.core.db.connection import Connection
from tswizard.core.split.copy import large_objects
from tswizard.core.split.copy.chunks import BARE
from tswizard.core.split.copy.copy_job import CopyJob
from tswizard.core.split.copy.psql_reader import Reading
from tswizard.core.split.copy.pump import FileSink, Pump, TargetSink, in_thread
from tswizard.core.split.copy.snapshot import SourceSnapshot
from tswizard.core.split.copy.staging import FileBroken, Staged, Staging, opened
from tswizard.core.split.copy.upsert import (
    STAGING_TABLE,
    create_staging_table,
    is_referenced,
    merge,
)
from tswizard.core.split.ledger import queue
from tswizard.core.split.ledger.queue import ClaimedPiece, PieceState
from tswizard.core.split.plan.piece import (
    CopyPlan,
    Piece,
    PieceKind,
    SourceTable,
    condition,
    copy_in,
    destination,
)

# What psycopg warns of is raised as well; its words must not fall into a full-screen program.
logging.getLogger("psycopg").addHandler(logging.NullHandler())


@dataclass(slots=True)
class CopyContext:
    """What every worker of a process shares."""

    job: CopyJob
    plan: CopyPlan
    threads: ThreadPoolExecutor
    staging: Staging | None
    held: Callable[[], bool]
    path: str = BARE
    """The search path on which rows that are routed make their chunks."""
    pumps: dict[int, Pump] = field(default_factory=dict)
    """Of pieces under way, by id."""
    news: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when a worker is done with a piece: another may be free now, or none is left."""

    def loaded(self, piece: Piece) -> None:
        """A piece's file is on the target for good."""
        if self.staging is not None and not self.job.keep_files:
            self.staging.remove(piece)


async def carry(
    desk: CopyContext,
    target: Connection,
    source: Reading,
    taken: ClaimedPiece,
    snapshot: SourceSnapshot,
) -> int:
    """Do what a taken piece asks for and mark it, in the transaction that holds it; its rows.

    Raises SourceFailed, MomentGone, PieceRefused, psycopg.Error; the transaction must be rolled
    back then.
    """
    piece, table = taken.piece, desk.plan.of(taken.piece)
    if desk.path != BARE and table.hypertable and piece.target_chunk is None:
        await target.execute("SELECT pg_catalog.set_config('search_path', %s, true)", (desk.path,))
    if taken.state is PieceState.WAITING and piece.kind is not PieceKind.COMPRESS and desk.staging:
        await _stage(desk, target, source, piece, table, desk.staging, snapshot)
        return 0
    at: int | None = snapshot.id
    if piece.kind is PieceKind.COMPRESS:
        await _compress(desk, target, piece)
        written = Written(0, 0)
    elif taken.state is PieceState.STAGED:
        assert desk.staging is not None
        written, at = await _load(desk, target, taken, table, desk.staging)
    elif piece.kind is PieceKind.OBJECTS:
        copied = await large_objects.copy(desk.job, target, piece, snapshot)
        written = Written(copied.number, copied.bytes)
    else:
        room = await _make_room(desk, target, table, taken)
        written = await _stream(desk, target, source, piece, table, room, snapshot)
    if not written.whole:
        at = None  # of no moment yet: it is compared and copied once more
    await queue.mark_done(target, piece, rows_=written.rows, copied=written.bytes, snapshot_id=at)
    return written.rows


@dataclass(frozen=True, slots=True)
class Room:
    """Where the rows of a piece go, after room was made for them."""

    place: sql.Identifier
    frozen: bool = False
    """The place was emptied in this transaction: rows can be written as frozen."""
    beside: sql.Identifier | None = None
    """The table that what was copied beside it is merged into."""


@dataclass(frozen=True, slots=True)
class Written:
    """What was written of a piece."""

    rows: int
    bytes: int
    whole: bool = True
    """False when rows that are gone on the source had to stay, see `merge`."""


async def _make_room(
    desk: CopyContext, target: Connection, table: SourceTable, taken: ClaimedPiece
) -> Room:
    """Take away what is there of this piece.

    A relation that holds nothing but this piece is emptied: rows that come into an emptied table
    can be written as frozen, which spares the target a later pass over all of them (COPY …
    FREEZE). Otherwise only what an earlier copy of this very piece brought is deleted. Where
    foreign keys point to, neither is possible: a second copy goes beside the first.
    """
    piece = taken.piece
    place = destination(table, piece)
    if not (piece.whole_relation or taken.there or piece.kind is PieceKind.CONFIG):
        return Room(place)  # a part of which nothing is there
    if taken.there and await queue.is_recompressed(target, piece):
        await _decompress(desk, target, place)
    own = piece.kind is not PieceKind.ROUTED and (
        piece.target_chunk is not None or not table.hypertable
    )
    if own and await is_referenced(target, place):
        if not taken.there and piece.kind is not PieceKind.CONFIG:
            return Room(place)
        await create_staging_table(target, place)
        return Room(STAGING_TABLE, beside=place)
    if own and piece.whole_relation:
        await target.execute(sql.SQL("TRUNCATE ONLY {}").format(place))
        return Room(place, frozen=True)
    if piece.kind is PieceKind.CONFIG or taken.there:
        if piece.by_ctid or not own:
            raise AssertionError("such a piece is copied again with its whole relation")
        await target.execute(sql.SQL("DELETE FROM ONLY {}").format(place) + condition(piece))
    return Room(place)


async def _decompress(desk: CopyContext, target: Connection, chunk: sql.Identifier) -> None:
    """Rows of a compressed chunk cannot be deleted everywhere; those of any other can."""
    function = sql.Identifier(desk.job.timescaledb_schema, "decompress_chunk")
    await target.execute(
        sql.SQL("SELECT {}(%s::pg_catalog.regclass, true)").format(function),
        (chunk.as_string(None),),
    )


async def _stream(
    desk: CopyContext,
    target: Connection,
    source: Reading,
    piece: Piece,
    table: SourceTable,
    room: Room,
    snapshot: SourceSnapshot,
) -> Written:
    """psql's rows into COPY. The source has come to its end before it returns."""
    text = source.script(table, piece, snapshot.name)
    async with source.piece(text) as (reader, pipe):
        pump = Pump(pipe, TargetSink(target.pgconn), desk.held)
        return await _into(desk, target, piece, table, room, pump, reader.finish)


async def _into(
    desk: CopyContext,
    target: Connection,
    piece: Piece,
    table: SourceTable,
    room: Room,
    pump: Pump,
    finish: Callable[[], Awaitable[None]],
) -> Written:
    """The pump's blocks into a COPY, which `finish` can still call off."""
    async with target.cursor() as cursor:
        async with cursor.copy(copy_in(table, room.place, freeze=room.frozen)) as copy:
            await copy.write(b"")  # the blocks bring their header themselves
            moved = await _pumped(desk, piece, pump)
            await finish()
        found = cursor.rowcount
    whole = room.beside is None or await merge(target, table, piece, room.beside)
    return Written(found, moved, whole)


async def _pumped(desk: CopyContext, piece: Piece, pump: Pump) -> int:
    desk.pumps[piece.id] = pump
    try:
        return await in_thread(pump, desk.threads)
    finally:
        desk.pumps.pop(piece.id, None)


async def _stage(
    desk: CopyContext,
    target: Connection,
    source: Reading,
    piece: Piece,
    table: SourceTable,
    staging: Staging,
    snapshot: SourceSnapshot,
) -> None:
    """The first half of `via = "files"`: a whole file, then the mark that it is there."""
    entry = staging.listed(piece)
    if entry is None or entry.snapshot_id != snapshot.id:
        with staging.writing(table, piece) as draft:
            sink = FileSink(draft.descriptor)
            if piece.kind is PieceKind.OBJECTS:
                await large_objects.write_file(
                    desk.job, piece, snapshot, lambda b: sink.write(memoryview(b), bool)
                )
            else:
                text = source.script(table, piece, snapshot.name)
                async with source.piece(text) as (reader, pipe):
                    await _pumped(desk, piece, Pump(pipe, sink, desk.held))
                    await reader.finish()
            entry = await asyncio.to_thread(draft.keep, piece, sink.sum.hexdigest(), snapshot.id)
    await queue.mark_staged(target, piece, staging.location, entry.snapshot_id, entry.bytes)


async def _load(
    desk: CopyContext, target: Connection, taken: ClaimedPiece, table: SourceTable, staging: Staging
) -> tuple[Written, int]:
    """The second half: the file's rows, and the moment they are of."""
    piece = taken.piece
    entry = staging.listed(piece)
    if entry is None:
        raise FileBroken(f"the file of {piece.name} is missing or too short")
    with opened(staging, entry) as descriptor:
        if piece.kind is PieceKind.OBJECTS:
            copied = await large_objects.read_file(target, piece, descriptor)
            written = Written(copied.number, copied.bytes)
        else:
            room = await _make_room(desk, target, table, taken)
            pump = Pump(descriptor, TargetSink(target.pgconn), desk.held, sum_input=True)
            same = partial(_same, pump, entry)
            written = await _into(desk, target, piece, table, room, pump, same)
    return written, entry.snapshot_id


async def _same(pump: Pump, entry: Staged) -> None:
    if pump.sum != entry.sha256:
        raise FileBroken(f"{entry.file} is not what was written")


async def _compress(desk: CopyContext, target: Connection, piece: Piece) -> None:
    """Compress the chunk again; one that is compressed is left as it is.

    https://docs.timescale.com/api/latest/compression/compress_chunk/
    """
    function = sql.Identifier(desk.job.timescaledb_schema, "compress_chunk")
    for chunk in await queue.target_chunks_of(target, piece):
        await target.execute(
            sql.SQL("SELECT {}(%s::pg_catalog.regclass, true)").format(function),
            (sql.Identifier(*chunk).as_string(None),),
        )
