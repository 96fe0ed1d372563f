"""Indexes and unique constraints of tables with few rows, as most chunks are.

Each takes a server a moment, and pg_restore waits for each: so they are sent many at a time, before
the rest. Those of large tables are pg_restore's, which builds them side by side.
"""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence

from tswizard.core.dump.send_entries import ENTRIES_AT_ONCE
from tswizard.core.dump.toc import POST, DumpEntry, Toc

_SMALL = 4 << 20
"""Bytes of a table's file in the dump, compressed: an index on it takes less than a second."""
_BYTES_AT_ONCE = 16 << 20
"""Of a lot's tables, each as often as it gets an index."""

_OF_ONE_TABLE = frozenset({"INDEX", "CONSTRAINT"})

SMALL_FIRST = (
    "-- First tswizard creates the indexes and unique constraints of small tables, many per "
    "transaction; then:"
)
"""How Review shows it, before pg_restore's command."""


def lots_of_small_tables(
    toc: Toc, now: Collection[int], row_bytes: Mapping[int, int]
) -> list[list[DumpEntry]]:
    """Those among the entries of post-data that are restored `now` (by their IDs), lot by lot, with
    their comments. No lot depends on another one, and a table is in one of them alone.

    `row_bytes` are those of a table's rows in the dump, by the ID of their entry.
    """
    return list(_lots(toc, now, _bytes_of_tables(toc, row_bytes)))


def _lots(toc: Toc, now: Collection[int], sizes: Mapping[int, int]) -> Iterator[list[DumpEntry]]:
    lot: list[DumpEntry] = []
    size = 0
    for table, entries in _by_table(toc, now, sizes).items():
        more = sizes[table] * len(entries)
        if lot and (len(lot) + len(entries) > ENTRIES_AT_ONCE or size + more > _BYTES_AT_ONCE):
            yield lot
            lot, size = [], 0
        lot += entries
        size += more
    if lot:
        yield lot


def _by_table(
    toc: Toc, now: Collection[int], sizes: Mapping[int, int]
) -> Mapping[int, Sequence[DumpEntry]]:
    """The entries of each small table, in order, by the table's ID."""
    found = defaultdict[int, list[DumpEntry]](list)
    table_of: dict[int, int] = {}
    post_data = toc.section(POST)
    among = {entry.id for entry in post_data}
    for entry in post_data:  # behind those that they depend on
        if entry.id not in now:
            continue
        behind = entry.depends_on & among
        if entry.kind in _OF_ONE_TABLE:
            tables = [id for id in entry.depends_on if id in sizes]
            small = len(tables) == 1 and sizes[tables[0]] <= _SMALL
        else:
            tables = [table_of[id] for id in behind if id in table_of]
            small = entry.kind == "COMMENT" and len(tables) == 1
        if small and all(table_of.get(id) == tables[0] for id in behind):
            table_of[entry.id] = tables[0]
            found[tables[0]].append(entry)
    return found


def _bytes_of_tables(toc: Toc, row_bytes: Mapping[int, int]) -> Mapping[int, int]:
    """By the ID of a table's entry; 0 where the dump has no rows of it."""
    sizes = {entry.id: 0 for entry in toc.entries if entry.kind == "TABLE"}
    for entry in toc.entries:
        if entry.kind == "TABLE DATA":
            for id in entry.depends_on & sizes.keys():
                sizes[id] += row_bytes.get(entry.id, 0)
    return sizes
