"""Shells: chunks of the target that are compressed while they are empty.

compress_chunk() on an empty chunk leaves it compressed, with a relation for its compressed rows
that has the target's own columns, indexes and settings, and belongs to the hypertable's owner. The
source's compressed rows are then copied into that relation. Shells are made and committed before
the rows, so that no worker waits for another one's locks.

compress_chunk() merges neighbors where `compress_chunk_time_interval` is set, so none is made
there. Which columns a relation gets beside the rows depends on two settings of the session that
not every version has; the one that fits the source's relation best is used.
"""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from psycopg import Error, sql

from tswizard.core.catalog.catalog_shape import HYPERTABLE, Shape, read_shape
from tswizard.core.db.concurrency import both
from tswizard.core.db.connection import Connection, batch, rows
from tswizard.core.db.errors import is_transient, message_of, refuses_writes
from tswizard.core.split.ledger import queue
from tswizard.core.split.ledger.plan_store import save_tables
from tswizard.core.split.ledger.queue import UNFINISHED
from tswizard.core.split.plan.packed import Shell, StoredLayout, Way
from tswizard.core.split.plan.packed_chunks import PackedChunk, read_packed_chunks
from tswizard.core.split.plan.piece import Piece, PieceKind, SourceTable, StoredPiece
from tswizard.core.split.stored.layout import (
    CompressedChunk,
    CompressedLayout,
    RelationName,
    Version,
    read_compressed_chunks,
    read_version,
)
from tswizard.core.split.stored.settings import (
    ORDERBY_FUNCTION,
    SEGMENTBY_FUNCTION,
    SettingsNotRestored,
    compressing_by,
)
from tswizard.core.split.stored.ways import Choice, CompressedEnd, choose_way

_BATCH = 100
"""Shells made per transaction: each takes locks, of which a server has a limited number."""

_SESSIONS = (
    "",
    "timescaledb.enable_sparse_index_bloom",
    "timescaledb.auto_sparse_indexes",
)
"""Settings that are turned off to get fewer columns beside the rows; empty for none."""

MERGES = "its hypertable merges chunks as they are compressed"
NO_CHUNK = "its chunk could not be created on the target"
NOT_READ = "the source has compressed it otherwise since"
OTHER_LAYOUT = "the target has made another relation for it than for its neighbors"

Progress = Callable[[int, int, str], Awaitable[None]]
"""Done, total, label."""


@dataclass(frozen=True, slots=True)
class _Wanted:
    """What the shells of a group have to be like."""

    table: SourceTable
    source: CompressedEnd
    choice: Choice


