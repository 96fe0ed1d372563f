"""What Review shows is what the steps run, as far as it is known before."""

from dataclasses import replace
from pathlib import Path

import pytest

from tests.support.metrics_inventory import INVENTORY, METRICS
from tests.support.sample_inventory import CAGG, SERVER, prepared
from tswizard.core.build_plan import build_plan
from tswizard.core.catalog.hypertable_model import Compression, OrderByColumn
from tswizard.core.model.answers import Answers, MethodName
from tswizard.core.split.schema.preview import (
    preview_chunks,
    preview_compression,
    preview_constraints,
    preview_hypertables,
    preview_sequences,
)

SEVEN_DAYS = METRICS.dimensions[0]


def hypertable_commands(**changed: object) -> list[str]:
    """Statements for one hypertable, changed like this."""
    table = replace(METRICS, **changed)  # type: ignore[arg-type]
    inventory = replace(INVENTORY, hypertables=(table,))
    return preview_hypertables(inventory, "ts")[1].splitlines()


def test_every_dimension_is_shown_in_order() -> None:
    assert hypertable_commands() == [
        """SELECT "ts"."create_hypertable"('"public"."metrics"', """
        """"ts"."by_range"('time', INTERVAL '1 day'), create_default_indexes => false);""",
        """SELECT "ts"."add_dimension"('"public"."metrics"', "ts"."by_hash"('device_id', 4));""",
    ]


def test_integers_functions_and_names_are_written_as_sql() -> None:
    dimension = replace(
        SEVEN_DAYS,
        column="it's",
        interval="86400",
        partitioning_function='"f"."part"',
        integer_now='"f"."now"',
    )
    assert hypertable_commands(name='say "hi" x', dimensions=(dimension,)) == [
        """SELECT "ts"."create_hypertable"('"public"."say ""hi"" x"', "ts"."by_range"("""
        """'it''s', bigint '86400', '"f"."part"'), create_default_indexes => false);""",
        """SELECT "ts"."set_integer_now_func"('"public"."say ""hi"" x"', '"f"."now"');""",
    ]


def test_chunks_in_a_schema_of_their_own_want_the_older_form() -> None:
    chunk = replace(METRICS.chunks[0], schema="mine")
    first, _ = hypertable_commands(chunks=(chunk,))
    assert "chunk_time_interval => INTERVAL '1 day'" in first
    assert "associated_schema_name => 'mine'" in first


@pytest.mark.parametrize(
    ("orderby", "written"),
    [
        ((), ""),
        ((OrderByColumn("time", True, True),), """'"time" DESC NULLS FIRST'"""),
        ((OrderByColumn('a "b" DESC', False, False),), """'"a ""b"" DESC" ASC NULLS LAST'"""),
    ],
)
def test_compression_is_written_out(orderby: tuple[OrderByColumn, ...], written: str) -> None:
    table = replace(METRICS, compression=Compression(("device",), orderby, "7 days"))
    _, statement = preview_compression(replace(INVENTORY, hypertables=(table,)), "ts")
    order = f"timescaledb.compress_orderby = {written}, " if written else ""
    assert statement == (
        """ALTER TABLE "public"."metrics" SET (timescaledb.compress, """
        f"""timescaledb.compress_segmentby = '"device"', {order}"""
        "timescaledb.compress_chunk_time_interval = '7 days');"
    )


def test_keys_of_compressed_hypertables_come_first() -> None:
    target = replace(SERVER, timescaledb="2.17.2")  # many chunks mean nothing to it
    first = preview_constraints(INVENTORY, target, first=True)
    last = preview_constraints(INVENTORY, target, first=False)
    (device,) = first[1:]
    assert device == (
        'ALTER TABLE "public"."metrics" ADD CONSTRAINT "metrics_device_fkey" '
        "FOREIGN KEY (device_id) REFERENCES devices(id);"
    )
    assert [text.split('"')[5] for text in last[1:]] == ["events_pkey", "notes_event_fkey"]


def test_what_only_the_run_knows_is_said_in_words() -> None:
    plan = build_plan(prepared(INVENTORY, method="split").task(Path("/var/tmp/dump")))
    for step in plan.steps:
        assert not [c for c in step.commands if "…" in c], step.id


@pytest.mark.parametrize("method", ["full", "split"])
def test_every_step_shows_what_it_runs(method: MethodName) -> None:
    answers = Answers(method=method, history=(CAGG.label,) if method == "split" else "keep")
    held = replace(
        INVENTORY,
        caggs=(CAGG, replace(CAGG, name="kept")),
        extras=replace(INVENTORY.extras, event_triggers=("on_ddl",)),
    )
    asked = replace(prepared(held), answers=answers)
    steps = {s.id: s.commands for s in build_plan(asked.task(Path("/var/tmp/dump"))).steps}
    assert not [id for id, commands in steps.items() if not commands]
    if method == "split":
        assert "CREATE SCHEMA IF NOT EXISTS _tswizard;" in steps["plan-pieces"]
        (refresh,) = steps["cagg-refresh"][1:]
        name = CAGG.sql.replace("'", "''")
        assert refresh == f"CALL \"public\".refresh_continuous_aggregate('{name}', START, END);"
    assert "SELECT count(*), CHECKSUM FROM ONLY RELATION;" in steps["check"]
    counted = replace(asked, answers=replace(answers, verify="count"))
    check = next(s for s in build_plan(counted.task(Path("/d"))).steps if s.id == "check")
    assert "SELECT count(*) FROM ONLY RELATION;" in check.commands


def test_a_materialization_is_no_hypertable_of_the_user() -> None:
    commands = "\n".join(preview_hypertables(INVENTORY, "ts"))
    assert "_materialized" not in commands


def test_nothing_to_do_is_said() -> None:
    none = replace(INVENTORY, hypertables=(), constraints=())
    assert preview_hypertables(none, "ts") == ("-- nothing: the source has no hypertables",)
    assert preview_chunks(none) == ("-- nothing: the source has no chunks",)
    assert preview_compression(none, "ts")[0].startswith("-- nothing")
    assert preview_constraints(none, SERVER, first=True)[0].startswith("-- nothing")
    assert preview_constraints(none, SERVER, first=False)[0].startswith("-- nothing")
    assert preview_sequences(none)[0].startswith("-- nothing")
