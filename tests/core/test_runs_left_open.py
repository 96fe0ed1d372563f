"""What a killed run has left is known to whoever comes next."""

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from tests.support.sample_inventory import RETENTION, inventory, until_it_connects
from tests.support.sample_inventory import prepared as sample
from tests.support.sample_task import prepared
from tswizard.core.methods import METHODS
from tswizard.core.model.answers import Answers
from tswizard.core.model.events import StepState
from tswizard.core.model.left_open import LeftOpen
from tswizard.core.resume import start
from tswizard.core.run.method import Method
from tswizard.core.run.run_folder import RunFolder
from tswizard.core.runs_left_open import left_open, left_open_between


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TSWIZARD_STATE_DIR", str(tmp_path / "state"))


def killed(method: Method, step: str) -> RunFolder:
    """In this step, with jobs of the source paused."""
    run_folder = start(prepared(Answers(method=method.name)), ()).run_folder
    record = run_folder.record
    record = record.with_step(replace(record.step(step), state=StepState.RUNNING))
    run_folder.save(replace(record, paused_source_jobs=(1000, 1001)))
    return run_folder


@pytest.mark.parametrize("method", METHODS, ids=lambda method: method.name)
def test_paused_jobs_are_named_with_their_statement(method: Method) -> None:
    run_folder = killed(method, "analyze")
    (found,) = left_open(run_folder)
    assert found.what == "jobs 1000, 1001 of the source are still paused"
    assert found.statement == (
        "SELECT alter_job(id, scheduled => true, timezone => timezone) "
        "FROM _timescaledb_config.bgw_job WHERE id IN (1000, 1001);"
    )
    record = run_folder.record
    assert left_open_between(record.source_label, "elsewhere") == (found,)
    assert left_open_between("elsewhere", record.target_label) == (found,)
    assert left_open_between("elsewhere", "elsewhere") == ()
    with run_folder.held():
        assert left_open(run_folder) == ()


def test_restore_mode_is_named_until_it_was_left() -> None:
    run_folder = killed(METHODS[0], "restore-rows")
    mode, _ = left_open(run_folder)
    assert mode.what == "the target may still be in restore mode"
    record = run_folder.record
    run_folder.save(
        record.with_step(replace(record.step("leave-restore-mode"), state=StepState.DONE))
    )
    assert len(left_open(run_folder)) == 1


@pytest.mark.parametrize("scheduled", [True, False])
def test_the_next_preflight_says_it_while_a_job_is_paused(scheduled: bool) -> None:
    job = replace(RETENTION, scheduled=scheduled)
    held = sample(inventory(jobs=(job,)))
    left = LeftOpen(
        run="run-1",
        what=f"job {job.id} of the source is still paused",
        statement=f"SELECT alter_job({job.id}, scheduled => true);",
        source=held.source.label,
        target="elsewhere",
        jobs=(job.id,),
    )
    findings = asyncio.run(until_it_connects(replace(held, left_open=(left,))))
    said = [finding for finding in findings if finding.id == "left-paused"]
    assert len(said) == (not scheduled)
    assert all("tswizard resume run-1" in finding.todo for finding in said)
