"""What a role that may not do everything leaves undone after a restore is named."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.support.cloudlike import as_superuser, cloudlike_database
from tests.support.native import TARGET, named, need_community
from tests.support.step_context import step_context
from tswizard.core.catalog.inventory import Extras
from tswizard.core.db.connection import connected, rows, value
from tswizard.core.db.endpoint import Endpoint
from tswizard.core.full.restore_mode import leave
from tswizard.core.full.tablespaces import detach_lacking_tablespaces
from tswizard.core.model.finding import Level

pytestmark = pytest.mark.native

_JOBS = """
ALTER DATABASE {name} OWNER TO CURRENT_USER;
CREATE TABLE public.old (t timestamptz NOT NULL, v int);
SELECT public.create_hypertable('public.old', 't');
SELECT public.add_retention_policy('public.old', drop_created_before => interval '90 years',
  initial_start => '2090-01-01', timezone => 'Asia/Tokyo');
CREATE PROCEDURE public.act(job_id int, config jsonb) LANGUAGE sql AS 'SELECT 1';
SELECT public.add_job('public.act', interval '1 day', initial_start => '2090-01-01');
"""
_SCHEDULED = "SELECT scheduled FROM timescaledb_information.jobs WHERE job_id >= 1000"


@pytest.fixture
async def restored() -> AsyncIterator[Endpoint]:
    """A database with jobs of a superuser, as a role sees it that may write the catalog but is
    neither its owner nor theirs."""
    server = named(TARGET)
    async with cloudlike_database(server) as end:
        above = as_superuser(end, server)
        await need_community(above)
        async with connected(above) as superuser:
            await superuser.execute(_JOBS.format(name=dict(end.params)["dbname"]).encode())
        yield end


async def _revoke(end: Endpoint, right: str, table: str) -> None:
    async with connected(as_superuser(end, named(TARGET))) as superuser:
        query = f"REVOKE {right} ON {table} FROM {dict(end.params)['user']}"
        await superuser.execute(query.encode())


async def test_jobs_of_others_are_paused_by_their_rows(restored: Endpoint, tmp_path: Path) -> None:
    async with connected(restored) as role:
        assert await rows(role, _SCHEDULED) == [(True,), (True,)]
    async with step_context(tmp_path, restored, restored) as run:
        await leave(run.ctx)
    assert run.findings == []
    async with connected(restored) as role:
        assert await rows(role, _SCHEDULED) == [(False,), (False,)]


async def test_one_that_cannot_be_paused_is_named(restored: Endpoint, tmp_path: Path) -> None:
    async with connected(restored) as role:
        table = await value(
            role,
            "SELECT CASE WHEN to_regclass('_timescaledb_catalog.bgw_job') IS NULL "
            "THEN '_timescaledb_config.bgw_job' "
            "ELSE '_timescaledb_catalog.bgw_job, _timescaledb_config.bgw_job' END",
        )
    await _revoke(restored, "UPDATE", table)
    async with step_context(tmp_path, restored, restored) as run:
        await leave(run.ctx)
        jobs = [job.id for job in run.task.inventory.jobs]
    assert [finding.id for finding in run.findings] == ["job-not-paused"] * 2
    assert [finding.level for finding in run.findings] == [Level.LOOK] * 2
    for job, finding in zip(jobs, run.findings, strict=True):
        assert f"Job {job} " in finding.what
        assert f"id IN ({job})" in finding.todo


async def test_tablespaces_that_stay_attached_are_named(restored: Endpoint, tmp_path: Path) -> None:
    async with connected(as_superuser(restored, named(TARGET))) as superuser:
        await superuser.execute(
            "INSERT INTO _timescaledb_catalog.tablespace (hypertable_id, tablespace_name) "
            "SELECT id, 'faraway' FROM _timescaledb_catalog.hypertable"
        )
    attached = "SELECT count(*) FROM _timescaledb_catalog.tablespace"
    async with step_context(tmp_path, restored, restored) as run:
        held = replace(run.task.inventory, extras=Extras(tablespaces=("faraway",)))
        run.ctx.task = replace(run.task, inventory=held)
        await _revoke(restored, "DELETE", "_timescaledb_catalog.tablespace")
        await detach_lacking_tablespaces(run.ctx)
        assert run.finding("tablespaces-attached").level is Level.FAIL
        async with connected(as_superuser(restored, named(TARGET))) as superuser:
            assert await value(superuser, attached) == 1
            grant = f"GRANT DELETE ON _timescaledb_catalog.tablespace TO {restored.get('user')}"
            await superuser.execute(grant.encode())
        await detach_lacking_tablespaces(run.ctx)
        assert len(run.findings) == 1
    async with connected(restored) as role:
        assert await value(role, attached) == 0
