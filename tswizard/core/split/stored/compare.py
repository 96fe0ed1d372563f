"""Compressed rows compared as they are stored, on both databases, and a sample of what is found by
the metadata beside them.

The bytes of equal batches are equal whatever the versions: compressed values are sent in a
canonical form. That proves the bytes, not that the target finds the rows behind them; so filters
and orderings over columns with metadata are run on some chunks.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from psycopg import sql

from tswizard.core.db.concurrency import both
from tswizard.core.db.connection import Connection, Statement, batch, rows, value
from tswizard.core.db.identifiers import qualified
from tswizard.core.split.plan.packed import StoredLayout, Way
from tswizard.core.split.plan.piece import (
    Piece,
    PieceKind,
    PieceState,
    SourceTable,
    StoredPiece,
    stored_layout,
)
from tswizard.core.split.stored.layout import METADATA
from tswizard.core.verify.database_reader import DatabaseReader
from tswizard.core.verify.rows.checksum import hash_of

_BATCH = 50
"""Chunks compared by one query."""
_SAMPLE = 3
"""Chunks of each hypertable and layout whose filters and orderings are compared: the smallest,
since each question may decompress all of a chunk."""
_ROWS = 1000
"""Rows of an ordering that are compared, from each end."""

_SEND = """
SELECT t.typsend::pg_catalog.regproc::text FROM pg_catalog.pg_type t
WHERE t.typname = 'compressed_data' AND t.typnamespace = '_timescaledb_internal'::regnamespace
"""


@dataclass(frozen=True, slots=True)
class StoredDifference:
    """A chunk whose compressed rows are not what the source has."""

    table: SourceTable
    piece: Piece
    what: str

    @property
    def label(self) -> str:
        return f"{self.table.label} {self.piece.name}: {self.what}"


def as_stored(stored: Iterable[StoredPiece]) -> list[Piece]:
    """Pieces that were copied as stored and left so."""
    return [
        s.piece
        for s in stored
        if s.state is PieceState.DONE
        and s.piece.kind is PieceKind.CHUNK
        and s.piece.shell is not None
        and s.piece.shell.way is Way.STORED
    ]


async def compare_bytes(
    source: DatabaseReader,
    target: DatabaseReader,
    tables: Sequence[SourceTable],
    pieces: Sequence[Piece],
) -> list[StoredDifference]:
    """Those of these pieces whose batches differ. Raises VerifyStopped, psycopg.Error."""
    if not pieces:
        return []
    ours, theirs = await both(source.run(_send), target.run(_send))
    differing = []
    for first in range(0, len(pieces), _BATCH):
        some = pieces[first : first + _BATCH]
        here, there = await both(
            source.fetch(_digests(tables, some, ours, on_source=True)),
            target.fetch(_digests(tables, some, theirs, on_source=False)),
        )
        found, expected = dict(_keyed(there)), dict(_keyed(here))
        differing += [
            StoredDifference(tables[piece.table_index], piece, "other compressed rows")
            for piece in some
            if found[piece.id] != expected[piece.id]
        ]
    return differing


async def _send(connection: Connection) -> str:
    return str(await value(connection, _SEND))


def _keyed(found: list[tuple[int, ...]]) -> list[tuple[int, tuple[int, ...]]]:
    return [(row[0], row[1:]) for row in found]


def _digests(
    tables: Sequence[SourceTable], pieces: Sequence[Piece], send: str, *, on_source: bool
) -> sql.Composed:
    """Id of the piece, batches, rows and digest of each piece."""
    return sql.SQL(" UNION ALL ").join(
        _digest(_layout(tables, piece), piece, send, on_source=on_source) for piece in pieces
    )


def _layout(tables: Sequence[SourceTable], piece: Piece) -> StoredLayout:
    layout = stored_layout(tables[piece.table_index], piece)
    assert layout is not None
    return layout


def _digest(layout: StoredLayout, piece: Piece, send: str, *, on_source: bool) -> sql.Composed:
    assert piece.packed is not None
    assert piece.shell is not None
    values = []
    for column in layout.columns:
        if column.name.startswith((f"{METADATA}v2_bloom", f"{METADATA}sequence_num")):
            continue
        one: sql.Composable = sql.Identifier(column.name)
        if on_source:
            one = sql.SQL(column.expression)
        shape = "pg_catalog.md5({send}({one}))" if column.compressed else "({one})::text"
        values.append(sql.SQL(shape).format(send=sql.SQL(send), one=one))
    relation = piece.packed if on_source else piece.shell
    return sql.SQL(
        "SELECT {}::int, pg_catalog.count(*), pg_catalog.sum(_ts_meta_count), {} FROM ONLY {}"
    ).format(
        piece.id,
        hash_of(sql.SQL("ROW({})::text").format(sql.SQL(", ").join(values))),
        sql.Identifier(relation.schema, relation.name),
    )


async def compare_found(
    source: DatabaseReader,
    target: DatabaseReader,
    tables: Sequence[SourceTable],
    pieces: Iterable[Piece],
) -> tuple[int, list[StoredDifference]]:
    """Filters and orderings over columns with metadata, on some chunks of each hypertable: how many
    were compared, and what gave something else. Raises VerifyStopped, psycopg.Error."""
    asked = await _columns_to_ask(source, _sample(pieces))
    compared, differing = 0, list[StoredDifference]()
    for first in range(0, len(asked), _AT_ONCE):
        some = asked[first : first + _AT_ONCE]
        values = await _ask(source, [_values(piece, column) for piece, column in some])
        known = [(*one, row[0]) for one, row in zip(some, values, strict=True) if row]
        here, there = await both(
            _ask(source, [_questions(p.relation, column, found) for p, column, found in known]),
            _ask(
                target,
                [
                    _questions(sql.Identifier(*_chunk(p)), column, found)
                    for p, column, found in known
                ],
            ),
        )
        compared += len(known)
        differing += [
            StoredDifference(
                tables[piece.table_index],
                piece,
                f"other rows are found by {column}, or in another order",
            )
            for (piece, column, _), ours, theirs in zip(known, here, there, strict=True)
            if ours != theirs
        ]
    return compared, differing


_AT_ONCE = 32
"""Columns whose questions share a round trip."""
_ONE_PROCESS = "SET max_parallel_workers_per_gather = 0"


async def _ask(
    reader: DatabaseReader, queries: Sequence[sql.Composed]
) -> list[list[tuple[Any, ...]]]:
    """The rows of each query, by one process: with several, 2.11 gives other rows of a chunk that
    also has rows that are not compressed."""

    async def ask(connection: Connection) -> list[list[tuple[Any, ...]]]:
        asked: list[Statement] = [(_ONE_PROCESS, None), *((query, None) for query in queries)]
        return (await batch(connection, asked))[1:]

    return await reader.run(ask)


def _sample(pieces: Iterable[Piece]) -> list[Piece]:
    """The smallest ones of each table and layout."""
    alike: dict[tuple[int, int], list[Piece]] = {}
    for piece in sorted(pieces, key=lambda p: (p.bytes, p.id)):
        assert piece.shell is not None
        alike.setdefault((piece.table_index, piece.shell.layout), []).append(piece)
    return [piece for some in alike.values() for piece in some[:_SAMPLE]]


def _chunk(piece: Piece) -> tuple[str, str]:
    assert piece.target_chunk is not None
    return piece.target_chunk


async def _columns_to_ask(
    source: DatabaseReader, pieces: Sequence[Piece]
) -> list[tuple[Piece, str]]:
    """Columns of chunks that have a minimum and a maximum, and can be ordered.

    Which orderby column `_ts_meta_min_1` belongs to is told by its values' type alone, so all
    columns of the types that metadata has are asked.
    """
    chunks = [piece.relation.as_string(None) for piece in pieces]
    packed = [qualified(p.packed.schema, p.packed.name) for p in pieces if p.packed]

    async def read(connection: Connection) -> list[tuple[int, str]]:
        return await rows(connection, _ORDERED, (chunks, packed))

    return [(pieces[number - 1], column) for number, column in await source.run(read)]


_ORDERED = """
SELECT w.number, a.attname::text
FROM ROWS FROM (pg_catalog.unnest(%s::text[]), pg_catalog.unnest(%s::text[])) WITH ORDINALITY
  AS w (chunk, packed, number)
