"""The ranges in which a hypertable is compared.

The starts of the source's chunks in the primary dimension cut the whole axis, from before the
first chunk to beyond the last, into half-open ranges. So every row is in exactly one of them, on
source and target alike, whatever chunks the target has. Rows in a gap between two chunks, if there
were any, belong to the range before it.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from psycopg import sql

from tswizard.core.catalog.hypertable_model import Chunk, Dimension, DimensionKind
from tswizard.core.catalog.time_literals import has_time_literals, time_bound

GROUP_BYTES = 64 << 20
GROUP_CHUNKS = 64
"""Small neighboring ranges are read together: up to this much in one query."""


@dataclass(frozen=True, slots=True)
class Range:
    """A half-open range of the primary dimension; None is unbounded."""

    start: str | None
    end: str | None
    chunks: tuple[Chunk, ...] = ()
    """Chunks of the source that start where it starts."""
    share: int | None = None
    """Bytes of a part of what lies between two such starts; None for all of it."""

    @property
    def bytes(self) -> int:
        return sum(chunk.bytes for chunk in self.chunks) if self.share is None else self.share

    @property
    def text(self) -> str:
        """`[start, end)`; empty for everything."""
        if self.start is None and self.end is None:
            return ""
        left = "(-∞" if self.start is None else f"[{self.start}"
        right = "+∞)" if self.end is None else f"{self.end})"
        return f"{left}, {right}"


WHOLE = Range(None, None)


def cuts(dimension: Dimension | None) -> bool:
    """Can ranges of this dimension be written in SQL? Not with a partitioning function."""
    return (
        dimension is not None
        and dimension.kind is DimensionKind.RANGE
        and dimension.partitioning_function is None
        and has_time_literals(dimension.column_type)
    )


def ranges_of(chunks: Iterable[Chunk]) -> tuple[Range, ...]:
    """The whole axis, cut at the start of each chunk. `chunks` are ordered by their starts."""
    groups: dict[str, list[Chunk]] = {}
    for chunk in chunks:
        if chunk.range_start is not None and not chunk.tiered:
            groups.setdefault(chunk.range_start, []).append(chunk)
    starts = [None, *groups]
    ends = [*groups, None]
    return tuple(
        Range(start, end, tuple(groups[start]) if start is not None else ())
        for start, end in zip(starts, ends, strict=True)
    )


def cut_further(cut: Iterable[Range], points: Mapping[str | None, Sequence[str]]) -> list[Range]:
    """The ranges, those that start at a key of `points` cut at these."""
    found = []
    for span in cut:
        inside = points.get(span.start, ())
        share = span.bytes // (len(inside) + 1) if inside else span.share
        bounds = (span.start, *inside, span.end)
        found += [Range(start, end, span.chunks, share) for start, end in pairwise(bounds)]
    return found


def grouped(cut: Iterable[Range]) -> tuple[tuple[Range, ...], ...]:
    """Neighboring ranges grouped until they are worth a query."""
    groups: list[list[Range]] = []
    size = chunks = 0
    for span in cut:
        full = size + span.bytes > GROUP_BYTES or chunks + len(span.chunks) > GROUP_CHUNKS
        if not groups or (full and (size or chunks)):
            groups.append([])
            size = chunks = 0
        groups[-1].append(span)
        size += span.bytes
        chunks += len(span.chunks)
    return tuple(map(tuple, groups))


def joined(group: tuple[Range, ...]) -> Range:
    """One range, from the start of the first to the end of the last."""
    chunks = tuple(c for span in group for c in span.chunks)
    return Range(group[0].start, group[-1].end, chunks, sum(span.bytes for span in group))


def range_condition(dimension: Dimension | None, span: Range) -> sql.Composable:
    """SQL: the row `t` is in this range. Literals, so that the planner excludes chunks."""
    if dimension is None or (span.start is None and span.end is None):
        return sql.SQL("true")
    column = sql.Identifier("t", dimension.column)
    kind = dimension.column_type
    bounds = [
        sql.SQL("{} {} {}").format(column, sql.SQL(operator), sql.SQL(time_bound(kind, bound)))
        for operator, bound in ((">=", span.start), ("<", span.end))
        if bound is not None
    ]
    return sql.SQL(" AND ").join(bounds)
