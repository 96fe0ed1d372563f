"""Bars of text: how much of a hypertable is compressed, and where its bulk lies over time."""

from collections.abc import Iterator

from tswizard.core.catalog.chunk_buckets import BUCKETS, chunk_buckets
from tswizard.core.catalog.hypertable_model import Hypertable
from tswizard.core.model.wording import plural, size

_HEIGHTS = " ▁▂▃▄▅▆▇█"


def share_bar(part: float, whole: float, width: int) -> str:
    """`████░░░░`: what part of the whole it is; a part that is not nothing shows."""
    full = round(width * part / whole) if whole else 0
    if 0 < part < whole:
        full = min(max(full, 1), width - 1)
    return "█" * full + "░" * (width - full)


def heights(amounts: list[int]) -> str:
    """One character for each amount, the tallest for the largest; what is not nothing shows."""
    most = max(amounts, default=0)
    top = len(_HEIGHTS) - 1
    return "".join(
        _HEIGHTS[max(1, round(top * amount / most))] if amount else " " for amount in amounts
    )


def bulk_lines(table: Hypertable, width: int) -> Iterator[str]:
    """What is under the table of hypertables: totals, bytes over time, the compressed share.
    Never more than `width` characters and four lines, however many chunks there are."""
    if not table.chunks:
        yield f"{table.label} has no chunks"
        return
    buckets = chunk_buckets(table, max(1, min(width, 2 * BUCKETS)))
    wide = width // len(buckets)
    largest = max(bucket.bytes for bucket in buckets)
    stored = sum(chunk.bytes for chunk in table.chunks)
    packed = sum(bucket.compressed_bytes for bucket in buckets)
    yield (
        f"{table.label}: {size(stored)} in {plural(len(table.chunks), 'chunk')}, "
        f"tallest bar {size(largest)}"
    )
    yield "".join(mark * wide for mark in heights([bucket.bytes for bucket in buckets]))
    first, last = (_day(buckets[place].start) for place in (0, -1))
    room = wide * len(buckets)
    both = f"{first}{last:>{room - len(first)}}" if len(first) + len(last) < room else first
    yield both if len(buckets) > 1 else first
    yield (
        f"compressed {share_bar(table.compressed_chunks, len(table.chunks), 12)} "
        f"{percent(table.compressed_chunks, len(table.chunks))} of the chunks, "
        f"{percent(packed, stored)} of the bytes"
    )


def percent(part: float, whole: float) -> str:
    """`83%`; 0 and 100 only where it is exactly that."""
    if not whole:
        return "0%"
    share = round(100 * part / whole)
    if 0 < part < whole:
        share = min(max(share, 1), 99)
    return f"{share}%"


def _day(moment: str) -> str:
    """Without the time of day, where it is a date."""
    return moment.partition(" ")[0] if moment[4:5] == "-" else moment
