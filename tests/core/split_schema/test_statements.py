"""The exact SQL that Review shows and the steps run."""

from dataclasses import replace

import pytest

from tswizard.core.catalog.inventory import Constraint
from tswizard.core.split.schema.compression import (
    compression_statements,
    settings_differ,
    without_defaults,
)
from tswizard.core.split.schema.constraints import (
    before_compression,
    compressed_last,
    constraint_statement,
    keys_first,
)
from tswizard.core.split.schema.hypertable_facts import (
    Api,
    CompressionFacts,
    DimensionFacts,
    HypertableFacts,
)
from tswizard.core.split.schema.hypertables import (
    create_statements,
    hypertable_settings_not_migrated,
)
from tswizard.core.split.schema.index_flags import HypertableIndex, index_flag_statements
from tswizard.core.split.schema.postdata import index_build_progress
from tswizard.core.split.schema.sequences import SequenceValue

NEW = Api(
    "ts",
    frozenset(
        {
            ("create_hypertable", "dimension"),
            ("add_dimension", "dimension"),
            ("by_range", "column_name"),
            ("by_hash", "column_name"),
            ("enable_chunk_skipping", "column_name"),
        }
    ),
)
OLD = Api("public", frozenset({("create_hypertable", "time_column_name")}))

EVENTS = HypertableFacts(
    1,
    "metrics",
    'it\'s "odd"',
    (
        DimensionFacts("order", "bigint '86400'", None, None, '"app"."unix_now"'),
        DimensionFacts("dev", None, 3, '"app"."bucket"', None),
        DimensionFacts("lane", "bigint '50'", None, None, None),
    ),
    None,
)


def test_hypertables_by_the_builders() -> None:
    table = '\'"metrics"."it\'\'s ""odd"""\''
    assert create_statements(EVENTS, NEW) == (
        f"""SELECT "ts"."create_hypertable"({table}, "ts"."by_range"('order', bigint '86400'), """
        "create_default_indexes => false)",
        f"""SELECT "ts"."add_dimension"({table}, "ts"."by_hash"('dev', 3, '"app"."bucket"'))""",
        f"""SELECT "ts"."add_dimension"({table}, "ts"."by_range"('lane', bigint '50'))""",
        f"""SELECT "ts"."set_integer_now_func"({table}, '"app"."unix_now"')""",
    )


def test_hypertables_by_arguments() -> None:
    table = '\'"metrics"."it\'\'s ""odd"""\''
    assert create_statements(EVENTS, OLD) == (
        f"""SELECT "public"."create_hypertable"({table}, 'order', """
        "chunk_time_interval => bigint '86400', create_default_indexes => false)",
        f"""SELECT "public"."add_dimension"({table}, 'dev', number_partitions => 3, """
        """partitioning_func => '"app"."bucket"')""",
        f"""SELECT "public"."add_dimension"({table}, 'lane', """
        "chunk_time_interval => bigint '50')",
        f"""SELECT "public"."set_integer_now_func"({table}, '"app"."unix_now"')""",
    )


def test_what_only_the_older_form_can_say_is_said_in_it() -> None:
    own = replace(EVENTS, associated_prefix="m", associated_schema="chunks")
    (first, *_) = create_statements(own, NEW)
    assert first.endswith("associated_schema_name => 'chunks', associated_table_prefix => 'm')")
    timed = HypertableFacts(
        1, "s", "docs", (DimensionFacts("doc", "INTERVAL '1 day'", None, '"s"."at"', None),), None
    )
    assert """'doc', INTERVAL '1 day', '"s"."at"')""" in create_statements(timed, NEW)[0]
    assert """time_partitioning_func => '"s"."at"')""" in create_statements(timed, OLD)[0]


def test_tablespaces_and_adaptive_intervals_are_named() -> None:
    found = hypertable_settings_not_migrated(
        (replace(EVENTS, tablespaces=("fast", "slow"), adaptive=True),)
    )
    assert {f.id: f.details for f in found} == {
        "hypertable-tablespaces": ('metrics.it\'s "odd": fast, slow',),
        "adaptive-chunking": ('metrics.it\'s "odd"',),
    }


COMPRESSED = replace(
    EVENTS,
    name="t",
    compression=CompressionFacts(
        ("select",), (("order", True, False), ("v", False, True)), "7 days"
    ),
)


def test_settings_are_written_out_and_quoted() -> None:
    assert compression_statements(COMPRESSED, NEW) == (
        'ALTER TABLE "metrics"."t" SET (timescaledb.compress, '
        """timescaledb.compress_segmentby = '"select"', """
        """timescaledb.compress_orderby = '"order" DESC NULLS LAST, "v" ASC NULLS FIRST', """
        "timescaledb.compress_chunk_time_interval = '7 days')",
    )


