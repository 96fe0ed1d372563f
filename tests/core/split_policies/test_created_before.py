"""Policies by the age of a chunk instead of its rows arrive, and can be switched."""

from pathlib import Path

import pytest

from tests.support.native import databases
from tests.support.policies import jobs_of, run_statements
from tests.support.step_context import step_context
from tswizard.core.db.connection import connected
from tswizard.core.split.policies.comparison import job_objects
from tswizard.core.split.policies.recreate import recreate_policies
from tswizard.core.split.policies.statements import read_job_api
from tswizard.core.steps.job_switch import JobSwitch, set_row, set_scheduled

pytestmark = pytest.mark.native

_TABLE = (
    "CREATE TABLE stamped (t timestamptz NOT NULL, v int)",
    "SELECT create_hypertable('stamped', 't')",
    "ALTER TABLE stamped SET (timescaledb.compress)",
)
_POLICIES = (
    "SELECT add_retention_policy('stamped', drop_created_before => INTERVAL '90 days', "
    "initial_start => '2090-01-01', timezone => 'Asia/Tokyo')",
    "SELECT add_compression_policy('stamped', compress_created_before => INTERVAL '8 days 02:00', "
    "initial_start => '2090-01-01')",
)


async def test_they_arrive_and_are_switched(tmp_path: Path) -> None:
    async with databases(community=True) as (source, target):
        for end in (source, target):
            await run_statements(end, *_TABLE)
        await run_statements(source, *_POLICIES)
        await run_statements(target, "CREATE SCHEMA _tswizard")
        async with step_context(tmp_path, source, target) as run:
            await recreate_policies(run.ctx)
            assert run.findings == []
        async with connected(target) as connection:
            api = await read_job_api(connection, "public")
            here, there = await jobs_of(source), await jobs_of(target)
            assert len(there) == 2
            assert job_objects(there, api) == job_objects(here, api)
            assert [job.scheduled for job in there] == [False, False]
            for scheduled in (True, False):
                switches = [JobSwitch(job.id, scheduled) for job in there]
                assert await set_scheduled(connection, "public", switches) == {}
                now = await jobs_of(target)
                assert [job.scheduled for job in now] == [scheduled, scheduled]
                assert job_objects(now, api) == job_objects(here, api)


async def test_where_alter_job_refuses_the_row_is_left() -> None:
    """As on a source with such a policy, or after a restore, up to 2.26.2."""
    async with databases(community=True) as (source, _target):
        await run_statements(source, *_TABLE, *_POLICIES)
        async with connected(source) as connection:
            for scheduled in (False, True):
                switches = [JobSwitch(job.id, scheduled) for job in await jobs_of(source)]
                refused = await set_scheduled(connection, "public", switches)
                for job, why in refused.items():
                    assert "drop_after" in why
                    assert await set_row(connection, job, scheduled) is None
                jobs = await jobs_of(source)
                assert [job.scheduled for job in jobs] == [scheduled, scheduled]
                assert {job.timezone for job in jobs} == {None, "Asia/Tokyo"}