JOIN pg_catalog.pg_attribute a ON a.attrelid = w.chunk::pg_catalog.regclass
WHERE a.attnum > 0 AND NOT a.attisdropped
  AND EXISTS (SELECT FROM pg_catalog.pg_opclass o JOIN pg_catalog.pg_am m ON m.oid = o.opcmethod
              WHERE m.amname = 'btree' AND o.opcdefault AND o.opcintype = a.atttypid)
  AND a.atttypid IN (SELECT z.atttypid FROM pg_catalog.pg_attribute z
    WHERE z.attrelid = w.packed::pg_catalog.regclass
      AND z.attname ~ '^_ts_meta_(v2_)?(min|first)')
ORDER BY w.number, a.attnum
"""


def _values(piece: Piece, column: str) -> sql.Composed:
    """The smallest value, one of the others and the largest as text, and their type. In order: not
    every type that has an order has min()."""
    name = sql.Identifier(column)
    return sql.SQL(
        "SELECT (SELECT o.{c}::text FROM {t} o ORDER BY o.{c} LIMIT 1), "
        "(SELECT o.{c}::text FROM {t} o LIMIT 1), "
        "(SELECT o.{c}::text FROM {t} o ORDER BY o.{c} DESC NULLS LAST LIMIT 1), "
        "pg_catalog.format_type(a.atttypid, a.atttypmod) FROM pg_catalog.pg_attribute a "
        "WHERE a.attrelid = {r}::pg_catalog.regclass AND a.attname = {n} "
        "AND EXISTS (SELECT FROM {t})"
    ).format(
        c=name,
        t=piece.relation,
        r=sql.Literal(piece.relation.as_string(None)),
        n=sql.Literal(column),
    )


def _questions(relation: sql.Identifier, column: str, found: tuple[Any, ...]) -> sql.Composed:
    """How many rows are at, below and above each value, and the first and last values in order.
    `found` is what `_values` gives."""
    name, kind = sql.Identifier(column), sql.SQL(found[3])
    counts = [
        sql.SQL("(SELECT pg_catalog.count(*) FROM {} t WHERE {} {} {}::{})").format(
            relation, name, sql.SQL(operator), sql.Literal(text), kind
        )
        for text in dict.fromkeys(found[:3])
        if text is not None
        for operator in ("=", "<", ">=")
    ]
    ordered = [
        sql.SQL(
            "(SELECT pg_catalog.md5(pg_catalog.string_agg(COALESCE(o.v::text, ''), ',')) FROM "
            "(SELECT {c} AS v FROM {t} t ORDER BY {c} {d} LIMIT {n}) o)"
        ).format(c=name, t=relation, d=sql.SQL(direction), n=_ROWS)
        for direction in ("ASC", "DESC")
    ]
    return sql.SQL("SELECT {}").format(sql.SQL(", ").join([*counts, *ordered]))