@dataclass(slots=True, kw_only=True)
class ShellMaker:
    """Makes shells for the pieces that may travel as they are stored."""

    source: Connection
    target: Connection
    functions: str
    """Schema of TimescaleDB's functions on the target."""
    rebuild: bool
    """All that are copied as stored are compressed again."""
    progress: Progress
    _here: Version = ()
    _there: Version = ()
    _shape: Shape = field(init=False)
    _sessions: list[str] = field(default_factory=list)
    _offers_choice: bool = False
    _tables: list[SourceTable] = field(default_factory=list)

    async def make(self, tables: Sequence[SourceTable]) -> tuple[SourceTable, ...]:
        """Make all that are missing, and store them with their pieces; the tables with the layouts
        that are copied. Raises psycopg.Error for transient errors."""
        waiting = _without_shell(await queue.read_pieces(self.target))
        if not waiting:
            return tuple(tables)
        (found, states), merging = await both(self._read_source(waiting), self._read_target())
        waiting, overtaken = _by_state(waiting, {n: s for n, s in states.items() if n in found})
        if overtaken:
            await self._give_up(overtaken, NOT_READ)
        self._tables, done = list(tables), 0
        for index, layout, group in _groups(waiting, found):
            table = self._tables[index]
            await self.progress(done, len(waiting), table.label)
            if table.on_target in merging:
                await self._give_up(group, MERGES)
            else:
                await self._make_group(table, layout, group)
            done += len(group)
        await self.progress(len(waiting), len(waiting), "")
        return tuple(self._tables)

    async def _read_target(self) -> set[tuple[str, str]]:
        """What it offers; the hypertables whose chunks it merges."""
        self._there, self._shape = await read_version(self.target), await read_shape(self.target)
        settings = [*_SESSIONS, SEGMENTBY_FUNCTION, ORDERBY_FUNCTION]
        names, merging = await batch(self.target, [(_KNOWN, (settings,)), _MERGING])
        known = {name for (name,) in names}
        self._offers_choice = {SEGMENTBY_FUNCTION, ORDERBY_FUNCTION} <= known
        self._sessions = [name for name in _SESSIONS if not name or name in known]
        return {(schema, name) for schema, name in merging}

    async def _read_source(
        self, waiting: Sequence[Piece]
    ) -> tuple[dict[RelationName, CompressedChunk], dict[RelationName, PackedChunk]]:
        self._here, shape = await read_version(self.source), await read_shape(self.source)
        found = await read_compressed_chunks(
            self.source, shape, [(p.schema, p.name) for p in waiting]
        )
        return found, await read_packed_chunks(self.source, shape)

    async def _give_up(self, pieces: Iterable[Piece], reason: str) -> None:
        changed = [replace(p, packed=None, reason=reason) for p in pieces]
        async with self.target.transaction():
            await queue.save_pieces(self.target, changed)
            await queue.requeue(self.target, changed)  # a file of compressed rows is of no use now

    async def _make_group(
        self, table: SourceTable, layout: CompressedLayout, pieces: list[Piece]
    ) -> None:
        """Shells of pieces whose relations look alike."""
        nowhere = [p for p in pieces if p.target_chunk is None]
        if nowhere:
            await self._give_up(nowhere, NO_CHUNK)
        pieces = [p for p in pieces if p.target_chunk is not None]
        for unordered in (False, True):
            some = [p for p in pieces if p.packed and p.packed.unordered == unordered]
            if not some:
                continue
            ours = CompressedEnd(layout=layout, version=self._here)
            session, choice = await self._best(table, ours, some[0], unordered=unordered)
            if choice.copied is None:
                await self._give_up(some, choice.reason)
                continue
            table, number = await self._add_layout(table, choice.copied)
            wanted = _Wanted(table, ours, choice)
            for first in range(0, len(some), _BATCH):
                await self._make_some(some[first : first + _BATCH], session, number, wanted)

    async def _add_layout(
        self, table: SourceTable, layout: StoredLayout
    ) -> tuple[SourceTable, int]:
        """The table with a layout, and the layout's number in it. It is stored before any piece
        that refers to it."""
        if layout in table.layouts:
            return table, table.layouts.index(layout)
        changed = replace(table, layouts=(*table.layouts, layout))
        self._tables[self._tables.index(table)] = changed
        await save_tables(self.target, tuple(self._tables))
        return changed, len(table.layouts)

    async def _best(
        self, table: SourceTable, ours: CompressedEnd, piece: Piece, *, unordered: bool
    ) -> tuple[str, Choice]:
        """The session setting under which a chunk's shell fits best, and how well."""
        best: tuple[str, Choice] | None = None
        for session in self._sessions:
            try:
                async with self.target.transaction(force_rollback=True):
                    made = await self._compress(table, ours, [piece], session)
            except (SettingsNotRestored, Error) as error:
                if isinstance(error, Error) and (is_transient(error) or refuses_writes(error)):
                    raise
                choice = Choice(way=Way.DECOMPRESSED, reason=message_of(error))
            else:
                choice = self._choice(table, ours, made.get(_chunk(piece)), unordered=unordered)
            if best is None or choice.rank < best[1].rank:
                best = session, choice
            if best[1].rank == (0, 0):
                break
        assert best is not None
        return best

    def _choice(
        self,
        table: SourceTable,
        ours: CompressedEnd,
        made: CompressedChunk | None,
        *,
        unordered: bool,
    ) -> Choice:
        if made is None:
            return Choice(way=Way.DECOMPRESSED, reason=MERGES)
        return choose_way(
            ours,
            CompressedEnd(layout=made.layout, version=self._there),
            unordered=unordered,
            text=table.format == "text",
            rebuild=self.rebuild,
        )

    async def _make_some(
        self, pieces: list[Piece], session: str, number: int, wanted: _Wanted
    ) -> None:
        """Make the shells of some pieces in one transaction. If that is refused, each is tried by
        itself, and the rows of those that are refused again are decompressed."""
        try:
            async with self.target.transaction():
                made = await self._compress(wanted.table, wanted.source, pieces, session)
                shelled = [
                    self._shelled(piece, made.get(_chunk(piece)), number, wanted)
                    for piece in pieces
                ]
                await queue.save_pieces(self.target, shelled)
        except (_OtherLayout, SettingsNotRestored, Error) as error:
            if isinstance(error, Error) and (is_transient(error) or refuses_writes(error)):
                raise
            if len(pieces) == 1:
                await self._give_up(pieces, message_of(error))
                return
            for piece in pieces:
                await self._make_some([piece], session, number, wanted)

    def _shelled(
        self, piece: Piece, made: CompressedChunk | None, number: int, wanted: _Wanted
    ) -> Piece:
        """The piece with its shell. Raises _OtherLayout if it is not as wanted."""
        assert piece.packed is not None
        own = self._choice(wanted.table, wanted.source, made, unordered=piece.packed.unordered)
        if made is None or own.copied != wanted.choice.copied:
            raise _OtherLayout(own.reason or OTHER_LAYOUT)
        schema, name = made.relation
        shell = Shell(schema=schema, name=name, layout=number, way=own.way)
        return replace(piece, shell=shell, reason=own.reason)

    async def _compress(
        self, table: SourceTable, ours: CompressedEnd, pieces: Sequence[Piece], session: str
    ) -> dict[RelationName, CompressedChunk]:
        """Compress empty chunks as the source's were; those that were compressed by themselves,
        with their relations. Call it in a transaction."""
        if session:
            await self.target.execute("SELECT pg_catalog.set_config(%s, 'off', true)", (session,))
        function = sql.Identifier(self.functions, "compress_chunk")
        query = sql.SQL(
            "SELECT c.name FROM pg_catalog.unnest(%s::text[]) AS c (name) "
            "WHERE {}(c.name::pg_catalog.regclass) = c.name::pg_catalog.regclass"
        ).format(function)
        names = {sql.Identifier(*_chunk(p)).as_string(None): _chunk(p) for p in pieces}
        async with compressing_by(
            self.target,
            self._shape,
            table,
            ours.layout.settings,
            offers_choice=self._offers_choice,
        ):
            itself = {names[name] for (name,) in await rows(self.target, query, (list(names),))}
        return await read_compressed_chunks(self.target, self._shape, itself)


