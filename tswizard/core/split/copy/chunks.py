"""Chunks are created on the target with the source's own dimension slices, before their rows.

So old chunks keep their interval, rows go straight into their chunk without being routed, and
pieces of one hypertable do not wait for each other's locks.
"""

from collections.abc import Iterator, Sequence
from itertools import groupby

from psycopg import Error, sql

from tswizard.core.catalog.catalog_shape import Shape, read_shape
from tswizard.core.db.connection import Connection, rows
from tswizard.core.db.errors import is_transient, message_of, refuses_writes
from tswizard.core.model.events import Unit
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

_BATCH = 100
"""Chunks created by one statement: each takes locks (on itself, its TOAST table, its indexes, and
what its foreign keys point to), of which a server has a limited number."""

# In one statement a chunk's name is stored with its pieces as soon as the chunk is there.
_CREATE = """
SELECT pg_catalog.set_config('search_path', {path}, true);
WITH wanted AS (
  SELECT * FROM ROWS FROM (
    pg_catalog.unnest({relations}::text[]), pg_catalog.unnest({hypertables}::regclass[]),
    pg_catalog.unnest({slices}::jsonb[])) AS w (relation, hypertable, slices)
), made AS MATERIALIZED (
  SELECT w.relation, c.schema_name, c.table_name
  FROM wanted w CROSS JOIN LATERAL {create_chunk}(w.hypertable, w.slices) c
)
UPDATE _tswizard.piece p SET spec = pg_catalog.jsonb_set(p.spec, '{{target_chunk}}',
  pg_catalog.jsonb_build_array(m.schema_name, m.table_name))
FROM made m
WHERE p.relation = m.relation AND p.kind IN ('chunk', 'compress') AND p.rows IS NULL
  AND p.state = ANY ({unfinished}) AND p.spec ->> 'target_chunk' IS NULL
"""


async def create_chunks(
    target: Connection,
    tables: tuple[SourceTable, ...],
    reporter: CopyReporter,
    where: str,
) -> None:
    """Create every chunk that an unfinished piece goes into, and store its name with its pieces.

    If a chunk cannot be created, its rows are routed through the hypertable, which a finding
    names. Raises psycopg.Error for transient errors.
    """
    wanted = list(_without_chunk(await queue.read_pieces(target), tables))
    function = _function(await read_shape(target))
    path = await dimension_search_path(target)
    routed: dict[str, list[str]] = {}
    for first in range(0, len(wanted), _BATCH):
        await reporter.going.wait()
        some = wanted[first : first + _BATCH]
        reporter.progress(first, len(wanted), tables[some[0].table_index].label, Unit.ITEMS)
        for piece, why in await _create_batch(target, function, path, tables, some):
            routed.setdefault(tables[piece.table_index].label, []).append(f"{piece.name}: {why}")
    reporter.progress(len(wanted), len(wanted), "", Unit.ITEMS)
    if routed:
        reporter.found(_routed(routed, where))


async def _create_batch(
    target: Connection,
    function: str | None,
    path: str,
    tables: tuple[SourceTable, ...],
    pieces: Sequence[Piece],
) -> list[tuple[Piece, str]]:
    """Create the chunks of these pieces, each of another chunk: all by one statement, or each by
    one of its own if it fails. The pieces whose chunks the server refuses, and why."""
    if function is None:
        return [(piece, "this TimescaleDB has no create_chunk()") for piece in pieces]
    targets = [tables[piece.table_index].target_sql.as_string(None) for piece in pieces]
    create = sql.SQL(_CREATE).format(
        path=path,
        relations=[relation_key(piece) for piece in pieces],
        hypertables=targets,
        slices=[piece.dimension_slices for piece in pieces],
        unfinished=list(UNFINISHED),
        create_chunk=sql.Identifier(*function.split(".")),
    )
    try:
        await target.execute(create)  # without parameters: both statements in one round trip
    except Error as error:
        if is_transient(error) or refuses_writes(error):
            raise
        if len(pieces) == 1:
            return [(pieces[0], message_of(error))]
    else:
        return []
    return [
        refused
        for piece in pieces
        for refused in await _create_batch(target, function, path, tables, [piece])
    ]


def _without_chunk(stored: list[StoredPiece], tables: tuple[SourceTable, ...]) -> Iterator[Piece]:
    """A piece of each chunk that the target lacks."""
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
        yield next(pieces)


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
