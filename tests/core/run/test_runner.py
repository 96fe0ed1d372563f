"""The runner, with a method made for the test: whatever ends a run, each thing is put back."""

import asyncio
import shutil
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from psycopg import OperationalError
from psycopg.errors import DiskFull

from tests.support.sample_task import task
from tswizard.core.catalog.inventory import Inventory, Server
from tswizard.core.db.endpoint import Endpoint
from tswizard.core.db.errors import name_server
from tswizard.core.db.retry import PUTTING_BACK
from tswizard.core.estimate.workload import Workload
from tswizard.core.model.answers import Answers, MethodName
from tswizard.core.model.estimate import MethodEstimate
from tswizard.core.model.events import Event, RunFinished, StepFinished, StepState
from tswizard.core.model.finding import Level
from tswizard.core.model.left_open import LeftOpen
from tswizard.core.model.plan import Task
from tswizard.core.model.runbook import Runbook
from tswizard.core.run import runner
from tswizard.core.run.context import Context, Leftovers, PutBack, StepSkipped, failed
from tswizard.core.run.method import MethodFacts, MethodInShort, MethodStep
from tswizard.core.run.record import RunRecord, StepRecord
from tswizard.core.run.run_folder import RunFolder, RunFolderError
from tswizard.core.run.runner import Run

Action = Callable[[Context], Awaitable[None]]


@dataclass
class Noted:
    """A run of the method below: notes what the runner asks of it."""

    calls: list[str] = field(default_factory=list)
    put_back: tuple[PutBack, ...] = ()

    async def before_step(self) -> None:
        self.calls.append("before")

    async def save_record(self) -> None:
        self.calls.append("save")

    def to_put_back(self, ctx: Context) -> tuple[PutBack, ...]:
        return self.put_back

    async def tidy_up(self, ctx: Context, result: Level) -> Leftovers:
        self.calls.append(f"tidy {result}")
        return Leftovers(todo=(("look after it", ""),))

    async def close(self) -> None:
        self.calls.append("close")


class Invented:
    """A method of the steps that a test gives."""

    name: MethodName = "full"
    asks: frozenset[str] = frozenset()
    unit = "step"
    in_short = MethodInShort(interrupted="", versions="")
    comparison = ""

    def __init__(self, run: Noted, **actions: Action) -> None:
        self.steps = tuple(
            MethodStep(id=id, title=id.title(), what=id, action=action)
            for id, action in actions.items()
        )
        self._run = run

    def facts(self, inventory: Inventory, source: Server, target: Server) -> MethodFacts:
        return MethodFacts(does="", best="", cannot="")

    def disk_here(self, inventory: Inventory, answers: Answers) -> int:
        return 0

    def estimate(self, task: Task, load: Workload) -> MethodEstimate:
        raise NotImplementedError

    async def runbook(self, task: Task) -> Runbook:
        return Runbook(steps=())

    def open(self, task: Task, run_folder: RunFolder, *, over: bool = False) -> Noted:
        return self._run

    async def adopt(self, run_folder: RunFolder, target: Endpoint) -> None:
        return

    async def change_answers(
        self, run_folder: RunFolder, target: Endpoint, answers: Answers
    ) -> tuple[str, ...]:
        return ()

    async def confirmation(self, run_folder: RunFolder, target: Endpoint) -> str | None:
        return None

    def holds_elsewhere(self, run_folder: RunFolder) -> frozenset[str] | None:
        return None

    def left_open(self, record: RunRecord) -> tuple[LeftOpen, ...]:
        return ()

    async def to_repeat(self, run_folder: RunFolder, source: Endpoint) -> frozenset[str]:
        return frozenset()


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TSWIZARD_STATE_DIR", str(tmp_path / "state"))


def begun(method: Invented) -> Run:
    """A run of it that nobody carries out yet."""
    asked = task()
    folder = RunFolder.create(asked.source, asked.target, asked.answers, (), ())
    planned = tuple(StepRecord(name=step.id, title=step.title) for step in method.steps)
    folder.save(replace(folder.record, steps=planned))
    return Run(asked, folder, method)


async def carried_out(method: Invented) -> tuple[Run, list[Event]]:
    """A run of it from beginning to end, and all that it told."""
    run = begun(method)
    told = []
    async with aclosing(run.events()) as events:
        async for event in events:
            told.append(event)
    return run, told


async def fine(_ctx: Context) -> None:
    return


async def skipped(_ctx: Context) -> None:
    raise StepSkipped("nothing to do")


async def lost(_ctx: Context) -> None:
    raise OperationalError("server closed the connection unexpectedly")


async def broken(_ctx: Context) -> None:
    raise ZeroDivisionError("a bug")


def states(told: list[Event]) -> dict[str, StepState]:
    return {event.step: event.state for event in told if isinstance(event, StepFinished)}


async def test_all_steps_run_and_the_method_tidies_up() -> None:
    noted = Noted()
    run, told = await carried_out(Invented(noted, one=fine, two=skipped))
    assert states(told) == {"one": StepState.DONE, "two": StepState.SKIPPED}
    assert run.outcome is not None
    assert ("look after it", "") in run.outcome.todo
    assert noted.calls[0] == "before" and noted.calls[-1] == "close"
    assert "tidy pass" in noted.calls
    assert isinstance(told[-1], RunFinished)


