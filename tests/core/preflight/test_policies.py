"""Policies that would delete what was just migrated, or cannot be recreated."""

from dataclasses import replace
from datetime import timedelta

import pytest

from tests.support.sample_inventory import CAGG, CHUNK, HYPERTABLE, RETENTION, inventory
from tests.support.sample_task import prepared
from tswizard.core.catalog.inventory import Job
from tswizard.core.model.answers import Answers
from tswizard.core.preflight.checks.policies import (
    _drops_migrated,
    _interval,
    _not_recreated,
    _other_owners,
    _past_retention,
    _roles_missing,
    _without_settings,
)

HOURS = replace(
    RETENTION,
    id=1001,
    application="Refresh Continuous Aggregate Policy [1001]",
    proc_name="policy_refresh_continuous_aggregate",
    on=(CAGG.schema, CAGG.name),
)
KEEP = replace(RETENTION, config='{"drop_after": "1 mon 2 days", "hypertable_id": 1}')


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1 mon 2 days 03:00:00", timedelta(days=32, hours=3)),
        ("1 year", timedelta(days=365)),
        ("-00:30:00", timedelta(minutes=-30)),
        ("7 days", timedelta(days=7)),
    ],
)
def test_intervals_as_the_server_writes_them(text: str, expected: timedelta) -> None:
    assert _interval(text) == expected


@pytest.mark.parametrize(
    ("config", "reaches"),
    [
        ('{"start_offset": "31 days"}', False),
        ('{"start_offset": "32 days"}', False),
        ('{"start_offset": "32 days 00:00:01"}', True),
        ('{"start_offset": null}', True),
    ],
)
def test_a_refresh_that_reaches_past_the_retention(config: str, reaches: bool) -> None:
    source = inventory(caggs=(CAGG,), jobs=(KEEP, replace(HOURS, config=config)))
    assert len(list(_past_retention(source, "the source"))) == reaches


def test_chunks_that_go_when_jobs_are_enabled_are_counted() -> None:
    old = replace(
        CHUNK,
        range_start="2020-01-01 00:00:00+00",
        range_end="2020-01-02 00:00:00+00",
        rows_estimate=10,
    )
    new = replace(CHUNK, range_start="2999-01-01 00:00:00+00", range_end="2999-01-02 00:00:00+00")
    table = replace(HYPERTABLE, chunks=(old, old, new))
    held = inventory(hypertables=(table,), jobs=(KEEP,))
    (finding,) = _drops_migrated(replace(prepared(), inventory=held))
    assert "2 chunks" in finding.details[0] and "20 rows" in finding.details[0]
    paused = replace(prepared(Answers(enable_jobs=False)), inventory=held)
    assert list(_drops_migrated(paused)) == []


def test_a_compression_policy_needs_settings() -> None:
    policy = replace(RETENTION, proc_name="policy_compression")
    without = replace(HYPERTABLE, compression=None)
    source = inventory(hypertables=(without,), jobs=(policy,))
    (finding,) = _without_settings(source, "the source")
    assert "public.readings" in finding.what


def test_a_job_needs_its_owner() -> None:
    job = replace(RETENTION, proc_schema="public", proc_name="mine", owner="nobody here")
    (finding,) = _roles_missing(replace(prepared(), inventory=inventory(jobs=(job,))))
    assert "nobody here" in finding.what


def refused(target: str, *jobs: Job, parent: str | None = None) -> list[str]:
    held = inventory(caggs=(replace(CAGG, parent=parent),), jobs=jobs)
    there = inventory(server_timescaledb=target)
    found = _not_recreated(replace(prepared(), inventory=held, target_inventory=there))
    return [detail for finding in found for detail in finding.details]


@pytest.mark.parametrize(
    ("target", "parent", "number"),
    [
        ("2.20.3", None, 2),
        ("2.22.0", "public.lower", 0),
        ("2.22.1", "public.lower", 1),
        ("2.28.3", "public.lower", 1),
        ("2.28.3", None, 0),
        ("2.29.0", "public.lower", 0),
    ],
)
def test_several_refresh_policies(target: str, parent: str | None, number: int) -> None:
    assert len(refused(target, HOURS, replace(HOURS, id=1002), parent=parent)) == number


@pytest.mark.parametrize(
    ("target", "start", "number"),
    [
        ("2.18.0", '"10 days"', 0),
        ("2.18.0", '"30 days"', 1),
        ("2.18.0", "null", 1),
        ("2.18.1", "null", 0),
    ],
)
def test_compression_of_what_is_still_refreshed(target: str, start: str, number: int) -> None:
    packing = replace(
        HOURS,
        id=1002,
        proc_name="policy_compression",
        application="Compression Policy [1002]",
        config='{"compress_after": "30 days"}',
    )
    refresh = replace(HOURS, config=f'{{"start_offset": {start}}}')
    assert len(refused(target, refresh, packing)) == number


@pytest.mark.parametrize("target", ["2.20.3", "2.23.0", "2.28.3"])
def test_what_reads_the_wal_is_not_recreated_anywhere(target: str) -> None:
    job = replace(HOURS, proc_name="policy_process_hypertable_invalidations", application="a [1]")
    (detail,) = refused(target, job)
    assert "not recreated" in detail


def test_a_policy_belongs_to_the_owner_of_its_table() -> None:
    same = replace(RETENTION, owner=HYPERTABLE.owner)
    mine = replace(same, proc_schema="public", proc_name="mine", owner="another")
    held = inventory(hypertables=(HYPERTABLE,), jobs=(same, mine, replace(same, owner="former")))
    (finding,) = _other_owners(held, "the source")
    assert len(finding.details) == 1
    assert f"former, not {HYPERTABLE.owner}" in finding.details[0]
