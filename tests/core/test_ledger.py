"""The ledger survives crashes, tells runs apart and keeps two processes from one run."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from tswizard.core.db.endpoint import Endpoint
from tswizard.core.model.answers import Answers
from tswizard.core.model.events import StepState
from tswizard.core.model.finding import Finding, Level
from tswizard.core.run.run_folder import Ledger, LedgerError, StepRecord, all_runs

SOURCE = Endpoint.parse("host=/tmp dbname=defaultdb", password="hunter2")
TARGET = Endpoint.parse("host=/tmp dbname=tsdb", password="hunter3")
FOUND = Finding(Level.LOOK, "an-id", "something", "somewhere", details=("a", "b"))


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TSWIZARD_STATE_DIR", str(tmp_path / "state"))
    return tmp_path / "state"


def make() -> Ledger:
    steps = (("dump", "Dump the source"), ("check", "Check everything"))
    return Ledger.create(SOURCE, TARGET, Answers(jobs=2), steps, (FOUND,))


def test_a_run_comes_back_as_it_was() -> None:
    ledger = make()
    step = StepRecord("dump", StepState.DONE, 2.5, (FOUND,))
    ledger.save(replace(ledger.record.with_step(step), paused_source_jobs=(1000,)))
    again = Ledger.open(ledger.record.id)
    assert again.record == ledger.record
    assert again.record.step("dump") == step
    assert again.record.findings == (FOUND, FOUND)
    assert again.record.seconds == 2.5
    assert [run.record.id for run in all_runs()] == [ledger.record.id]


def test_repeated_steps_forget_what_they_said_but_not_their_time() -> None:
    done = replace(make().record.step("dump"), state=StepState.DONE, seconds=2.5, findings=(FOUND,))
    again = make().record.with_step(done).repeated({"dump"})
    assert again.step("dump") == StepRecord("dump", seconds=2.5, title="Dump the source")


def test_no_password_in_the_folder() -> None:
    folder = make().folder
    for path in folder.iterdir():
        assert b"hunter" not in path.read_bytes()


def test_two_runs_in_one_second_have_two_folders() -> None:
    assert make().folder != make().folder


def test_one_process_at_a_time() -> None:
    ledger = make()
    other = Ledger.open(ledger.record.id)
    with ledger.held():
        assert other.busy
        with pytest.raises(LedgerError, match="another tswizard"), other.held():
            pass
    assert not other.busy


@pytest.mark.parametrize("data", [b"", b"{", b"[]", b'{"id": 1}'])
def test_a_broken_ledger_is_one_sentence(data: bytes) -> None:
    ledger = make()
    (ledger.folder / "run.json").write_bytes(data)
    with pytest.raises(LedgerError, match=r"run\.json"):
        Ledger.open(ledger.record.id)
    assert all_runs() == ()


def test_a_ledger_of_another_version_is_left_alone() -> None:
    ledger = make()
    path = ledger.folder / "run.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "format": 2}))
    with pytest.raises(LedgerError, match="another version"):
        Ledger.open(ledger.record.id)


def test_no_such_run() -> None:
    with pytest.raises(LedgerError, match="There is no run"):
        Ledger.open("run-19990101-000000")


def test_a_folder_that_cannot_be_made(state: Path) -> None:
    state.write_text("a file in the way")
    with pytest.raises(LedgerError, match="cannot be made"):
        make()
