"""A split run that copies through files continues with another staging folder."""

from dataclasses import replace
from pathlib import Path

import pytest

from tests.support.split_ends import Ends, content, copy_everything, job, leading
from tswizard.core.catalog.read import read_inventory
from tswizard.core.change_answers import change_answers
from tswizard.core.db.connection import connected
from tswizard.core.model.answers import Answers
from tswizard.core.run.run_folder import RunFolder, RunFolderError
from tswizard.core.split.ledger.leader_lock import LeaderLock, acquire
from tswizard.core.split.ledger.queue import CopyMode, staged_elsewhere
from tswizard.core.split.plan.piece import Stage
from tswizard.core.steps.stored_run import StoredRun, read_stored_run, write_stored_run

pytestmark = pytest.mark.native


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TSWIZARD_STATE_DIR", str(tmp_path / "state"))
    return tmp_path


async def begun(ends: Ends, answers: Answers) -> RunFolder:
    """A run whose record is on the target, led last from another machine."""
    run_folder = RunFolder.create(ends.source, ends.target, answers, (("plan-pieces", ""),), ())
    inventory = await read_inventory(ends.source)
    run_folder.save_inventory(inventory)
    async with connected(ends.target) as target:
        await write_stored_run(target, StoredRun("other:/x", run_folder.record, inventory))
    return run_folder


async def stored(ends: Ends) -> StoredRun:
    async with connected(ends.target) as target:
        found = await read_stored_run(target)
    assert found is not None
    return found


async def test_files_in_the_old_folder_are_written_again(native_ends: Ends, state: Path) -> None:
    answers = Answers(method="split", via="files")
    run_folder = await begun(native_ends, answers)
    old, new = run_folder.dump_path, state / "new"
    new.mkdir()
    old.mkdir()
    (old / "schema.dump").write_bytes(b"PGDMP")
    work = job(native_ends, state, run_folder.record.id, via="files")
    async with leading(replace(work, staging=old)) as coordinator:
        await coordinator.run_pass(Stage.TABLES, CopyMode.EXPORT)

    told = await change_answers(run_folder, native_ends.target, jobs=2, staging=str(new))
    assert [line.split(": ")[0] for line in told] == ["To be copied again"]
    assert not old.exists()
    assert (run_folder.dump_path / "schema.dump").read_bytes() == b"PGDMP"
    changed = Answers(method="split", via="files", jobs=2, staging=str(new))
    assert RunFolder.open(run_folder.record.id).record.answers == changed
    kept = await stored(native_ends)
    assert (kept.record.answers, kept.location) == (changed, run_folder.location)
    async with connected(native_ends.target) as target:
        assert await staged_elsewhere(target, "") == []

    async with leading(replace(work, staging=run_folder.dump_path)) as coordinator:
        await copy_everything(coordinator)
    assert await content(native_ends.target) == await content(native_ends.source)


async def test_a_folder_that_cannot_be_used_changes_nothing(native_ends: Ends, state: Path) -> None:
    answers = Answers(method="split")
    run_folder = await begun(native_ends, answers)
    (state / "file").touch()
    with pytest.raises(RunFolderError, match=r"staging folder .* cannot be used: Not a directory"):
        await change_answers(run_folder, native_ends.target, staging=str(state / "file"))
    assert run_folder.record.answers == (await stored(native_ends)).record.answers == answers


async def test_who_leads_the_run_elsewhere_keeps_its_answers(
    native_ends: Ends, state: Path
) -> None:
    run_folder = await begun(native_ends, Answers(method="split"))
    async with connected(native_ends.target) as leader:
        assert await acquire(leader, LeaderLock.RUN)
        with pytest.raises(RunFolderError, match=r"Another tswizard process is running"):
            await change_answers(run_folder, native_ends.target, jobs=2)
    assert (await stored(native_ends)).record.answers == Answers(method="split")