def test_settings_that_the_source_left_open_stay_open() -> None:
    bare = replace(COMPRESSED, compression=CompressionFacts((), (), None))
    assert compression_statements(bare, NEW) == (
        'ALTER TABLE "metrics"."t" SET (timescaledb.compress)',
    )
    chosen = replace(bare, compression=CompressionFacts((), (("time", True, True),), None))
    assert not settings_differ(bare, chosen)
    assert settings_differ(chosen, bare)
    assert without_defaults(chosen.compression, bare.compression) == bare.compression


def test_chunk_skipping_is_switched_on_where_there_is_such_a_thing() -> None:
    table = replace(EVENTS, name="t", skipping=("id",))
    assert compression_statements(table, NEW) == (
        "SET LOCAL timescaledb.enable_chunk_skipping = on",
        """SELECT "ts"."enable_chunk_skipping"('"metrics"."t"', 'id')""",
    )
    assert compression_statements(table, OLD) == ()
    assert settings_differ(table, replace(table, skipping=()))


_KEY = Constraint(
    oid=1,
    schema="s",
    table="t",
    name="a b",
    kind="p",
    definition="",
    validated=True,
    storage=None,
    incoming=False,
)


@pytest.mark.parametrize(
    ("definition", "storage", "whole"),
    [
        ("PRIMARY KEY (a)", None, "PRIMARY KEY (a)"),
        (
            "UNIQUE (a) DEFERRABLE INITIALLY DEFERRED",
            "fillfactor='70'",
            "UNIQUE (a) WITH (fillfactor='70') DEFERRABLE INITIALLY DEFERRED",
        ),
        (
            "PRIMARY KEY (a) INCLUDE (b) DEFERRABLE",
            "fillfactor='70'",
            "PRIMARY KEY (a) INCLUDE (b) WITH (fillfactor='70') DEFERRABLE",
        ),
        ("UNIQUE (a)", "fillfactor='70'", "UNIQUE (a) WITH (fillfactor='70')"),
    ],
)
def test_constraints_are_made_without_only(
    definition: str, storage: str | None, whole: str
) -> None:
    fact = replace(_KEY, definition=definition, storage=storage)
    assert constraint_statement(fact) == f'ALTER TABLE "s"."t" ADD CONSTRAINT "a b" {whole}'


def test_keys_come_before_what_points_to_them() -> None:
    kinds = [fact.kind for fact in keys_first([replace(_KEY, kind=kind) for kind in "fcxup"])]
    assert kinds == list("puxcf")


def test_what_must_stand_before_compression() -> None:
    key = replace(_KEY, table="packed")
    foreign = replace(_KEY, kind="f", table="packed")
    pointing = replace(_KEY, kind="f", table="plain", incoming=True)
    unpacked = replace(_KEY, table="open")
    loose = replace(_KEY, kind="c", table="loose", validated=False)
    also = replace(_KEY, table="loose")
    packed = {("s", "packed"), ("s", "loose")}
    facts = [foreign, key, pointing, unpacked, loose, also]
    assert before_compression(facts, packed) == (key, foreign)
    assert compressed_last(facts, packed) == {("s", "loose")}


def test_marks_and_the_indexes_that_a_restore_would_lose() -> None:
    index = HypertableIndex("s", "t", "i", "CREATE INDEX i ON s.t USING btree (a)", False, True)
    mark = 'ALTER TABLE "s"."t" REPLICA IDENTITY USING INDEX "i"'
    assert index_flag_statements(index, None) == (index.definition, mark)
    assert index_flag_statements(index, replace(index, replica_identity=False)) == (mark,)
    assert index_flag_statements(index, index) == ()
    restored = replace(index, replica_identity=False, clustered=True)
    assert index_flag_statements(restored, None) == ()
    of_a_key = replace(restored, definition=None)
    assert index_flag_statements(of_a_key, None) == ('ALTER TABLE "s"."t" CLUSTER ON "i"',)


def test_sequences_keep_whether_they_were_called() -> None:
    assert (
        SequenceValue("s", "Q'", -3, False).statement
        == """SELECT pg_catalog.setval('"s"."Q''"', -3, false)"""
    )


def test_index_builds_in_words() -> None:
    assert (
        index_build_progress("s.t", "building index", 40.7) == "index on s.t: building index, 40 %"
    )
    assert index_build_progress(None, "initializing", None) == "index on a table: initializing"
