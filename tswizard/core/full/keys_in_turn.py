"""Foreign keys that reference the same table, as those of a hypertable's chunks do.

Adding one locks the table that it references, so pg_restore adds them one after the other, however
many jobs it has, and waits for each. They are sent many at a time instead, behind the rest.
"""

from collections import defaultdict
from collections.abc import Collection

from tswizard.core.dump.toc import POST, DumpEntry, Toc

_MANY = 10
"""Fewer are soon added, while pg_restore works on something else."""

KEYS_AT_ONCE = (
    "-- Foreign keys of chunks that reference the same table are added afterward, many per "
    "transaction."
)
"""How Review shows it, behind pg_restore's command."""


def keys_in_turn(toc: Toc, now: Collection[int]) -> list[DumpEntry]:
    """Those among the entries of post-data that are restored `now` (by their IDs), with what
    depends on one, such as its comment."""
    by_reference = defaultdict[frozenset[int], list[int]](list)
    entries = [entry for entry in toc.section(POST) if entry.id in now]
    for entry in entries:
        if entry.kind == "FK CONSTRAINT":
            by_reference[_referenced(toc, entry)].append(entry.id)
    chosen = {id for ids in by_reference.values() if len(ids) >= _MANY for id in ids}
    for entry in entries:
        if entry.depends_on & chosen:
            chosen.add(entry.id)
    return [entry for entry in entries if entry.id in chosen]


def _referenced(toc: Toc, key: DumpEntry) -> frozenset[int]:
    """The unique constraint or index that a foreign key references, which it depends on."""
    on = (toc.by_id.get(id) for id in key.depends_on)
    return frozenset(e.id for e in on if e is not None and e.kind in ("CONSTRAINT", "INDEX"))
