"""Which entries of post-data are sent many at once, and how many."""

from dataclasses import replace

from tests.support import sample_inventory as sample
from tests.support.toc import TABLE_A, TABLE_B, TRIGGER, entry
from tswizard.core.catalog.inventory import Inventory, TableKind
from tswizard.core.dump.send_entries import ENTRIES_AT_ONCE
from tswizard.core.dump.toc import DumpEntry, Toc
from tswizard.core.split.schema.quick_entries import BYTES, CHUNKS, quick_lots


def _inventory(rows_bytes: int, chunks: int = 0) -> Inventory:
    base = sample.inventory()
    plain = next(t for t in base.tables if t.kind is TableKind.PLAIN)
    hyper = next(h for h in base.hypertables if h.cagg is None)
    return replace(
        base,
        tables=(replace(plain, schema="public", name="a", bytes=rows_bytes),),
        hypertables=(
            replace(hyper, schema="public", name="b", bytes=1, chunks=hyper.chunks[:1] * chunks),
        ),
    )


def _ids(entries: list[DumpEntry], inventory: Inventory) -> list[list[int]]:
    toc = Toc((TABLE_A, TABLE_B, *entries))
    return [[e.id for e in lot] for lot in quick_lots(toc, entries, inventory)]


_KEY = entry(30, 2606, 1, "CONSTRAINT", "public a a_pkey owner", 20)
_INDEX = entry(31, 1259, 2, "INDEX", "public a_x owner", 20)
_REFERS = entry(32, 2606, 3, "FK CONSTRAINT", "public b b_fkey owner", 20, 21, 30)
_COMMENT = entry(34, 0, 0, "COMMENT", "public CONSTRAINT b_fkey ON b owner", 32)


def test_what_reads_many_rows_is_left_to_pg_restore_with_what_depends_on_it() -> None:
    entries = [_KEY, _INDEX, _REFERS, TRIGGER, _COMMENT]
    assert _ids(entries, _inventory(1000)) == [[30, 31, 32, 33, 34]]
    assert _ids(entries, _inventory(BYTES + 1)) == [[33]]
    unknown = replace(_INDEX, depends_on=frozenset({99}))
    assert _ids([_KEY, unknown, TRIGGER], _inventory(BYTES + 1)) == [[33]]


def test_a_single_long_one_takes_no_longer_here() -> None:
    assert _ids([_KEY, TRIGGER], _inventory(BYTES + 1)) == [[30], [33]]
    of_chunks = replace(_INDEX, depends_on=frozenset({21}))
    assert _ids([of_chunks, TRIGGER], _inventory(1, CHUNKS + 1)) == [[31], [33]]


def test_a_lot_has_a_limited_number_of_locks() -> None:
    triggers = [replace(TRIGGER, id=100 + n) for n in range(2 * ENTRIES_AT_ONCE + 1)]
    assert [len(lot) for lot in _ids(triggers, _inventory(1))] == [
        ENTRIES_AT_ONCE,
        ENTRIES_AT_ONCE,
        1,
    ]
    indexes = [replace(_INDEX, id=100 + n, depends_on=frozenset({21})) for n in range(3)]
    assert _ids(indexes, _inventory(1, CHUNKS // 2)) == [[100, 101], [102]]
