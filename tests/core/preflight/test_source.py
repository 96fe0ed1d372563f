"""Hazards of a source alone."""

from dataclasses import replace
from typing import Any

import pytest

from tests.support.sample_inventory import CAGG, CHUNK, HYPERTABLE, TABLE, inventory
from tswizard.core.catalog.hazard_model import (
    AccessMethodUse,
    ChunkUse,
    ExpressionKind,
    HashedByOid,
    Hazards,
    InExtensionSchema,
    MissingValue,
    TriedExpression,
)
from tswizard.core.catalog.inventory import Inventory
from tswizard.core.model.answers import MethodName
from tswizard.core.model.finding import Finding, Level
from tswizard.core.preflight import findings_of_source


def found(source: Inventory, method: MethodName = "full") -> dict[str, Finding]:
    findings = findings_of_source(source, methods=(method,))
    by_id = {finding.id: finding for finding in findings}
    assert len(by_id) == len(findings)
    return by_id


def test_a_sound_source_has_nothing_to_look_at() -> None:
    assert {f.level for f in found(inventory()).values()} == {Level.PASS}


MISSING = Hazards(
    missing_values=(
        MissingValue(hypertable="public.readings", column="unit", rows=7, chunks=('"i"."c1"',)),
    )
)
BY_ENUM = HashedByOid(
    schema="public", name="readings", column="site", type="public.site", rows=True
)
HASHED = Hazards(hashed_by_oid=(BY_ENUM,))
COLUMNAR = Hazards(
    access_methods=(
        AccessMethodUse(schema="i", name="c1", method="hypercore", of="public.readings"),
    )
)
INSIDE = Hazards(
    in_extension_schemas=(
        InExtensionSchema(kind="table", identity="_timescaledb_internal.left_there"),
    )
)

MANY = replace(HYPERTABLE, chunks=(CHUNK,) * 8000)


@pytest.mark.parametrize(
    ("changes", "id", "level", "named"),
    [
        ({"server_timescaledb": None}, "source-timescaledb-missing", Level.FAIL, "defaultdb"),
        ({"server_pooler": True}, "source-pooler", Level.FAIL, "connection pool"),
        ({"server_restoring": True}, "source-restoring", Level.FAIL, "restore mode"),
        ({"server_in_recovery": True}, "source-standby", Level.LOOK, "standby"),
        ({"distributed": True}, "multi-node", Level.FAIL, "multi-node"),
        (
            {"tiered": True, "hypertables": (replace(HYPERTABLE, tiered=True),)},
            "tiered-data",
            Level.FAIL,
            "public.readings",
        ),
        ({"extras_unreadable": ("a.b",)}, "source-unreadable", Level.FAIL, "tsdbadmin may not"),
        ({"extras_filtered": ("a.b",)}, "source-row-security", Level.FAIL, "a.b"),
        (
            {"server_timescaledb": "2.19.3", "null_compressed": ("public.readings",)},
            "null-compressed",
            Level.FAIL,
            "public.readings",
        ),
        (
            {"server_timescaledb": "2.19.3", "null_unchecked": ("public.readings",)},
            "null-compressed-unknown",
            Level.LOOK,
            "may be lost",
        ),
        ({"hazards": MISSING}, "missing-values", Level.FAIL, "public.readings.unit"),
        ({"hazards": HASHED}, "hashed-by-oid", Level.FAIL, "public.readings"),
        (
            {"hazards": Hazards(compressed_oids=("public.audit.changed",))},
            "compressed-object-ids",
            Level.FAIL,
            "public.audit.changed",
        ),
        (
            {"hazards": Hazards(hashed_by_oid=(replace(BY_ENUM, own_function=True),))},
            "hashed-by-function",
            Level.LOOK,
            "public.readings",
        ),
        ({"hazards": COLUMNAR}, "hypercore", Level.FAIL, "1 table or chunk of public.readings"),
        (
            {"server_timescaledb": "2.20.2", "extras_skipping": ("public.readings",)},
            "chunk-skipping",
            Level.LOOK,
            "public.readings",
        ),
        (
            {"caggs": (replace(CAGG, finalized=False),)},
            "old-continuous-aggregates",
            Level.LOOK,
            "public.daily",
        ),
        ({"hypertables": (MANY,)}, "source-locks", Level.FAIL, "16,00"),
        ({"hypertables": (MANY,), "extras_lock_slots": 9000}, "source-locks", Level.LOOK, "9,000"),
        ({"extras_settings": ("everybody: x.y",)}, "database-settings", Level.LOOK, "x.y"),
        (
            {"extras_database_properties": ("connection limit: 77",)},
            "database-settings",
            Level.LOOK,
            "connection limit: 77",
        ),
        (
            {"extras_member_tables": ("public.extt of hstore",)},
            "extension-tables",
            Level.LOOK,
            "1 table with rows belongs to an extension and will not be migrated: public.extt of",
        ),
        ({"extras_slots": ("s",)}, "replication-slots", Level.LOOK, "s"),
        ({"extras_subscriptions": ("s",)}, "subscriptions", Level.LOOK, "s"),
        ({"extras_publications": ("p",)}, "publications", Level.LOOK, "p"),
        ({"extras_event_triggers": ("e",)}, "event-triggers", Level.LOOK, "e"),
        ({"extras_foreign_servers": ("f",)}, "foreign-servers", Level.LOOK, "f"),
        ({"large_objects": 3}, "large-objects", Level.PASS, "3 large objects"),
        (
            {"tables": (replace(TABLE, unlogged=True),)},
            "unlogged-tables",
            Level.PASS,
            "public.sites",
        ),
    ],
)
def test_each_hazard(changes: dict[str, Any], id: str, level: Level, named: str) -> None:
    finding = found(inventory(**changes))[id]
    assert finding.level is level
    assert named in finding.what
    if level is not Level.PASS:
        assert finding.why.endswith(".")
        assert finding.todo
        assert finding.where


