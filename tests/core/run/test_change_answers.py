"""Other jobs and another staging folder for a run that was stopped."""

from dataclasses import replace
from pathlib import Path

import pytest

from tests.support.sample_task import prepared
from tswizard.core.change_answers import change_answers
from tswizard.core.db.endpoint import Endpoint
from tswizard.core.full.steps import FullStep
from tswizard.core.model.answers import Answers
from tswizard.core.model.events import StepState
from tswizard.core.model.finding import Level
from tswizard.core.resume import start
from tswizard.core.run.run_folder import RunFolder, RunFolderError

TARGET = Endpoint.parse("host=cloud.example.com dbname=tsdb")


@pytest.fixture
def run_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> RunFolder:
    """A full migration that stopped while it dumped."""
    monkeypatch.setenv("TSWIZARD_STATE_DIR", str(tmp_path / "state"))
    run_folder = start(prepared(Answers(jobs=8)), ()).run_folder
    run_folder.dump_path.mkdir()
    (run_folder.dump_path / "3001.dat.lz4").write_bytes(b"half")
    return run_folder


async def test_jobs_alone_leave_the_dump_alone(run_folder: RunFolder) -> None:
    assert await change_answers(run_folder, TARGET, jobs=2) == ()
    assert RunFolder.open(run_folder.record.id).record.answers == Answers(jobs=2)
    assert run_folder.dump_path.exists()


async def test_an_unfinished_dump_goes_with_its_folder(
    run_folder: RunFolder, tmp_path: Path
) -> None:
    before = run_folder.dump_path
    await change_answers(run_folder, TARGET, staging=str(tmp_path))
    assert not before.exists()
    again = RunFolder.open(run_folder.record.id)
    assert again.record.answers == Answers(jobs=8, staging=str(tmp_path))
    assert again.dump_path == tmp_path / f"tswizard-{again.record.id}"


async def test_a_finished_dump_is_not_lost(run_folder: RunFolder, tmp_path: Path) -> None:
    before = run_folder.dump_path
    (before / "toc.dat").write_bytes(b"all")
    step = replace(run_folder.record.step(FullStep.DUMP), state=StepState.DONE)
    run_folder.save(run_folder.record.with_step(step))
    with pytest.raises(RunFolderError, match=f"continues from its finished dump in {before}; "):
        await change_answers(run_folder, TARGET, staging=str(tmp_path))
    assert (before / "toc.dat").exists()
    assert run_folder.record.answers == Answers(jobs=8)
    await change_answers(run_folder, TARGET, jobs=1, staging="")
    assert run_folder.record.answers == Answers(jobs=1)


async def test_a_run_that_is_over_or_under_way_keeps_its_answers(run_folder: RunFolder) -> None:
    with run_folder.held(), pytest.raises(RunFolderError, match="in use by another"):
        await change_answers(run_folder, TARGET, jobs=2)
    run_folder.save(replace(run_folder.record, result=Level.PASS))
    with pytest.raises(RunFolderError, match="has finished"):
        await change_answers(run_folder, TARGET, jobs=2)
    assert run_folder.record.answers == Answers(jobs=8)
