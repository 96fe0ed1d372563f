"""Which way a compressed chunk's rows go, by what both ends keep."""

from dataclasses import replace

import pytest

from tswizard.core.db.versions import version_key
from tswizard.core.split.plan.packed import Way
from tswizard.core.split.stored.layout import (
    CompressedColumn,
    CompressedLayout,
    CompressionSettings,
    Version,
)
from tswizard.core.split.stored.ways import Choice, CompressedEnd, choose_way

OLD, NEW, NEWEST = (2, 15, 3), (2, 19, 3), (2, 28, 3)
DATA = "_timescaledb_internal.compressed_data"
BLOOM = "_timescaledb_internal.bloom1"
ZONED = "timestamp with time zone"

SETTINGS = CompressionSettings(
    segmentby=("d",), orderby=("t",), descending=(True,), nulls_first=(True,)
)


def column(name: str, kind: str = DATA, base: str = "") -> CompressedColumn:
    return CompressedColumn(name, kind, base or kind)


PLAIN = (
    column("d", "integer"),
    column("t"),
    column("v"),
    column("_ts_meta_count", "integer"),
    column("_ts_meta_min_1", ZONED),
    column("_ts_meta_max_1", ZONED),
)
SEQUENCE = column("_ts_meta_sequence_num", "integer")
FIRST, LAST = column("_ts_meta_v2_first_t", ZONED), column("_ts_meta_v2_last_t", ZONED)


def end(
    *more: CompressedColumn,
    version: Version = NEW,
    settings: CompressionSettings = SETTINGS,
    not_null: frozenset[str] = frozenset({"t"}),
    collations: tuple[tuple[str, str], ...] = (),
    columns: tuple[CompressedColumn, ...] = PLAIN,
) -> CompressedEnd:
    layout = CompressedLayout(
        settings=settings,
        columns=(*columns, *more),
        not_null=not_null,
        collations=collations,
    )
    return CompressedEnd(layout=layout, version=version)


def copied(choice: Choice) -> dict[str, str]:
    assert choice.copied is not None
    return {c.name: c.expression for c in choice.copied.columns}


def test_equal_relations_go_as_stored_in_binary() -> None:
    choice = choose_way(end(), end())
    assert (choice.way, choice.reason, choice.left_out) == (Way.STORED, "", 0)
    assert choice.copied is not None
    assert choice.copied.format == "binary"
    assert copied(choice)["d"] == '"d"'
    assert "pg_column_size" in copied(choice)["v"], "blocks of nothing but NULL"
    assert copied(choose_way(end(version=OLD), end(version=OLD)))["v"] == '"v"'
    assert choose_way(end(), end(), text=True).copied != choice.copied


@pytest.mark.parametrize(
    ("source", "target", "why"),
    [
        (end(version=NEWEST), end(version=NEW), "the target's TimescaleDB is older"),
        (end(), end(version=(2, 30, 0)), "the target's TimescaleDB is newer than any"),
        (end(), end(settings=replace(SETTINGS, segmentby=())), "by other settings"),
        (end(), end(settings=replace(SETTINGS, descending=(False,))), "by other settings"),
        (end(), end(column("x")), "the source lacks column x"),
        (end(column("x")), end(), "the target lacks column x"),
        (end(column("x", "text")), end(column("x", "integer")), "column x is text"),
        (end(), end(SEQUENCE), "the source lacks column _ts_meta_sequence_num"),
        (end(), end(column("_ts_meta_new")), "_ts_meta_new is not known"),
        (end(), end(columns=PLAIN[:3]), "no count of rows"),
    ],
)
def test_what_is_in_doubt_is_decompressed(
    source: CompressedEnd, target: CompressedEnd, why: str
) -> None:
    choice = choose_way(source, target)
    assert choice.way is Way.DECOMPRESSED
    assert choice.copied is None
    assert why in choice.reason


def test_a_sequence_number_is_dropped_where_the_target_needs_none() -> None:
    choice = choose_way(end(SEQUENCE, version=OLD), end())
    assert choice.way is Way.STORED
    assert SEQUENCE.name not in copied(choice)
    assert SEQUENCE.name in copied(choose_way(end(SEQUENCE), end(SEQUENCE)))


