"""Definitions of continuous aggregates, tried on the target before anything is there."""

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest

from tests.support.caggs import estate_ends
from tests.support.sample_inventory import CAGG, HYPERTABLE, SERVER, TABLE, inventory
from tests.support.sample_task import prepared
from tswizard.core.catalog.cagg_inputs import read_cagg_inputs
from tswizard.core.catalog.inventory import Inventory
from tswizard.core.catalog.read import read_inventory
from tswizard.core.db.connection import connected, value
from tswizard.core.model.answers import Answers
from tswizard.core.model.prepared import Prepared
from tswizard.core.preflight.checks.continuous_aggregates import (
    _by_wal,
    _experimental,
    _not_recreatable,
    _same_name,
    _triggers,
    try_caggs,
)

SPLIT = Answers(method="split")


@pytest.fixture
async def found() -> AsyncIterator[Prepared]:
    async with estate_ends() as (source, target):
        yield replace(
            prepared(SPLIT),
            source=source,
            target=target,
            inventory=await read_inventory(source),
            target_inventory=await read_inventory(target),
        )


@pytest.mark.native
async def test_what_the_source_has_is_taken_and_what_timescaledb_refuses_is_told(
    found: Prepared,
) -> None:
    async with connected(found.source) as source:
        inputs = await read_cagg_inputs(source)
    caggs = found.inventory.caggs
    assert await try_caggs(found, caggs, inputs) == {}
    hourly = next(cagg for cagg in caggs if cagg.label == "estate.hourly")
    bad = replace(
        hourly,
        definition="SELECT ts AS bucket, count(*) AS n FROM estate.readings GROUP BY 1",
    )
    refused = await try_caggs(found, [bad], inputs)
    assert "time bucket function" in refused["estate.hourly"]
    # What the target has not yet is no reason to refuse.
    unknown = replace(hourly, definition=hourly.definition.replace("var_pop(", "estate.nowhere("))
    assert await try_caggs(found, [unknown], inputs) == {}
    async with connected(found.target) as target:
        assert await value(target, "SELECT to_regnamespace('estate')") is None


def on_target(version: str, held: Inventory) -> Prepared:
    server = replace(SERVER, timescaledb=version)
    return replace(prepared(SPLIT), inventory=held, target_inventory=inventory(server=server))


def test_the_old_format_comes_with_its_conversion() -> None:
    old = inventory(caggs=(replace(CAGG, finalized=False),))
    (finding,) = _not_recreatable(on_target("2.28.3", old))
    assert 'CALL cagg_migrate(\'"public"."daily"\');' in finding.todo
    assert not list(_not_recreatable(on_target("2.28.3", inventory(caggs=(CAGG,)))))


@pytest.mark.parametrize(("version", "told"), [("2.14.2", False), ("2.15.0", True)])
def test_time_bucket_ng_is_told_where_it_is_refused(version: str, told: bool) -> None:
    text = "SELECT timescaledb_experimental.time_bucket_ng('1 day', ts) FROM readings GROUP BY 1"
    held = inventory(caggs=(replace(CAGG, definition=text),))
    findings = list(_experimental(on_target(version, held)))
    assert [f.id for f in findings] == (["cagg-time-bucket-ng"] if told else [])


@pytest.mark.parametrize(("version", "told"), [("2.13.1", False), ("2.14.0", True)])
def test_triggers_are_named_where_they_are_refused(version: str, told: bool) -> None:
    held = inventory(caggs=(replace(CAGG, triggers=("odd one",)),))
    findings = list(_triggers(on_target(version, held)))
    assert ['DROP TRIGGER "odd one" ON "public"."daily";' in f.todo for f in findings] == (
        [True] if told else []
    )


def test_changes_that_only_the_wal_holds() -> None:
    held = inventory(caggs=(replace(CAGG, by_wal=True),))
    (finding,) = _by_wal(held, "the source")
    assert 'process_hypertable_invalidations(\'"public"."readings"\')' in finding.todo


@pytest.mark.parametrize(
    "changes",
    [
        {"caggs": (replace(CAGG, schema="a", name="b.c"), replace(CAGG, schema="a.b", name="c"))},
        {
            "caggs": (replace(CAGG, schema="a", name="b.c"),),
            "tables": (replace(TABLE, schema="a.b", name="c"),),
        },
        {
            "caggs": (replace(CAGG, schema="a", name="b.c"),),
            "hypertables": (replace(HYPERTABLE, schema="a.b", name="c"),),
        },
    ],
)
def test_names_that_are_the_same_without_quotes_are_refused(changes: dict[str, Any]) -> None:
    (finding,) = _same_name(inventory(**changes), "the source")
    assert finding.details == ('"a"."b.c" and "a.b"."c"',)
    materialization = replace(HYPERTABLE, schema="i", name="m", cagg=CAGG.label)
    assert not list(_same_name(inventory(caggs=(CAGG,), hypertables=(materialization,)), "it"))
