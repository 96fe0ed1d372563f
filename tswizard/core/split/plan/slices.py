"""Slices of what is big: ranges of a table's pages or key, time ranges of a chunk."""

from dataclasses import dataclass
from itertools import pairwise

from psycopg import DataError, sql

from tswizard.core.catalog.even_points import (
    INTEGER_KEY,
    INTEGERS,
    TIMES,
    even_points,
    parts_for,
)
from tswizard.core.catalog.hypertable_model import Chunk, Dimension, DimensionKind
from tswizard.core.catalog.time_literals import time_bound
from tswizard.core.db.connection import Connection, rows, value
from tswizard.core.db.intervals import why_no_span

MOST = 100_000
"""Ranges that one chunk may be cut into; a longer one stays whole."""

_PAGES_SCAN = "Tid Range Scan"

_INTERVALS = TIMES | {"uuid": "timestamptz"}
"""Types of dimensions that an interval fits, and of the bounds of their chunks."""


class BadWidth(ValueError):
    """A time range per piece that the server cannot read; one sentence."""


@dataclass(frozen=True, slots=True)
class TableSlices:
    """Conditions of a table's slices; every row meets exactly one."""

    conditions: tuple[str, ...]
    by_ctid: bool
    """They are ranges of the source's pages."""


NOT_SLICED = TableSlices(("",), False)
"""One empty condition: the table is not sliced."""


async def slice_table(
    connection: Connection, oid: int, name: sql.Identifier, size: int
) -> TableSlices:
    """Slices of a big table by page, else by integer key, else none.

    Slices by page need a server that can scan a range of pages (Tid Range Scan, PostgreSQL 14 and
    later), which EXPLAIN tells.
    """
    number = parts_for(size)
    if number < 2:
        return NOT_SLICED
    pages = int(await value(connection, "SELECT pg_catalog.pg_relation_size(%s) / 8192", (oid,)))
    if pages < number:
        return NOT_SLICED
    plan = await rows(
        connection,
        sql.SQL(
            "EXPLAIN SELECT 1 FROM ONLY {} WHERE ctid >= '(0,0)'::tid AND ctid < '(1,0)'::tid"
        ).format(name),
    )
    if any(_PAGES_SCAN in str(line) for (line,) in plan):
        bounds = [f"'({pages * n // number},0)'::pg_catalog.tid" for n in range(1, number)]
        return TableSlices(_ranges("ctid", bounds), True)
    return await _slice_by_key(connection, oid, name, number)


async def _slice_by_key(
    connection: Connection, oid: int, name: sql.Identifier, number: int
) -> TableSlices:
    found = await rows(connection, INTEGER_KEY, (oid,))
    if not found:
        return NOT_SLICED
    column = sql.Identifier(found[0][0])
    low, high = (
        await rows(
            connection, sql.SQL("SELECT min({0}), max({0}) FROM ONLY {1}").format(column, name)
        )
    )[0]
    if low is None or high - low < number:
        return NOT_SLICED
    bounds = [str(low + (high - low) * n // number) for n in range(1, number)]
    return TableSlices(_ranges(column.as_string(None), bounds), False)


def _ranges(column: str, bounds: list[str]) -> tuple[str, ...]:
    """Half-open ranges without gaps; the first and the last are open-ended."""
    first = [f"{column} < {bounds[0]}"]
    middle = [f"{column} >= {low} AND {column} < {high}" for low, high in pairwise(bounds)]
    return tuple(first + middle + [f"{column} >= {bounds[-1]}"])


class ChunkSlicer:
    """Slices chunks by the time range per piece that the user chose, such as `1 day` or `86400`.

    An interval fits dimensions of a timestamp or date type, a number those of an integer type; the
    chunks of other hypertables stay whole. Where no range was chosen (`chunk`), large chunks that
    are not compressed are sliced by time, if `by_size`.
    """

    def __init__(self, connection: Connection, width: str, *, by_size: bool = False) -> None:
        self._connection = connection
        self._width = width.strip()
        self._by_size = by_size
        self._width_is_good = False

    async def slice(self, dimension: Dimension | None, chunk: Chunk) -> tuple[str, ...]:
        """Conditions of the slices of a chunk; one empty condition when it stays whole.

        Raises BadWidth.
        """
        if self._width == "chunk":
            return await self._large(dimension, chunk)
        if (
            dimension is None
            or dimension.kind is not DimensionKind.RANGE
            or dimension.partitioning_function is not None
            or chunk.range_start is None
            or chunk.range_end is None
        ):
            return ("",)
        column = sql.Identifier(dimension.column).as_string(None)
        if dimension.column_type in INTEGERS and self._width.isdecimal():
            low, high = int(chunk.range_start), int(chunk.range_end)
            steps = range(low, high, int(self._width))[1:] if int(self._width) else range(0)
            points = [str(n) for n in steps] if high - low < MOST * int(self._width) else []
        elif (kind := _INTERVALS.get(dimension.column_type)) and not self._width.isdecimal():
            points = await self._times(kind, chunk)
        else:
            return ("",)
        if not points:
            return ("",)
        return _ranges(column, [time_bound(dimension.column_type, point) for point in points])

    async def _large(self, dimension: Dimension | None, chunk: Chunk) -> tuple[str, ...]:
        if not self._by_size or chunk.compressed:
            return ("",)
        size = chunk.bytes - chunk.index_bytes
        points = await even_points(self._connection, chunk.schema, chunk.name, dimension, size)
        if not points or dimension is None:
            return ("",)
        column = sql.Identifier(dimension.column).as_string(None)
        return _ranges(column, [time_bound(dimension.column_type, point) for point in points])

    async def _times(self, kind: str, chunk: Chunk) -> list[str]:
        """None for a chunk at the ends of time, whose bounds or the sums of which are no times of
        that type: it is one piece."""
        await self._check_width()
        if "infinity" in f"{chunk.range_start}{chunk.range_end}":
            return []
        bounds = (chunk.range_start, chunk.range_end, self._width)
        query = _BOUNDARIES.format(kind=kind, most=MOST)
        try:
            async with self._connection.transaction():  # a savepoint: the snapshot must survive
                found = await rows(self._connection, query, bounds)
        except DataError:
            return []
        return [text for text, _ in found] if len(found) <= MOST else []

    async def _check_width(self) -> None:
        """Raises BadWidth for what is no interval, or none that leads anywhere."""
        if self._width_is_good:
            return
        if why := await why_no_span(self._connection, self._width):
            raise self._bad_width(why)
        self._width_is_good = True

    def _bad_width(self, why: str) -> BadWidth:
        return BadWidth(
            f'"{self._width}" is not a valid time range per piece ({why}); '
            'use "chunk", an interval such as "1 day", or a whole number.'
        )


# The interval is added in UTC, where every day has 24 hours. More than MOST of them count as none.
_BOUNDARIES = """
SELECT DISTINCT g::pg_catalog.{kind}::text, g::pg_catalog.{kind}
FROM (SELECT %s::pg_catalog.{kind} AS low, %s::pg_catalog.{kind} AS high,
             %s::pg_catalog.interval AS step) w,
  pg_catalog.generate_series(w.low + w.step, w.high, w.step) g
WHERE g::pg_catalog.{kind} > w.low AND g::pg_catalog.{kind} < w.high
ORDER BY 2 LIMIT {most} + 1
"""