def test_a_fixed_version_has_no_chunk_skipping_bug() -> None:
    source = inventory(server_timescaledb="2.20.3", extras_skipping=("public.readings",))
    assert "chunk-skipping" not in found(source)


def test_on_a_standby_unlogged_rows_are_named_as_left_out() -> None:
    source = inventory(server_in_recovery=True, tables=(replace(TABLE, unlogged=True),))
    findings = found(source)
    assert findings["unlogged-left-out"].details == ("public.sites",)
    assert findings["unlogged-left-out"].level is Level.LOOK
    assert "unlogged-tables" not in findings


def test_long_lists_are_counted_in_the_sentence_and_whole_in_the_details() -> None:
    names = tuple(f"app.t{number}" for number in range(9))
    finding = found(inventory(extras_unreadable=names))["source-unreadable"]
    assert "and 4 more" in finding.what
    assert finding.details == names


def test_rights_pass_only_when_everything_can_be_read() -> None:
    assert "source-rights" in found(inventory())
    assert "source-rights" not in found(inventory(extras_filtered=("a.b",)))


def test_a_dump_of_the_schema_locks_no_chunks() -> None:
    source = inventory(hypertables=(MANY,))
    assert found(source)["source-locks"].level is Level.FAIL
    assert "source-locks" not in found(source, "split")
    few = inventory(hypertables=(HYPERTABLE,) * 9, extras_lock_slots=8)
    assert found(few, "split")["source-locks"].level is Level.LOOK


def test_what_the_full_method_would_lose_is_no_worry_to_the_split_one() -> None:
    for hazards in (MISSING, HASHED):
        levels = {f.level for f in found(inventory(hazards=hazards), "split").values()}
        assert Level.FAIL not in levels
    assert "hashed-by-oid-routed" in found(inventory(hazards=HASHED), "split")
    assert "hypercore" in found(inventory(hazards=COLUMNAR), "split")


def test_values_that_only_the_catalog_holds_are_named_with_the_statement_that_stores_them() -> None:
    finding = found(inventory(hazards=MISSING))["missing-values"]
    assert finding.details[0] == "public.readings.unit: 7 rows in 1 chunk"
    statement = """SELECT public.compress_chunk(public.decompress_chunk('"i"."c1"'));"""
    assert statement in finding.todo
    assert statement in finding.details