class _OtherLayout(Exception):
    """A shell that does not look like the others of its group."""


def _chunk(piece: Piece) -> RelationName:
    assert piece.target_chunk is not None
    return piece.target_chunk


def _without_shell(stored: Iterable[StoredPiece]) -> list[Piece]:
    """Pieces that may travel as they are stored, were never copied and have no shell yet."""
    return [
        s.piece
        for s in stored
        if s.piece.kind is PieceKind.CHUNK
        and s.piece.packed is not None
        and s.piece.shell is None
        and s.state in UNFINISHED
        and s.rows is None
    ]


def _by_state(
    pieces: Iterable[Piece], states: Mapping[RelationName, PackedChunk]
) -> tuple[list[Piece], list[Piece]]:
    """Pieces whose chunk is as it was planned, and the others."""
    same, other = list[Piece](), list[Piece]()
    for piece in pieces:
        now = states.get((piece.schema, piece.name))
        assert piece.packed is not None
        unchanged = now and now.packed and now.packed.state == piece.packed.state
        (same if unchanged else other).append(piece)
    return same, other


def _groups(
    pieces: Iterable[Piece], found: Mapping[RelationName, CompressedChunk]
) -> list[tuple[int, CompressedLayout, list[Piece]]]:
    """Pieces of one table whose relations look alike: table, layout, pieces."""
    groups: dict[tuple[int, CompressedLayout], list[Piece]] = {}
    for piece in pieces:
        key = piece.table_index, found[piece.schema, piece.name].layout
        groups.setdefault(key, []).append(piece)
    return [(index, layout, some) for (index, layout), some in groups.items()]


_KNOWN = "SELECT name FROM pg_catalog.pg_settings WHERE name = ANY (%s)"

_MERGING = f"""
SELECT h.schema_name::text, h.table_name::text FROM {HYPERTABLE} h
JOIN _timescaledb_catalog.dimension d ON d.hypertable_id = h.id
WHERE d.compress_interval_length IS NOT NULL
"""
