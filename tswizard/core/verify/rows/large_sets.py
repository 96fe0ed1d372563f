"""Large tables and chunks are compared in parts, on several connections.

The parts are ranges of values, which mean the same on both databases: of the primary dimension for
a chunk, of an integer key for a table.
"""

from collections.abc import Sequence
from dataclasses import replace

from psycopg import Error

from tswizard.core.catalog.even_points import (
    INTEGER_KEY,
    column_points,
    even_points,
    parts_for,
)
from tswizard.core.catalog.hypertable_model import Chunk, Dimension, DimensionKind
from tswizard.core.db.connection import Connection, rows, value
from tswizard.core.db.errors import is_transient
from tswizard.core.db.identifiers import identifier, qualified
from tswizard.core.verify.rows.ranges import cuts, ranges_of
from tswizard.core.verify.rows.row_sets import RowSet, SetKind


async def cut_large(connection: Connection, sets: Sequence[RowSet]) -> tuple[RowSet, ...]:
    """The sets, with the points at which the large ones are cut; for the source. Raises
    psycopg.Error for transient errors."""
    return tuple([await _cut(connection, one) if _is_large(one) else one for one in sets])


def _is_large(one: RowSet) -> bool:
    if one.kind is SetKind.TABLE:
        return parts_for(one.bytes) > 1
    return cuts(one.dimension) and any(parts_for(_heap(chunk)) > 1 for chunk in one.chunks)


def _heap(chunk: Chunk) -> int:
    return chunk.bytes - chunk.index_bytes


async def _cut(connection: Connection, one: RowSet) -> RowSet:
    cut = _by_key if one.kind is SetKind.TABLE else _by_time
    try:
        async with connection.transaction():
            return await cut(connection, one)
    except Error as error:
        if is_transient(error):
            raise
        return one  # the comparison says what is wrong with it


async def _by_key(connection: Connection, one: RowSet) -> RowSet:
    oid = await value(
        connection, "SELECT %s::pg_catalog.regclass::oid", (qualified(one.schema, one.table),)
    )
    found = await rows(connection, INTEGER_KEY, (oid,))
    if not found:
        return one
    column, kind = found[0]
    points = await column_points(connection, one.schema, one.table, column, kind, one.bytes)
    if not points:
        return one
    key = Dimension(
        number=1,
        column=column,
        quoted=identifier(column),
        column_type=kind,
        kind=DimensionKind.RANGE,
        interval=None,
        partitions=None,
        partitioning_function=None,
        integer_now=None,
    )
    return replace(one, key=key, points=((None, points),))


async def _by_time(connection: Connection, one: RowSet) -> RowSet:
    """One chunk between two starts is cut where its rows are. Not a compressed one: its batches do
    not tell how many rows lie where, and it is smaller than it would be by its rows."""
    points = []
    for span in ranges_of(one.chunks):
        if len(span.chunks) != 1 or span.chunks[0].compressed:
            continue
        (chunk,) = span.chunks
        found = await even_points(
            connection, chunk.schema, chunk.name, one.dimension, _heap(chunk), below=span.end
        )
        if found:
            points.append((span.start, found))
    return replace(one, points=tuple(points))
