"""A check after the run says which jobs are switched on otherwise than on the source."""

from pathlib import Path

import pytest

from tests.support.begun_run import begun, carried_out
from tests.support.native import databases
from tests.support.policies import jobs_of, run_statements
from tswizard.core.check_again import check_again
from tswizard.core.db.endpoint import Endpoint
from tswizard.core.model.answers import Answers, MethodName
from tswizard.core.model.finding import Finding, Level
from tswizard.core.run.runner import Run

pytestmark = pytest.mark.native

_SOURCE = (
    "CREATE TABLE public.h (t timestamptz NOT NULL, v int)",
    "SELECT create_hypertable('public.h', 't')",
    "INSERT INTO public.h VALUES (now(), 1)",
    "ALTER TABLE public.h SET (timescaledb.compress)",
    "SELECT add_retention_policy('public.h', interval '20 years')",
    "SELECT add_compression_policy('public.h', interval '20 years')",
    "SELECT alter_job(job_id, scheduled => false) FROM timescaledb_information.jobs "
    "WHERE proc_name = 'policy_retention'",
)
_SWITCHED = (
    "SELECT alter_job(job_id, scheduled => NOT scheduled) FROM timescaledb_information.jobs "
    "WHERE job_id >= 1000"
)


async def _checked(run: Run, source: Endpoint, target: Endpoint) -> list[Finding]:
    again = await carried_out(await check_again(run.run_folder, source, target))
    assert again.outcome is not None
    return [found for found in again.outcome.findings if found.id == "job-schedules"]


@pytest.mark.parametrize("method", ["full", "split"])
async def test_switched_jobs_are_named_and_the_statements_switch_them(
    method: MethodName, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TSWIZARD_STATE_DIR", str(tmp_path))
    async with databases(community=True) as (source, target):
        await run_statements(source, *_SOURCE)
        answers = Answers(method=method, enable_jobs=True)
        run = await carried_out(await begun(source, target, answers))
        assert run.outcome is not None
        assert run.outcome.result is Level.PASS
        assert not [found for found in run.outcome.findings if found.id == "job-schedules"]
        as_it_was = {job.what: job.scheduled for job in await jobs_of(target)}
        assert as_it_was == {"retention": False, "compression": True}
        assert await _checked(run, source, target) == []

        await run_statements(target, _SWITCHED)
        (found,) = await _checked(run, source, target)
        assert found.level is Level.LOOK
        assert found.what.endswith("1 paused, 1 enabled")
        assert len(found.details) == 2
        _, _, statements = found.todo.partition("as their owner: ")
        await run_statements(target, *statements.removesuffix(";").split("; "))
        assert {job.what: job.scheduled for job in await jobs_of(target)} == as_it_was
        assert await _checked(run, source, target) == []
