"""Chunks are created on the target with the source's own dimension slices, before their rows.

So old chunks keep their interval, rows go straight into their chunk without being routed, and
pieces of one hypertable do not wait for each other's locks.
"""

from collections.abc import Iterator
from dataclasses import replace
from itertools import groupby

from psycopg import Error, sql

from tswizard.core.catalog.catalog_shape import Shape, read_shape
from tswizard.core.db.connection import Connection, rows
from tswizard.core.db.errors import is_transient, message_of, refuses_writes
from tswizard.core.model.finding import Finding, Level
from tswizard.core.model.wording import plural
from tswizard.core.split.copy.reporter import CopyReporter
from tswizard.core.split.ledger import queue
from tswizard.core.split.ledger.queue import UNFINISHED
from tswizard.core.split.plan.piece import (
    Piece,
    PieceKind,
    SourceTable,
    StoredPiece,
    relation_key,
)

BARE_SEARCH_PATH = "pg_catalog"
"""The search path of all sessions that need no other."""

_BATCH = 25
"""Chunks created per transaction: each takes locks, of which a server has a limited number."""


async def create_chunks(
    target: Connection,
    tables: tuple[SourceTable, ...],
    reporter: CopyReporter,
    where: str,
) -> None:
    """Create every chunk that an unfinished piece goes into, and store its name with the piece.

    If a chunk cannot be created, its rows are routed through the hypertable, which a finding
    names. Raises psycopg.Error for transient errors.
    """
    wanted = list(_without_chunk(await queue.read_pieces(target), tables))
    shape = await read_shape(target)
    function = _function(shape)
    path = await dimension_search_path(target)
    routed: dict[str, list[str]] = {}
    for first in range(0, len(wanted), _BATCH):
        await reporter.going.wait()
        some = wanted[first : first + _BATCH]
        reporter.progress(first, len(wanted), tables[some[0][0].table_index].label)
        async with target.transaction():
            await target.execute("SELECT set_config('search_path', %s, true)", (path,))
            created = []
            for pieces in some:
                table = tables[pieces[0].table_index]
                chunk = await _create_chunk(target, function, table, pieces[0])
                if isinstance(chunk, str):
                    routed.setdefault(table.label, []).append(f"{pieces[0].name}: {chunk}")
                    continue
                created += [replace(piece, target_chunk=chunk) for piece in pieces]
            await target.execute(f"SET LOCAL search_path = {BARE_SEARCH_PATH}")
            await queue.save_pieces(target, created)
    reporter.progress(len(wanted), len(wanted), "")
    if routed:
        reporter.found(_routed(routed, where))


def _without_chunk(
    stored: list[StoredPiece], tables: tuple[SourceTable, ...]
) -> Iterator[tuple[Piece, ...]]:
    """The pieces of each chunk that the target lacks."""
    chunks = [
        s.piece
        for s in stored
        if s.piece.kind in (PieceKind.CHUNK, PieceKind.COMPRESS)
        and s.piece.dimension_slices
        and not tables[s.piece.table_index].routed
        and s.piece.target_chunk is None
        and s.state in UNFINISHED
        and s.rows is None
    ]
    for _, pieces in groupby(
        sorted(chunks, key=lambda p: (p.table_index, relation_key(p))), key=relation_key
    ):
        yield tuple(pieces)


def _function(shape: Shape) -> str | None:
    """Qualified name of create_chunk(), whose schema changed in TimescaleDB 2.12."""
    name = shape.function("create_chunk")
    return name if name in shape.functions else None


async def dimension_search_path(target: Connection) -> str:
    """The search path with which TimescaleDB finds the operators of all dimensions' types.

    It writes a chunk's constraints with unqualified operators, so the schemas of user-defined base
    types must be on the search path of a session that creates a chunk, by create_chunk() or by
    inserting a row.
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
    return ", ".join([BARE_SEARCH_PATH, *(schema for (schema,) in schemas)])


async def _create_chunk(
    target: Connection, function: str | None, table: SourceTable, piece: Piece
) -> tuple[str, str] | str:
    """The chunk's schema and name, or why it cannot be created."""
    if function is None:
        return "this TimescaleDB has no create_chunk()"
    query = sql.SQL("SELECT schema_name::text, table_name::text FROM {}(%s, %s::jsonb)").format(
        sql.Identifier(*function.split("."))
    )
    try:
        async with target.transaction():
            found = await rows(
                target, query, (table.target_sql.as_string(None), piece.dimension_slices)
            )
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
        f"{plural(number, 'chunk')} could not be created as on the source: rows are routed through "
        "the hypertable.",
        where=where,
        why="All rows are copied, into chunks of the current interval, which stay uncompressed.",
        todo="Compress those chunks by hand where the source's were compressed.",
        details=tuple(f"{label} {text}" for label, texts in routed.items() for text in texts),
    )
