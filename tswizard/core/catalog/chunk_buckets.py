"""Where the bulk of a hypertable lies: the bytes of its chunks, added up in buckets of time."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from tswizard.core.catalog.hypertable_model import Chunk, Hypertable

BUCKETS = 40
"""As many as a line of a narrow terminal has room for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChunkBucket:
    """Chunks that begin in one part of the time that a hypertable covers."""

    start: str
    """Of its first chunk, as `Chunk.range_start`; empty where it holds none."""
    chunks: int
    compressed_chunks: int
    bytes: int
    compressed_bytes: int
    """Bytes of those that are compressed."""


def position(moment: str | None) -> float | None:
    """A chunk's bound as a number: seconds since 1970, or the integer itself; None where it is no
    date of the common era, as at the ends of time."""
    if not moment:
        return None
    if moment.lstrip("-").isdigit():
        return float(moment)
    try:
        found = datetime.fromisoformat(moment)
    except ValueError:
        return None
    return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()


def chunk_buckets(table: Hypertable, most: int = BUCKETS) -> tuple[ChunkBucket, ...]:
    """At most so many, equally wide, in order; none without chunks. Chunks at the ends of time are
    in the first or the last one."""
    placed = _placed(table.chunks)
    if not placed:
        return ()
    number = min(most, len({place for place, _ in placed}))
    first, last = placed[0][0], placed[-1][0]
    width = (last - first) / number or 1.0
    filled: list[list[Chunk]] = [[] for _ in range(number)]
    for place, chunk in placed:
        filled[min(number - 1, int((place - first) / width))].append(chunk)
    return tuple(map(_bucket, filled))


def _placed(chunks: Iterable[Chunk]) -> list[tuple[float, Chunk]]:
    """By where they begin; those without a date stand at the nearest end."""
    found = [(position(chunk.range_start), chunk) for chunk in chunks]
    known = [place for place, _ in found if place is not None]
    if not known:
        return [(float(number), chunk) for number, (_, chunk) in enumerate(found)]
    first, last = min(known), max(known)
    placed = [
        (place if place is not None else _end(chunk, first, last), chunk) for place, chunk in found
    ]
    return sorted(placed, key=lambda one: one[0])


def _end(chunk: Chunk, first: float, last: float) -> float:
    start = chunk.range_start or ""
    early = not start or start.startswith("-") or start.endswith("BC")
    return first if early else last


def _bucket(chunks: list[Chunk]) -> ChunkBucket:
    packed = [chunk for chunk in chunks if chunk.compressed]
    return ChunkBucket(
        start=(chunks[0].range_start or "") if chunks else "",
        chunks=len(chunks),
        compressed_chunks=len(packed),
        bytes=sum(chunk.bytes for chunk in chunks),
        compressed_bytes=sum(chunk.bytes for chunk in packed),
    )


def chunk_widths(table: Hypertable) -> int:
    """How many different widths its chunks have, as far as their bounds are dates or numbers."""
    widths = set()
    for chunk in table.chunks:
        start, end = position(chunk.range_start), position(chunk.range_end)
        if start is not None and end is not None:
            widths.add(round(end - start))
    return len(widths)
