"""Policies that would delete what was just migrated, or cannot be recreated."""

from dataclasses import replace
from datetime import timedelta

import pytest

from tests.support.sample_inventory import CAGG, CHUNK, HYPERTABLE, RETENTION, inventory
from tests.support.sample_task import prepared
from tswizard.core.model.answers import Answers
from tswizard.core.preflight.checks.policies import (
    _drops_migrated,
    _interval,
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
