"""Which entries of the dump are sent together, in one transaction (`send_entries.py`).

Not those that take long, but for a single one: pg_restore carries them out on several connections,
and an error in one would undo another that took an hour.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from tswizard.core.catalog.inventory import Inventory, TableKind
from tswizard.core.dump.send_entries import ENTRIES_AT_ONCE
from tswizard.core.dump.toc import DumpEntry, Toc, in_order_of_restore

CHUNKS = 500
"""In one lot, each time that one gets an index or a constraint."""
BYTES = 32 << 20
"""The same of their tables."""

_READS_ROWS = frozenset({"INDEX", "CONSTRAINT", "FK CONSTRAINT", "CHECK CONSTRAINT"})
_TABLES = frozenset({"TABLE", "MATERIALIZED VIEW"})


@dataclass(frozen=True, slots=True)
class Weight:
    """What an entry, or a lot, goes through."""

    entries: int = 1
    chunks: int = 0
    bytes: int = 0

    def __add__(self, other: "Weight") -> "Weight":
        return Weight(
            self.entries + other.entries, self.chunks + other.chunks, self.bytes + other.bytes
        )

    @property
    def fits(self) -> bool:
        """May it be one lot?"""
        return self.entries <= ENTRIES_AT_ONCE and self.chunks <= CHUNKS and self.bytes <= BYTES


_LONG = Weight(bytes=BYTES + 1)


def quick_lots(
    toc: Toc, entries: Sequence[DumpEntry], inventory: Inventory
) -> list[list[DumpEntry]]:
    """Those that can be sent together, lot by lot, in the order in which pg_restore would restore
    them. None that depends on one that cannot."""
    tables = _weights(inventory)
    weights = {entry.id: _weight(toc, entry, tables) for entry in entries}
    long = {id for id, weight in weights.items() if not weight.fits}
    if len(long) == 1:  # it takes as long in pg_restore
        long = set()
    quick = []
    for entry in entries:  # behind those that they depend on
        if entry.id in long or entry.depends_on & long:
            long.add(entry.id)
        else:
            quick.append(entry)
    return list(_lots(in_order_of_restore(quick), weights))


def _weights(inventory: Inventory) -> dict[str, Weight]:
    """Of what reads all rows of a table, by schema and name as a TOC has them."""
    found = {
        f"{t.schema} {t.name}": Weight(bytes=t.bytes)
        for t in inventory.tables
        if t.kind is not TableKind.PARTITIONED  # how much its partitions have is not said there
    }
    for h in inventory.hypertables:
        found[f"{h.schema} {h.name}"] = Weight(chunks=len(h.chunks), bytes=h.bytes)
    return found


def _weight(toc: Toc, entry: DumpEntry, tables: Mapping[str, Weight]) -> Weight:
    if entry.kind not in _READS_ROWS:
        return Weight()
    on = (toc.by_id.get(id) for id in entry.depends_on)
    names = [e.rest.rpartition(" ")[0] for e in on if e is not None and e.kind in _TABLES]
    weight = Weight()
    for known in (tables.get(name, _LONG) for name in names):
        weight += Weight(0, known.chunks, known.bytes)
    return weight if names else _LONG


def _lots(entries: Iterable[DumpEntry], weights: Mapping[int, Weight]) -> Iterator[list[DumpEntry]]:
    lot: list[DumpEntry] = []
    weight = Weight(0)
    for entry in entries:
        if lot and not (weight + weights[entry.id]).fits:
            yield lot
            lot, weight = [], Weight(0)
        lot.append(entry)
        weight += weights[entry.id]
    if lot:
        yield lot
