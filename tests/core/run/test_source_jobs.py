"""Jobs of the source that are running when they are paused are waited for, or named."""

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from tests.support.native import SOURCE, TARGET, named
from tests.support.sample_inventory import RETENTION
from tests.support.step_context import step_context
from tswizard.core.db.connection import connected
from tswizard.core.db.endpoint import Endpoint
from tswizard.core.run.context import StepFailed
from tswizard.core.steps import source_jobs

pytestmark = pytest.mark.native

NAME = "Retention Policy [4711]"
"""As a background worker of that job would be called."""
JOB = replace(RETENTION, id=4711, application=NAME)


async def pausing(folder: Path, source: Endpoint, target: Endpoint) -> list[str]:
    """Pause one job that no server knows, as if this run had paused it before; what the step
    said."""
    async with step_context(folder, source, target) as run:
        run.ctx.task = replace(run.task, inventory=replace(run.task.inventory, jobs=(JOB,)))
        run.ctx.run_folder.save(replace(run.ctx.run_folder.record, paused_source_jobs=(JOB.id,)))
        await source_jobs.pause(run.ctx)
        return run.ctx.run_folder.log_path.read_text().splitlines()


async def test_a_running_job_is_waited_for(tmp_path: Path) -> None:
    source, target = named(SOURCE), named(TARGET)
    async with connected(source) as worker:
        await worker.execute(f"SET application_name = '{NAME}'".encode())
        task = asyncio.create_task(pausing(tmp_path, source, target))
        log = tmp_path / "runs"
        async with asyncio.timeout(600):
            while not any("waiting for" in p.read_text() for p in log.glob("*/log.txt")):
                assert not task.done(), task.result()
                await asyncio.sleep(0.02)
    assert any(f"waiting for {NAME} on the source (pid " in line for line in await task)


async def test_one_that_does_not_end_is_named_with_its_pid(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(source_jobs, "WAIT_FOR_RUNNING", 0.0)
    source, target = named(SOURCE), named(TARGET)
    async with connected(source) as worker:
        await worker.execute(f"SET application_name = '{NAME}'".encode())
        pid = worker.info.backend_pid
        with pytest.raises(StepFailed) as failed:
            await pausing(tmp_path, source, target)
        finding = failed.value.finding
    assert finding.id == "source-job-running"
    assert NAME in finding.what
    assert f"pg_terminate_backend({pid})" in finding.todo
