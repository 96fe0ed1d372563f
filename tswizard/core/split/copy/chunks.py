"""Chunks made on the target with the source's own slices, before their rows come.

So intervals of old chunks survive, rows go straight into their chunk without being routed, and
pieces of one hypertable do not fight for its locks.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import groupby

from psycopg import Error, sql

from tswizard.core.catalog.catalog_shape import Shape, read_shape
from tswizard.core.db.connection import Connection, rows
from tswizard.core.db.errors import is_transient, message_of, refuses_writes
from tswizard.core.model.finding import Finding, Level
from tswizard.core.split.copy.reporter import CopyReporter
from tswizard.core.split.ledger import queue
from tswizard.core.split.ledger.queue import OPEN, StoredPiece
from tswizard.core.split.plan.piece import Piece, PieceKind, SourceTable

BARE = "pg_catalog"
"""The search path otherwise."""

_BATCH = 25
"""Chunks made in one transaction: each takes locks, and a server has only so many."""


async def create_chunks(
    target: Connection,
    tables: tuple[SourceTable, ...],
    reporter: CopyReporter,
    where: str,
    on_progress: Callable[[int, int, str], None],
) -> None:
    """Make every chunk that a waiting piece goes into, and note it with the piece.

    Where a chunk cannot be made its rows are routed through the hypertable: named, not lost.
    Raises psycopg.Error for transient errors.
    """
    wanted = list(_unmade(await queue.read_pieces(target)))
    shape = await read_shape(target)
    function = _function(shape)
    path = await dimension_path(target)
    routed: dict[str, list[str]] = {}
    for first in range(0, len(wanted), _BATCH):
        await reporter.going.wait()
        some = wanted[first : first + _BATCH]
        on_progress(first, len(wanted), tables[some[0][0].table_index].label)
        async with target.transaction():
            await target.execute("SELECT set_config('search_path', %s, true)", (path,))
            made = []
            for pieces in some:
                table = tables[pieces[0].table_index]
                chunk = await _make(target, function, table, pieces[0])
                if isinstance(chunk, str):
                    routed.setdefault(table.label, []).append(f"{pieces[0].name}: {chunk}")
                    continue
                made += [replace(piece, target_chunk=chunk) for piece in pieces]
            await target.execute(f"SET LOCAL search_path = {BARE}")
            await queue.save_pieces(target, made)
    on_progress(len(wanted), len(wanted), "")
    if routed:
        reporter.found(_routed(routed, where))


def _unmade(known: list[StoredPiece]) -> Iterator[tuple[Piece, ...]]:
    """The pieces of each chunk that has none on the target yet."""
    chunks = [
        k.piece
        for k in known
        if k.piece.kind in (PieceKind.CHUNK, PieceKind.COMPRESS)
        and k.piece.dimension_slices
        and k.piece.target_chunk is None
        and k.state in OPEN
        and k.rows is None
    ]
    for _, pieces in groupby(
        sorted(chunks, key=lambda p: (p.table_index, queue.relation_key(p))), key=queue.relation_key
    ):
        yield tuple(pieces)


def _function(shape: Shape) -> str | None:
    """create_chunk's qualified name: its schema changed in 2.12."""
    name = shape.function("create_chunk")
    return name if name in shape.functions else None


async def dimension_path(target: Connection) -> str:
    """The search path on which TimescaleDB finds the operators of all dimensions' types.

    It writes a chunk's constraints with operators by their bare names, so those of a base type
    that a user made must be on the search path of whoever makes a chunk, by create_chunk() or by
    a row that belongs into one.
    """
    schemas = await rows(
        target,
        """SELECT DISTINCT quote_ident(n.nspname)
             FROM timescaledb_information.dimensions d
             JOIN pg_type t ON t.oid = d.column_type
             JOIN pg_namespace n ON n.oid = t.typnamespace
            WHERE n.nspname <> 'pg_catalog'
            ORDER BY 1""",
    )
    return ", ".join([BARE, *(schema for (schema,) in schemas)])


async def _make(
    target: Connection, function: str | None, table: SourceTable, piece: Piece
) -> tuple[str, str] | str:
    """The chunk's schema and name, or why there is none."""
    if function is None:
        return "this TimescaleDB has no create_chunk()"
    query = sql.SQL("SELECT schema_name::text, table_name::text FROM {}(%s, %s::jsonb)").format(
        sql.Identifier(*function.split("."))
    )
    try:
        async with target.transaction():
            found = await rows(target, query, (table.sql.as_string(None), piece.dimension_slices))
    except Error as error:
        if is_transient(error) or refuses_writes(error):
            raise
        return message_of(error)
    return found[0][0], found[0][1]


def _routed(routed: dict[str, list[str]], where: str) -> Finding:
    number = sum(map(len, routed.values()))
    return Finding(
        Level.LOOK,
        "chunks-routed",
        f"{number} chunks could not be made as on the source; their rows are routed through the "
        "hypertable.",
        where=where,
        why="They arrive whole, in chunks of the current interval, which are left uncompressed.",
        todo="Compress them by hand where they were compressed on the source.",
        details=tuple(f"{label} {text}" for label, texts in routed.items() for text in texts),
    )
