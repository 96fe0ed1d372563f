"""The exact SQL that Review shows and the steps run."""

from dataclasses import replace

import pytest

from tswizard.core.catalog.hypertable_model import (
    Compression,
    Dimension,
    DimensionKind,
    OrderByColumn,
)
from tswizard.core.catalog.inventory import Constraint, Sequence
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
from tswizard.core.split.schema.hypertable_facts import HypertableFacts, TimescaleApi
from tswizard.core.split.schema.hypertables import (
    create_statements,
    hypertable_settings_not_migrated,
)
from tswizard.core.split.schema.index_flags import HypertableIndex, index_flag_statements
from tswizard.core.split.schema.sequences import setval_statement

NEW = TimescaleApi(
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
OLD = TimescaleApi("public", frozenset({("create_hypertable", "time_column_name")}))

ORDER = Dimension(
    number=1,
    column="order",
    quoted='"order"',
    column_type="bigint",
    kind=DimensionKind.RANGE,
    interval="86400",
    partitions=None,
    partitioning_function=None,
    integer_now='"app"."unix_now"',
)
DEVICE = replace(
    ORDER,
    number=2,
    column="dev",
    kind=DimensionKind.HASH,
    interval=None,
    partitions=3,
    partitioning_function='"app"."bucket"',
    integer_now=None,
)
LANE = replace(ORDER, number=3, column="lane", interval="50", integer_now=None)
DOC = replace(LANE, number=1, column="doc", interval="1 day", partitioning_function='"s"."at"')
EVENTS = HypertableFacts(
    schema="metrics", name='it\'s "odd"', dimensions=(ORDER, DEVICE, LANE), compression=None
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


def test_what_only_the_older_form_can_say_uses_it() -> None:
    own = replace(EVENTS, associated_prefix="m", associated_schema="chunks")
    (first, *_) = create_statements(own, NEW)
    assert first.endswith("associated_schema_name => 'chunks', associated_table_prefix => 'm')")
    timed = HypertableFacts(schema="s", name="docs", dimensions=(DOC,), compression=None)
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
    compression=Compression(
        ("select",),
        (OrderByColumn("order", True, False), OrderByColumn("v", False, True)),
        "7 days",
    ),
)


def test_settings_are_written_out_and_quoted() -> None:
    assert compression_statements(COMPRESSED, NEW) == (
        'ALTER TABLE "metrics"."t" SET (timescaledb.compress, '
        """timescaledb.compress_segmentby = '"select"', """
        """timescaledb.compress_orderby = '"order" DESC NULLS LAST, "v" ASC NULLS FIRST', """
        "timescaledb.compress_chunk_time_interval = '7 days')",
    )


def test_settings_that_the_source_leaves_to_the_server_stay_so() -> None:
    bare = replace(COMPRESSED, compression=Compression((), ()))
    assert compression_statements(bare, NEW) == (
        'ALTER TABLE "metrics"."t" SET (timescaledb.compress)',
    )
    chosen = replace(bare, compression=Compression((), (OrderByColumn("time", True, True),)))
    assert not settings_differ(bare, chosen)
    assert settings_differ(chosen, bare)
    assert without_defaults(chosen.compression, bare.compression) == bare.compression


def test_chunk_skipping_is_enabled_where_the_target_has_it() -> None:
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
def test_constraints_are_added_without_only(
    definition: str, storage: str | None, whole: str
) -> None:
    constraint = replace(_KEY, definition=definition, storage=storage)
    assert constraint_statement(constraint) == f'ALTER TABLE "s"."t" ADD CONSTRAINT "a b" {whole}'


def test_keys_come_before_what_points_to_them() -> None:
    kinds = [c.kind for c in keys_first([replace(_KEY, kind=kind) for kind in "fcxup"])]
    assert kinds == list("puxcf")


def test_constraints_that_precede_compression() -> None:
    key = replace(_KEY, table="packed")
    foreign = replace(_KEY, kind="f", table="packed")
    pointing = replace(_KEY, kind="f", table="plain", incoming=True)
    unpacked = replace(_KEY, table="open")
    loose = replace(_KEY, kind="c", table="loose", validated=False)
    also = replace(_KEY, table="loose")
    packed = {("s", "packed"), ("s", "loose")}
    constraints = [foreign, key, pointing, unpacked, loose, also]
    assert before_compression(constraints, packed) == (key, foreign)
    assert compressed_last(constraints, packed) == {("s", "loose")}


def test_flags_and_the_indexes_that_a_restore_would_lose() -> None:
    index = HypertableIndex(
        schema="s",
        table="t",
        name="i",
        definition="CREATE INDEX i ON s.t USING btree (a)",
        clustered=False,
        replica_identity=True,
    )
    flag = 'ALTER TABLE "s"."t" REPLICA IDENTITY USING INDEX "i"'
    assert index_flag_statements(index, None) == (index.definition, flag)
    assert index_flag_statements(index, replace(index, replica_identity=False)) == (flag,)
    assert index_flag_statements(index, index) == ()
    restored = replace(index, replica_identity=False, clustered=True)
    assert index_flag_statements(restored, None) == ()
    of_a_key = replace(restored, definition=None)
    assert index_flag_statements(of_a_key, None) == ('ALTER TABLE "s"."t" CLUSTER ON "i"',)


def test_sequences_keep_whether_they_were_called() -> None:
    assert (
        setval_statement(Sequence(schema="s", name="Q'", last_value=-3, is_called=False))
        == """SELECT pg_catalog.setval('"s"."Q''"', -3, false)"""
    )