async def test_a_failed_step_ends_the_run_and_nothing_is_tidied_up() -> None:
    noted = Noted()
    run, told = await carried_out(Invented(noted, one=lost, two=fine))
    assert states(told) == {"one": StepState.FAILED}
    assert run.outcome is None
    assert not [call for call in noted.calls if call.startswith("tidy")]
    (finding,) = run.run_folder.record.findings
    assert finding.id == "connection-lost"
    assert finding.where == "one"
    assert finding.todo.endswith(" Then resume the run.")


async def test_an_error_of_a_server_names_the_server() -> None:
    async def full(ctx: Context) -> None:
        error = DiskFull("could not extend file")
        name_server(error, ctx.task.target.label)
        raise error

    run, _told = await carried_out(Invented(Noted(), one=full))
    (finding,) = run.run_folder.record.findings
    assert (finding.id, finding.where) == ("disk-full", run.task.target.label)
    assert finding.todo == "Free or add disk space there. Then resume the run."


async def test_each_thing_is_put_back_though_a_connection_cannot_be_closed_and_another_fails() -> (
    None
):
    done = []

    async def opens(ctx: Context) -> None:
        async def close() -> None:
            raise OperationalError("the connection is closed")

        ctx.resources.push_async_callback(close)
        await lost(ctx)

    async def restore_mode(ctx: Context) -> None:
        await broken(ctx)

    async def jobs(_ctx: Context) -> None:
        done.append("jobs")

    noted = Noted(
        put_back=(
            PutBack("The target may still be in restore mode", restore_mode),
            PutBack("The source's jobs are still paused", jobs),
        )
    )
    run, told = await carried_out(Invented(noted, one=opens))
    assert done == ["jobs"]
    assert isinstance(told[-1], RunFinished)
    left = [finding for finding in run.run_folder.record.leaving if finding.id == "left-open"]
    assert len(left) == 1
    assert left[0].what.startswith("The target may still be in restore mode: ")
    assert "ZeroDivisionError" in run.run_folder.log_path.read_text()


async def test_what_must_be_put_back_is_tried_until_the_server_answers(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    quick = replace(PUTTING_BACK, attempts=4, first_pause=0.001, longest_pause=0.001)
    monkeypatch.setattr(runner, "PUTTING_BACK", quick)
    asked = {"mode": 0, "jobs": 0}

    async def mode(_ctx: Context) -> None:
        asked["mode"] += 1
        if asked["mode"] < 3:
            raise failed("post-restore", "it failed") from OperationalError("starting up")

    async def jobs(_ctx: Context) -> None:
        asked["jobs"] += 1
        await lost(_ctx)

    noted = Noted(
        put_back=(
            PutBack("The target may still be in restore mode", mode),
            PutBack("The source's jobs are still paused", jobs, "SELECT alter_job(1);"),
        )
    )
    run, _ = await carried_out(Invented(noted, one=lost))
    assert asked == {"mode": 3, "jobs": 4}
    (left,) = run.run_folder.record.leaving
    assert left.id == "left-open"
    assert left.what.startswith("The source's jobs are still paused: ")
    assert left.todo.endswith("Or by hand: SELECT alter_job(1);")
    assert run.outcome is None


async def test_an_error_that_quotes_a_password_reaches_neither_log_nor_record() -> None:
    async def quotes(_ctx: Context) -> None:
        raise OSError("cannot read postgresql://me:s3cret@host/db")

    run = begun(Invented(Noted(), one=quotes))
    run.task = replace(run.task, target=run.task.target.with_password("s3cret"))
    told = []
    async with aclosing(run.events()) as events:
        async for event in events:
            told.append(event)
    assert states(told) == {"one": StepState.FAILED}
    assert "me:********@host" in run.run_folder.record.findings[0].what
    for path in run.run_folder.path.iterdir():
        assert "s3cret" not in path.read_text()
    assert "s3cret" not in repr([event for event in told if isinstance(event, StepFinished)])


async def test_a_run_whose_folder_is_gone_ends_and_puts_everything_back() -> None:
    done = []

    async def removes(ctx: Context) -> None:
        shutil.rmtree(ctx.run_folder.path)

    async def jobs(_ctx: Context) -> None:
        done.append("jobs")

    noted = Noted(put_back=(PutBack("The source's jobs are still paused", jobs),))
    run = begun(Invented(noted, one=removes, two=fine))
    told = []
    with pytest.raises(RunFolderError, match="cannot be written"):
        async with asyncio.timeout(600), aclosing(run.events()) as events:
            async for event in events:
                told.append(event)
    assert isinstance(told[-1], RunFinished) and told[-1].result is None
    assert done == ["jobs"]
    assert noted.calls[-1] == "close"


async def test_a_run_whose_log_cannot_be_opened_ends() -> None:
    run = begun(Invented(Noted(), one=fine))
    run.run_folder.log_path.mkdir()
    with pytest.raises(RunFolderError, match="cannot be written"):
        async with asyncio.timeout(600), aclosing(run.events()) as events:
            async for _event in events:
                pass


async def test_a_log_on_a_full_disk_keeps_nothing_from_being_put_back() -> None:
    done = []

    async def jobs(ctx: Context) -> None:
        ctx.say("resuming the jobs")
        done.append("jobs")

    noted = Noted(put_back=(PutBack("The source's jobs are still paused", jobs),))
    run = begun(Invented(noted, one=fine))
    run.run_folder.log_path.symlink_to("/dev/full")
    async with asyncio.timeout(600), aclosing(run.events()) as events:
        async for _event in events:
            pass
    assert done == ["jobs"]
    assert run.outcome is not None
