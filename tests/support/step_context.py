"""A context without a runner: a test calls steps one by one."""

import asyncio
import os
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.support import sample_inventory as sample
from tswizard.core.catalog.read import read_inventory, read_server
from tswizard.core.classify.target import TargetProver
from tswizard.core.db.client_tools import choose, find_tools
from tswizard.core.db.connection import connect
from tswizard.core.db.endpoint import Endpoint
from tswizard.core.model.answers import Answers
from tswizard.core.model.events import Event
from tswizard.core.model.finding import Finding
from tswizard.core.model.judged import JudgedMessage
from tswizard.core.model.plan import Task
from tswizard.core.model.verdict import Verdict
from tswizard.core.run.context import Context
from tswizard.core.run.run_folder import RunFolder, all_runs


@dataclass
class StepRun:
    """A context, and all that its steps said."""

    ctx: Context
    events: list[Event] = field(default_factory=list)

    @property
    def task(self) -> Task:
        return self.ctx.task

    @property
    def findings(self) -> list[Finding]:
        return self.ctx.findings

    def finding(self, id: str) -> Finding:
        """The one finding with this id."""
        (found,) = [f for f in self.ctx.findings if f.id == id]
        return found

    @property
    def troubles(self) -> list[JudgedMessage]:
        """Messages of the tools that nobody can call harmless."""
        return [j for j in self.ctx.judged if j.verdict in (Verdict.LOOK, Verdict.LOST)]


@asynccontextmanager
async def step_context(
    folder: Path, source: Endpoint, target: Endpoint, jobs: int = 4
) -> AsyncIterator[StepRun]:
    """A context with a run folder in `folder`; a run that is there already is resumed."""
    inventory = await read_inventory(source)
    server = await read_server(target)
    tools = choose(find_tools(), inventory.server.major, need_tls=False)
    assert tools is not None
    run_folder = _run_folder(folder, source, target, Answers(jobs=jobs))
    answers, dump = run_folder.record.answers, run_folder.dump_path
    task = Task(
        source=source,
        target=target,
        inventory=inventory,
        target_server=server,
        answers=answers,
        tools=tools,
        dump=dump,
    )
    prover = TargetProver(lambda: connect(target), lambda: connect(source))
    try:
        with _context(task, run_folder, prover) as run:
            yield run
    finally:
        await prover.close()


@contextmanager
def offline_context(folder: Path, source: Endpoint, target: Endpoint) -> Iterator[StepRun]:
    """The same with a sample's inventory, for what asks no server."""
    run_folder = _run_folder(folder, source, target, Answers())
    inventory, dump = sample.inventory(), run_folder.dump_path
    answers, tools = run_folder.record.answers, sample.tools()
    task = Task(
        source=source,
        target=target,
        inventory=inventory,
        target_server=sample.SERVER,
        answers=answers,
        tools=tools,
        dump=dump,
    )
    with _context(task, run_folder) as run:
        yield run


def _run_folder(folder: Path, source: Endpoint, target: Endpoint, answers: Answers) -> RunFolder:
    os.environ["TSWIZARD_STATE_DIR"] = str(folder)
    earlier = all_runs()
    return earlier[0] if earlier else RunFolder.create(source, target, answers, (), ())


@contextmanager
def _context(
    task: Task, run_folder: RunFolder, prover: TargetProver | None = None
) -> Iterator[StepRun]:
    events: list[Event] = []

    async def room() -> None:
        return

    going = asyncio.Event()
    going.set()
    with run_folder.log_path.open("a", encoding="utf-8", buffering=1) as log:
        ctx = Context(
            task=task,
            run_folder=run_folder,
            log=log,
            put=events.append,
            room=room,
            prover=prover,
            going=going,
        )
        yield StepRun(ctx, events)