@pytest.mark.parametrize(("descending", "first"), [(True, "max"), (False, "min")])
def test_first_and_last_values_are_derived_from_extremes(descending: bool, first: str) -> None:
    settings = replace(SETTINGS, descending=(descending,))
    choice = choose_way(end(settings=settings), end(FIRST, LAST, version=NEWEST, settings=settings))
    assert choice.way is Way.STORED
    last = "min" if first == "max" else "max"
    assert copied(choice)[FIRST.name] == f'"_ts_meta_{first}_1"'
    assert copied(choice)[LAST.name] == f'"_ts_meta_{last}_1"'


def test_first_and_last_values_of_what_may_be_null_are_rebuilt() -> None:
    nullable = choose_way(end(not_null=frozenset()), end(FIRST, LAST, version=NEWEST))
    assert nullable.way is Way.REBUILT
    second = column("_ts_meta_v2_first_v", "double precision")
    assert choose_way(end(), end(FIRST, LAST, second, version=NEWEST)).way is Way.REBUILT


def test_extremes_that_only_the_target_keeps_are_rebuilt() -> None:
    choice = choose_way(end(), end(column("_ts_meta_v2_min_v", "double precision")))
    assert choice.way is Way.REBUILT
    assert "_ts_meta_v2_min_v" not in copied(choice)


def test_extremes_that_only_the_source_keeps_are_left_out() -> None:
    choice = choose_way(end(column("_ts_meta_v2_min_v", "double precision")), end())
    assert (choice.way, choice.left_out) == (Way.STORED, 1)


def test_a_bloom_filter_is_copied_between_equal_versions_only() -> None:
    bloom = column("_ts_meta_v2_bloom1_v", BLOOM)
    alike = choose_way(end(bloom, version=NEWEST), end(bloom, version=NEWEST))
    assert bloom.name in copied(alike)
    assert alike.copied is not None
    assert alike.copied.format == "text", "its type has no binary format"
    other = choose_way(end(bloom, version=(2, 26, 0)), end(bloom, version=NEWEST))
    assert (other.way, other.left_out) == (Way.STORED, 1)
    assert bloom.name not in copied(other)


def test_old_extremes_have_no_type_modifier() -> None:
    old = (*PLAIN[:4], column("_ts_meta_min_1", ZONED), column("_ts_meta_max_1", ZONED))
    new = tuple(
        replace(c, type=f"{ZONED}(3)") if c.name.startswith("_ts_meta_m") else c for c in old
    )
    assert choose_way(end(columns=old, version=(2, 11, 2)), end(columns=new)).way is Way.STORED
    assert choose_way(end(columns=old, version=OLD), end(columns=new)).way is Way.DECOMPRESSED


def test_text_in_another_order_is_rebuilt() -> None:
    settings = replace(SETTINGS, orderby=("v",))

    def by(collation: str) -> CompressedEnd:
        return end(settings=settings, collations=(("v", collation),))

    assert choose_way(by("c en_US 2.36"), by("c en_US 2.36")).way is Way.STORED
    assert choose_way(by("c en_US 2.36"), by("c en_US 2.39")).way is Way.REBUILT
    assert choose_way(by("c C"), by("c C 1")).way is Way.STORED
    # Not ordered by it, and no minimum of it: its order does not matter.
    unordered = end(collations=(("v", "c de_DE 1"),))
    assert choose_way(unordered, end(collations=(("v", "c de_DE 2"),))).way is Way.STORED


def test_batches_that_overlap_and_what_was_asked_for_are_rebuilt() -> None:
    assert choose_way(end(), end(), unordered=True).reason == "its batches overlap"
    assert choose_way(end(), end(), rebuild=True).reason == "asked for"


def test_the_better_choice_has_the_lower_rank() -> None:
    stored, left = (
        choose_way(end(), end()),
        choose_way(end(column("_ts_meta_v2_max_v", "integer")), end()),
    )
    rebuilt, none = choose_way(end(), end(), rebuild=True), choose_way(end(), end(column("x")))
    assert sorted((none, rebuilt, left, stored), key=lambda c: c.rank) == [
        stored,
        left,
        rebuilt,
        none,
    ]


def test_versions_compare_as_numbers() -> None:
    assert version_key("2.9.1") < version_key("2.19.3-dev") < version_key("2.28.0")
