"""Which entries of post-data are sent before pg_restore, and in which lots."""

from dataclasses import replace

from tests.support.toc import TABLE_A, TABLE_B, TRIGGER, entry
from tswizard.core.dump.send_entries import ENTRIES_AT_ONCE
from tswizard.core.dump.toc import PRE, DumpEntry, Toc
from tswizard.core.full.small_tables import lots_of_small_tables

MANY = 3 * ENTRIES_AT_ONCE
MEGABYTE = 1 << 20

ROWS_OF_A = entry(60, 0, 16400, "TABLE DATA", "public a owner", 20)
ROWS_OF_B = entry(61, 0, 16403, "TABLE DATA", "public b owner", 21)
KEY = entry(70, 2606, 1, "CONSTRAINT", "public a a_pkey owner", 20, 20)
INDEX = entry(71, 1259, 2, "INDEX", "public a a_x owner", 20)
OTHER = entry(72, 1259, 3, "INDEX", "public b b_x owner", 21)
COMMENT = entry(73, 0, 0, "COMMENT", "public CONSTRAINT a_pkey ON a owner", 70)


def lots(
    *entries: DumpEntry, without: tuple[DumpEntry, ...] = (), a: int = 100, b: int = 100
) -> list[list[DumpEntry]]:
    tables = replace(TABLE_A, section=PRE), replace(TABLE_B, section=PRE)
    toc = Toc((*tables, ROWS_OF_A, ROWS_OF_B, *entries))
    now = {e.id for e in entries if e not in without}
    return lots_of_small_tables(toc, now, {60: a, 61: b})


def test_indexes_keys_and_their_comments_go_table_by_table() -> None:
    assert lots(KEY, INDEX, OTHER, COMMENT) == [[KEY, INDEX, COMMENT, OTHER]]


def test_large_tables_are_left_to_pg_restore_with_their_comments() -> None:
    assert lots(KEY, INDEX, OTHER, COMMENT, a=5 * MEGABYTE) == [[OTHER]]


def test_what_waits_is_not_sent_nor_what_depends_on_it() -> None:
    assert lots(KEY, INDEX, COMMENT, without=(KEY,)) == [[INDEX]]


def test_what_concerns_another_table_or_runs_code_is_left() -> None:
    attach = entry(80, 0, 0, "INDEX ATTACH", "public b_x owner", 71, 72)
    key = entry(81, 2606, 9, "FK CONSTRAINT", "public b b_a owner", 20, 21, 70)
    of_view = entry(82, 1259, 10, "INDEX", "public v v_x owner", 40)
    across = entry(83, 2606, 11, "CONSTRAINT", "public b b_pkey owner", 21, 70)
    assert lots(KEY, attach, key, of_view, across, TRIGGER) == [[KEY]]


def test_a_table_is_in_one_lot_alone_and_lots_are_bounded() -> None:
    tables = [replace(TABLE_A, id=1000 + n, oid=n, section=PRE) for n in range(MANY)]
    indexes = [
        entry(10_000 + 10 * n + k, 1259, n, "INDEX", f"public t{n}_{k} owner", 1000 + n)
        for k in range(3)
        for n in range(MANY)
    ]
    found = lots_of_small_tables(Toc((*tables, *indexes)), {e.id for e in indexes}, {})
    assert sorted(e.id for lot in found for e in lot) == sorted(e.id for e in indexes)
    assert all(len(lot) <= ENTRIES_AT_ONCE for lot in found)
    assert len(found) <= len(indexes) / (ENTRIES_AT_ONCE - 3) + 1
    of_lots = [{min(e.depends_on) for e in lot} for lot in found]
    assert sum(map(len, of_lots)) == MANY


def test_bytes_count_for_each_index() -> None:
    assert lots(KEY, INDEX, OTHER, a=4 * MEGABYTE, b=4 * MEGABYTE) == [[KEY, INDEX, OTHER]]
    more = entry(74, 1259, 5, "INDEX", "public a a_y owner", 20)
    found = lots(KEY, INDEX, more, OTHER, a=4 * MEGABYTE, b=4 * MEGABYTE + 1)
    assert found == [[KEY, INDEX, more]]
    found = lots(KEY, INDEX, more, OTHER, a=4 * MEGABYTE, b=4 * MEGABYTE)
    assert found == [[KEY, INDEX, more, OTHER]]
