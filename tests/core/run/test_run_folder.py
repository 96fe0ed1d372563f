"""The run folder survives crashes, tells runs apart and keeps two processes from one run."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from tests.support.sample_inventory import inventory
from tswizard.core.db.endpoint import Endpoint
from tswizard.core.model.answers import Answers
from tswizard.core.model.events import StepState
from tswizard.core.model.finding import Finding, Level
from tswizard.core.run.record import RECORD_FORMAT, StepRecord
from tswizard.core.run.run_folder import RunFolder, RunFolderError, all_runs

SOURCE = Endpoint.parse("host=/tmp dbname=defaultdb", password="hunter2")
TARGET = Endpoint.parse("host=/tmp dbname=tsdb", password="hunter3")
FOUND = Finding(Level.LOOK, "an-id", "something", where="somewhere", details=("a", "b"))


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TSWIZARD_STATE_DIR", str(tmp_path / "state"))
    return tmp_path / "state"


def make() -> RunFolder:
    steps = (("dump", "Dump the source"), ("check", "Check everything"))
    return RunFolder.create(SOURCE, TARGET, Answers(jobs=2), steps, (FOUND,))


def test_a_run_comes_back_as_it_was() -> None:
    run_folder = make()
    step = StepRecord(name="dump", state=StepState.DONE, seconds=2.5, findings=(FOUND,))
    run_folder.save(replace(run_folder.record.with_step(step), paused_source_jobs=(1000,)))
    again = RunFolder.open(run_folder.record.id)
    assert again.record == run_folder.record
    assert again.record.step("dump") == step
    assert again.record.findings == (FOUND, FOUND)
    assert again.record.seconds == 2.5
    assert [run.record.id for run in all_runs()] == [run_folder.record.id]


def test_repeated_steps_forget_what_they_said_but_not_their_time() -> None:
    done = replace(make().record.step("dump"), state=StepState.DONE, seconds=2.5, findings=(FOUND,))
    again = make().record.with_step(done).repeated({"dump"})
    assert again.step("dump") == StepRecord(name="dump", seconds=2.5, title="Dump the source")


def test_no_password_in_the_folder() -> None:
    folder = make().path
    for path in folder.iterdir():
        assert b"hunter" not in path.read_bytes()


def test_two_runs_in_one_second_have_two_folders() -> None:
    assert make().path != make().path


def test_one_process_at_a_time() -> None:
    run_folder = make()
    other = RunFolder.open(run_folder.record.id)
    with run_folder.held():
        assert other.busy
        with pytest.raises(RunFolderError, match="another tswizard"), other.held():
            pass
    assert not other.busy


@pytest.mark.parametrize("data", [b"", b"{", b"[]", b'{"id": 1}'])
def test_a_broken_run_folder_is_one_sentence(data: bytes) -> None:
    run_folder = make()
    (run_folder.path / "run.json").write_bytes(data)
    with pytest.raises(RunFolderError, match=r"run\.json"):
        RunFolder.open(run_folder.record.id)
    assert all_runs() == ()


def test_a_run_folder_of_another_version_is_left_alone() -> None:
    run_folder = make()
    path = run_folder.path / "run.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "format": RECORD_FORMAT + 1}))
    with pytest.raises(RunFolderError, match="another version"):
        RunFolder.open(run_folder.record.id)


def test_no_such_run() -> None:
    with pytest.raises(RunFolderError, match="There is no run"):
        RunFolder.open("run-19990101-000000")


def test_a_folder_that_cannot_be_made(state: Path) -> None:
    state.write_text("a file in the way")
    with pytest.raises(RunFolderError, match="cannot be created"):
        make()


@pytest.mark.parametrize("data", [b"", b"{", b"[]", b'{"server": 1}'])
def test_a_broken_inventory_is_one_sentence(data: bytes) -> None:
    run_folder = make()
    assert run_folder.inventory() is None
    (run_folder.path / "inventory.json").write_bytes(data)
    with pytest.raises(RunFolderError, match=r"inventory\.json is not of this version"):
        run_folder.inventory()


def test_a_folder_that_cannot_be_written_any_more() -> None:
    run_folder = make()
    record = run_folder.record
    shutil.rmtree(run_folder.path)
    with pytest.raises(RunFolderError, match="cannot be written"):
        run_folder.save(replace(record, demo=True))
    assert run_folder.record is record
    with pytest.raises(RunFolderError, match="cannot be written"):
        run_folder.save_inventory(inventory())
    with pytest.raises(RunFolderError, match="cannot be written"), run_folder.held():
        pass
    assert not run_folder.busy


def test_a_lock_that_cannot_be_opened_is_nobodys() -> None:
    run_folder = make()
    (run_folder.path / "lock").mkdir()
    assert not run_folder.busy
