"""What is carried though a restore would lose it, and what the target's version refuses."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from tests.support.sample_inventory import (
    CAGG,
    CHUNK,
    HYPERTABLE,
    RETENTION,
    empty,
    inventory,
    prepared,
    until_it_connects,
)
from tswizard.core.catalog.cagg_model import CaggDependent, CaggState, InvalidRange
from tswizard.core.catalog.hypertable_model import Dimension, DimensionKind
from tswizard.core.catalog.inventory import Constraint, Inventory, Sequence
from tswizard.core.model.finding import Finding, Level


def found(
    source: Inventory, target: Inventory | None = None, method: str = "split", **answers: Any
) -> dict[str, Finding]:
    findings = asyncio.run(until_it_connects(prepared(source, target, method=method, **answers)))
    return {finding.id: finding for finding in findings}


def constraint(name: str, kind: str, **changes: Any) -> Constraint:
    base = Constraint(
        oid=1,
        schema="public",
        table="readings",
        name=name,
        kind=kind,
        definition="…",
        validated=True,
        storage=None,
        incoming=False,
    )
    return replace(base, **changes)


STATE = CaggState(
    time_column="bucket",
    time_type="timestamp with time zone",
    bucket="1 day",
    fixed=True,
    width=86_400_000_000,
    watermark=10 * 86_400_000_000,
    first=0,
    last=9 * 86_400_000_000,
    first_raw=5 * 86_400_000_000,
    last_raw=9 * 86_400_000_000,
    raw_from=5 * 86_400_000_000,
    invalid=(InvalidRange(low=1, high=2, raw_rows=True),),
    valid_until=10 * 86_400_000_000,
)
TIME = Dimension(
    number=1,
    column="at",
    quoted="at",
    column_type="bigint",
    kind=DimensionKind.RANGE,
    interval="7",
    partitions=None,
    partitioning_function="public.slot",
    integer_now=None,
)
LATER = replace(CHUNK, range_start="2024-01-08 00:00:00+00", range_end="2024-01-09 00:00:00+00")
ODD = replace(
    HYPERTABLE, chunks=(replace(CHUNK, partial=True), LATER), dimensions=(TIME,), row_security=True
)

CARRIED = inventory(
    hypertables=(ODD,),
    caggs=(replace(CAGG, state=STATE, materialized_only=False),),
    constraints=(
        constraint("key", "p"),
        constraint("check", "c", validated=False),
        constraint("to it", "f", table="notes", incoming=True),
    ),
    cagg_dependents=(CaggDependent("view", "public.report", ("public.daily",)),),
    sequences=(
        Sequence(schema="public", name="s", last_value=1, is_called=True),
        Sequence(schema="public", name="hidden", last_value=1, is_called=True, readable=False),
    ),
    extras_generated=("public.readings.twice",),
)


@pytest.mark.parametrize(
    ("id", "method", "says"),
    [
        ("hypertable-constraints", "split", "2 constraints of hypertables"),
        ("not-valid-constraints", "split", "1 constraint NOT VALID"),
        ("foreign-keys-to-hypertables", "full", "1 foreign key to hypertables"),
        ("views-on-continuous-aggregates", "split", "1 view or routine on"),
        ("cagg-settings", "split", "(1 real-time, 0 with compression)"),
        ("cagg-row-security", "split", "public.daily on hypertables with row-level security"),
        ("cagg-invalid-ranges", "split", "stay invalid on the target, and the next refresh"),
        ("history-kept", "split", "copied as stored"),
        ("chunk-intervals", "split", "public.readings: chunks with an earlier chunk interval"),
        ("partial-chunks", "split", "1 compressed chunk that also holds uncompressed"),
        ("partitioning-functions", "split", "1 dimension with a partitioning function"),
        ("sequences-set", "split", "1 sequence:"),
        ("generated-columns", "split", "1 generated column:"),
        ("source-jobs-paused", "split", "1 job of the source"),
        ("restored-jobs-paused", "full", "1 job: paused"),
    ],
)
def test_what_would_be_lost_is_named_with_what_is_done(id: str, method: str, says: str) -> None:
    finding = found(CARRIED, method=method)[id]
    assert finding.level is Level.PASS
    assert says in finding.what
    assert finding.details
    others = found(inventory(jobs=()), method=method)
    assert id not in others


def test_recomputed_history_is_not_kept() -> None:
    assert "history-kept" not in found(CARRIED, history="recompute")


@pytest.mark.parametrize(
    ("changes", "version", "says"),
    [
        ({"proc_name": "policy_recompression"}, "2.28.3", "no version adds"),
        ({"proc_name": "policy_process_hypertable_invalidations"}, "2.28.3", "2.21 to 2.26"),
        ({"proc_name": "policy_compaction"}, "2.28.3", "needs 2.29"),
        ({"application": "My name [1000]"}, "2.19.3", "My name, needs 2.20"),
        ({}, "2.28.3", "without set_integer_now_func()"),
    ],
)
def test_a_policy_that_the_target_does_not_have(
    changes: dict[str, Any], version: str, says: str
) -> None:
    source = inventory(hypertables=(ODD,), jobs=(replace(RETENTION, **changes),))
    target = empty(server_timescaledb=version)
    (detail, *_) = found(source, target)["policies-not-recreated"].details
    assert says in detail
    assert "policies-not-recreated" not in found(source, target, policies="none")
    assert "policies-not-recreated" not in found(source, target, method="full")


def test_several_refresh_policies_need_a_version_that_allows_them() -> None:
    job = replace(
        RETENTION, proc_name="policy_refresh_continuous_aggregate", on=("public", "daily")
    )
    source = inventory(caggs=(CAGG,), jobs=(job, replace(job, id=1001)))
    assert "policies-not-recreated" in found(source, empty(server_timescaledb="2.20.3"))
    assert "policies-not-recreated" not in found(source, empty(server_timescaledb="2.21.0"))
