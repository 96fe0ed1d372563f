"""Jobs of every kind arrive with every setting, once, and a change of any of them is seen."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
import pytest_asyncio

from tests.support.policies import PolicyEnds, jobs_of, policy_ends, run_statements
from tests.support.step_context import step_context
from tswizard.core.catalog.catalog_shape import read_shape
from tswizard.core.catalog.inventory import Job
from tswizard.core.catalog.jobs import read_jobs
from tswizard.core.db.connection import Connection, connected, value
from tswizard.core.split.policies.comparison import job_objects
from tswizard.core.split.policies.recreate import read_target_ids, recreate_policies
from tswizard.core.split.policies.statements import JobApi, read_job_api
from tswizard.core.steps.enable_jobs import enabling_statement
from tswizard.core.steps.job_switch import switch_by_hand
from tswizard.core.verify.schema.read import Object, ObjectKey

pytestmark = pytest.mark.asyncio(loop_scope="module")

_PARAMS = [
    pytest.param(False, id="embedded", marks=pytest.mark.e2e),
    pytest.param(True, id="native", marks=pytest.mark.native),
]


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=_PARAMS)
async def ends(request: pytest.FixtureRequest, prepared_sample: None) -> AsyncIterator[PolicyEnds]:
    """Both ends, after all jobs were recreated; an interrupted first attempt included."""
    async with policy_ends(native=request.param) as found:
        yield found


async def api_of(ends: PolicyEnds) -> JobApi:
    async with connected(ends.target) as target:
        return await read_job_api(target, "public")


async def compared(ends: PolicyEnds) -> tuple[dict[ObjectKey, Object], dict[ObjectKey, Object]]:
    api = await api_of(ends)
    return (
        job_objects(await jobs_of(ends.source), api),
        job_objects(await jobs_of(ends.target), api),
    )


async def test_every_job_arrives_once_and_paused(ends: PolicyEnds, tmp_path: Path) -> None:
    async with connected(ends.target) as target:
        await target.execute("CREATE SCHEMA IF NOT EXISTS _tswizard")
    async with step_context(tmp_path, ends.source, ends.target) as run:
        # First some, as if a run was killed in between; then all; then all once more.
        some = replace(run.task.answers, policies=tuple(j.id for j in run.task.inventory.jobs[:4]))
        whole = run.ctx.task
        run.ctx.task = replace(whole, answers=some)
        await recreate_policies(run.ctx)
        assert len(await jobs_of(ends.target)) == 4
        run.ctx.task = whole
        await recreate_policies(run.ctx)
        await recreate_policies(run.ctx)
        assert run.findings == []
    theirs = await jobs_of(ends.target)
    assert not [job for job in theirs if job.scheduled]
    source, arrived = await compared(ends)
    assert len(source) == 10
    assert {key: found.definition for key, found in arrived.items()} == {
        key: found.definition for key, found in source.items()
    }
    async with connected(ends.target) as connection:
        ids = await read_target_ids(connection)
    kinds = {job.id: job.proc_name for job in theirs}
    assert {job.id: kinds[ids[job.id]] for job in await jobs_of(ends.source)} == {
        job.id: job.proc_name for job in await jobs_of(ends.source)
    }


CHANGES = (
    ("policy_retention", "schedule_interval => INTERVAL '4 days'"),
    ("policy_compression", "max_runtime => INTERVAL '1 hour'"),
    ("policy_reorder", "max_retries => 3"),
    ("policy_refresh_continuous_aggregate", "retry_period => INTERVAL '7 minutes'"),
    ("policy_refresh_continuous_aggregate", "timezone => 'Asia/Tokyo'"),
    ("do It", "fixed_schedule => NOT fixed_schedule"),
    ("do It", "initial_start => '2020-02-02 00:00+00'"),
    ("do It", "config => '{\"to\": []}'"),
    ("policy_compression", "config => config || '{\"maxchunks_to_compress\": 4}'"),
)


@pytest.mark.parametrize(("procedure", "change"), CHANGES)
async def test_a_changed_setting_is_a_difference(
    ends: PolicyEnds, procedure: str, change: str
) -> None:
    source, before = await compared(ends)
    assert source == before
    keep = "" if "timezone" in change else ", timezone => timezone"
    statement = (
        f"SELECT public.alter_job(id, {change}{keep}) FROM _timescaledb_config.bgw_job "
        f"WHERE proc_name = '{procedure}' AND id = %s"
    )
    chosen = [job for job in await jobs_of(ends.target) if job.proc_name == procedure]
    job = max(chosen, key=lambda job: (job.fixed_schedule, job.id))
    async with connected(ends.target) as target, target.transaction(force_rollback=True):
        await target.execute(statement.encode(), (job.id,))
        await target.execute("SET LOCAL TimeZone = 'UTC'")
        changed = await _changed(target, job)
    api = await api_of(ends)
    others = [other for other in await jobs_of(ends.target) if other.id != job.id]
    assert job_objects([*others, changed], api) != source


async def _changed(target: Connection, job: Job) -> Job:
    found = await read_jobs(target, await read_shape(target))
    return next(other for other in found if other.id == job.id)


async def test_what_a_person_is_given_to_run_changes_nothing_else(
    ends: PolicyEnds, tmp_path: Path
) -> None:
    source, _ = await compared(ends)
    jobs = await jobs_of(ends.target)
    async with step_context(tmp_path, ends.source, ends.target) as run:
        task = run.task
    timescaledb = task.target_server.timescaledb
    later = [(replace(job, next_start="2031-01-01 00:00:00+00"), job.id) for job in jobs]
    async with connected(ends.target) as target, target.transaction(force_rollback=True):
        await target.execute("SET LOCAL TimeZone = 'UTC'")
        await target.execute("SET LOCAL search_path = public")  # as psql has it
        await target.execute(enabling_statement(task, later).encode())
        on = await read_jobs(target, await read_shape(target))
        assert {job.next_start for job in on} == {"2031-01-01 00:00:00+00"}
        off = switch_by_hand([job.id for job in jobs], False, timescaledb)
        await target.execute(off.encode())
        found = await read_jobs(target, await read_shape(target))
    assert all(job.scheduled for job in on) and not any(job.scheduled for job in found)
    assert job_objects(found, await api_of(ends)) == source


async def test_what_the_target_refuses_is_named_with_its_statements(
    ends: PolicyEnds, tmp_path: Path
) -> None:
    async with connected(ends.target) as target:
        there = int(await value(target, "SELECT count(*) FROM _tswizard.job"))
    async with step_context(tmp_path, ends.source, ends.target) as run:
        job = run.task.inventory.jobs[0]
        elsewhere = replace(job, id=99_999, on=("public", "nowhere"))
        inventory = replace(run.task.inventory, jobs=(elsewhere,))
        run.ctx.task = replace(run.task, inventory=inventory)
        await recreate_policies(run.ctx)
        found = run.finding("policy-not-recreated")
    assert "99999" in found.what and "nowhere" in found.why
    assert any("add_" in statement for statement in found.details)
    await run_statements(ends.target, "SELECT 1")
    async with connected(ends.target) as target:
        assert int(await value(target, "SELECT count(*) FROM _tswizard.job")) == there