def test_partitions_hashed_by_oid_are_routed_by_the_full_method() -> None:
    by_enum = replace(BY_ENUM, name="events", hypertable=False)
    source = inventory(hazards=Hazards(hashed_by_oid=(by_enum,)))
    assert found(source)["partitions-hashed-by-oid-routed"].level is Level.LOOK
    assert found(source, "split")["partitions-hashed-by-oid"].level is Level.FAIL


def test_an_empty_space_dimension_on_an_enum_hinders_nobody() -> None:
    source = inventory(hazards=Hazards(hashed_by_oid=(replace(BY_ENUM, rows=False),)))
    assert "hashed-by-oid" not in found(source)
    assert "hashed-by-oid-routed" not in found(source, "split")


def test_objects_in_the_extensions_schemas_are_left_behind_by_the_split_method_alone() -> None:
    source = inventory(hazards=INSIDE)
    assert "objects-in-extension-schemas" not in found(source)
    finding = found(source, "split")["objects-in-extension-schemas"]
    assert finding.level is Level.LOOK
    assert finding.details == ("table _timescaledb_internal.left_there",)


def test_what_names_a_chunk_is_named_where_chunks_get_other_names() -> None:
    view = ChunkUse(
        kind="view",
        identity="app.last_week",
        chunk="_timescaledb_internal._hyper_1_7_chunk",
        of="public.readings",
        bound=True,
    )
    function = replace(view, kind="function", identity="app.f()", bound=False)
    source = inventory(hazards=Hazards(chunk_uses=(view, function)))
    assert "chunks-by-name" not in found(source)
    finding = found(source, "split")["chunks-by-name"]
    assert finding.level is Level.LOOK
    assert finding.details == (
        "view app.last_week depends on _timescaledb_internal._hyper_1_7_chunk, of public.readings",
        "function app.f() names _timescaledb_internal._hyper_1_7_chunk, of public.readings",
    )


UNQUALIFIED = TriedExpression(
    schema="public",
    table="sites",
    kind=ExpressionKind.CHECK,
    name="sites_code_check",
    hypertable=False,
    rows=True,
    error="function digits(text) does not exist",
    path="app, public",
)
READS_ANOTHER = replace(UNQUALIFIED, name="known", error="", path="", depends=True)


def test_functions_that_need_a_search_path_are_named_with_the_one_that_works() -> None:
    source = inventory(hazards=Hazards(expressions=(UNQUALIFIED,)))
    finding = found(source)["search-path-needed"]
    assert finding.level is Level.FAIL
    assert "works with search_path = app, public" in finding.details[0]
    used = found(source, "split")["search-path-used"]
    assert used.level is Level.PASS
    assert "public.sites: loaded with search_path = app, public" in used.what


def test_without_any_search_path_that_works_rows_cannot_be_copied_either() -> None:
    source = inventory(hazards=Hazards(expressions=(replace(UNQUALIFIED, path=""),)))
    assert found(source, "split")["search-path-unknown"].level is Level.FAIL


def test_a_check_that_reads_more_than_its_row_comes_after_the_rows() -> None:
    source = inventory(hazards=Hazards(expressions=(READS_ANOTHER,)))
    assert found(source)["check-depends"].level is Level.LOOK
    assert "adds these checks after the rows" in found(source)["check-depends"].todo
    assert found(source, "split")["check-after-rows"].level is Level.PASS


def test_a_check_that_rows_do_not_fulfill_stays_not_valid() -> None:
    source = inventory(hazards=Hazards(expressions=(replace(READS_ANOTHER, violated=True),)))
    assert found(source)["check-violated"].level is Level.FAIL
    assert found(source, "split")["check-stays-not-valid"].level is Level.LOOK


def test_what_lies_unreadable_in_the_extensions_schemas_stops_a_dump_alone() -> None:
    source = inventory(extras_unreadable_inside=("_timescaledb_internal.left",))
    assert found(source)["source-unreadable"].level is Level.FAIL
    assert "source-unreadable" not in found(source, "split")
