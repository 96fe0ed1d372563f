"""How much disk a migration takes, here and on the target: the one estimate of it.

Preflight, the method's facts and Review all take their figures from here. Nobody knows the size
of a dump before it is made, so what is needed here is given as bounds.
"""

from dataclasses import dataclass

from tswizard.core.catalog.inventory import Inventory

_DUMP_MOST = 1.25
"""Of the bytes stored without indexes. Rows grow as text and shrink again compressed, mostly below
what they took; a quarter more is for what hardly compresses."""
_DUMP_LEAST = 0.05
"""Of the same: what compresses better than 20 to 1 is rare."""
_STORED_COMPRESSED = 0.5
"""Of the bytes of compressed chunks: they hardly shrink any further in a dump."""
_FILES_LEAST = 0.5
"""Binary COPY drops row headers and alignment, which can be half of narrow rows."""
_DECOMPRESSED = 20
"""Files hold the rows of compressed chunks uncompressed. TimescaleDB compresses by 90 to 95 percent
where it fits the data, so a chunk may be twenty times as large in a file."""
_TARGET = 1.3
"""Of everything as stored: rows and indexes once more, sorting for the indexes, WAL."""
_OVERHEAD = 1 << 20
"""Bytes of headers and tables of contents, whatever the rows."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """Bytes that something takes: hardly less than `least`, hardly more than `most`."""

    least: int
    most: int


def dump_bounds(inventory: Inventory) -> Bounds:
    """A compressed dump of everything."""
    most = int(inventory.dump_bytes * _DUMP_MOST) + _OVERHEAD
    least = max(
        int(_compressed(inventory) * _STORED_COMPRESSED),
        int(inventory.dump_bytes * _DUMP_LEAST),
    )
    return Bounds(min(least, most), most)


def row_file_bounds(inventory: Inventory) -> Bounds:
    """All rows as files of binary COPY, which are not compressed."""
    compressed = _compressed(inventory)
    plain = max(inventory.dump_bytes - compressed, 0)
    return Bounds(
        int(plain * _FILES_LEAST) + compressed,
        int(plain * _DUMP_MOST) + compressed * _DECOMPRESSED + _OVERHEAD,
    )


def target_bytes(inventory: Inventory) -> int:
    """What should be free on the target before the run."""
    return int(inventory.stored_bytes * _TARGET)


def _compressed(inventory: Inventory) -> int:
    return sum(c.bytes for h in inventory.hypertables for c in h.chunks if c.compressed)
