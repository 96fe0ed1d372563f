"""Runs a plan: emits events, can be paused, stopped and resumed.

A run is left the same way whatever ended it: children ended, restore mode off, the source's jobs
switched on again, and the run folder telling where it stood.
"""

import asyncio
import time
import traceback
from collections.abc import AsyncGenerator, Coroutine
from contextlib import aclosing
from dataclasses import replace
from functools import partial
from typing import Any

from psycopg import Error

from tswizard.core.catalog.read import read_server
from tswizard.core.classify.target import TargetProver
from tswizard.core.db.client_tools import choose, find_tools, which_sentence
from tswizard.core.db.connection import connect, connected
from tswizard.core.db.endpoint import Endpoint
from tswizard.core.db.errors import CannotConnect, ServerError, explain_error
from tswizard.core.full.cleanup import interrupted
from tswizard.core.full.restore_mode import leave
from tswizard.core.full.steps import RESTORING
from tswizard.core.methods import steps
from tswizard.core.model.events import (
    Event,
    Paused,
    RunFinished,
    RunStarted,
    StepFinished,
    StepStarted,
    StepState,
)
from tswizard.core.model.finding import Finding, Level
from tswizard.core.model.outcome import Outcome
from tswizard.core.model.plan import Task
from tswizard.core.model.prepared import Prepared
from tswizard.core.preflight.tools import needs_tls
from tswizard.core.run.context import Context, StepFailed, StepSkipped, failed
from tswizard.core.run.finish import close
from tswizard.core.run.run_folder import RunFolder, RunFolderError, StepRecord
from tswizard.core.run.runnable import Runnable
from tswizard.core.split.ledger.run_record import RunRecordStore
from tswizard.core.split.source_fingerprint import source_fingerprint
from tswizard.core.split.takeover import adopt
from tswizard.core.steps import source_jobs
from tswizard.core.verify import VerifyStopped

_BACKLOG = 5000
"""Events that may wait for a slow watcher before a tool has to wait as well."""

_OVER = (StepState.DONE, StepState.SKIPPED)


class Run:
    """One migration under way. Iterate `events()` to carry it out."""

    def __init__(self, task: Task, run_folder: RunFolder, *, may_clean: bool = False) -> None:
        self.task = task
        self.run_folder = run_folder
        self.outcome: Outcome | None = None
        """What it came to; None until it has finished."""
        self._may_clean = may_clean
        self._queue: asyncio.Queue[Event] = asyncio.Queue()
        self._room = asyncio.Event()
        self._going = asyncio.Event()
        self._going.set()
        self._stopping = asyncio.Event()
        self._current: asyncio.Task[None] | None = None
        self._ctx: Context | None = None
        split = task.answers.method == "split"
        self._keeper = RunRecordStore(task, run_folder) if split else None
        """A dump lies on one machine; pieces can be copied from any."""

    async def events(self) -> AsyncGenerator[Event, None]:
        """Carry the run out and tell what happens; closing the iterator stops the run.

        Raises RunFolderError when another process works on it.
        """
        with self.run_folder.held():
            work = asyncio.create_task(self._work())
            work.add_done_callback(self._broke)
            try:
                while True:
                    event = await self._queue.get()
                    if self._queue.qsize() < _BACKLOG:
                        self._room.set()
                    yield event
                    if isinstance(event, RunFinished):
                        break
            finally:
                self.stop(now=True)
                self._room.set()
                await work

    def stop(self, *, now: bool) -> None:
        """Stop after the running step, or end it now. What is done stays done."""
        self._stopping.set()
        self.pause(False)
        if now and self._current is not None:
            self._current.cancel()

    def pause(self, paused: bool) -> None:
        """Hold the run where it is, or let it go on."""
        if paused == (not self._going.is_set()):
            return
        if paused:
            self._going.clear()
        else:
            self._going.set()
        if self._ctx is not None and self._ctx.child is not None:
            self._ctx.child.pause(paused)
        self._put(Paused(time.time(), paused))

    def _put(self, event: Event) -> None:
        self._queue.put_nowait(event)

    async def _make_room(self) -> None:
        if self._queue.qsize() >= _BACKLOG:
            self._room.clear()
            await self._room.wait()

    def _broke(self, work: "asyncio.Task[None]") -> None:
        """A bug in the runner itself must not leave the watcher waiting for ever."""
        if not work.cancelled() and work.exception() is not None:
            self._put(RunFinished(time.time(), None, self.run_folder.record.seconds))

    async def _work(self) -> None:
        record = self.run_folder.record
        runnables = steps(self.task)
        self._put(
            RunStarted(
                time.time(),
                record.id,
                tuple((r.id, r.step.title, record.step(r.id).state) for r in runnables),
            )
        )
        prover = TargetProver(
            partial(connect, self.task.target), partial(connect, self.task.source)
        )
        with self.run_folder.log_path.open("a", buffering=1, encoding="utf-8") as log:
            ctx = self._ctx = Context(
                self.task,
                self.run_folder,
                log,
                self._put,
                self._make_room,
                self._may_clean,
                prover,
                going=self._going,
                stopping=self._stopping,
            )
            prover.say = ctx.say
            if self._keeper is not None:
                ctx.keep = self._keeper.save
            try:
                await self._to_end(ctx, runnables, prover)
            finally:
                if self._keeper is not None:
                    await self._keeper.close()
        result = self.outcome.result if self.outcome else None
        report = str(self.run_folder.path / "report.md") if self.outcome else ""
        record = self.run_folder.record
        self._put(RunFinished(time.time(), result, record.seconds, record.findings, report))

    async def _to_end(
        self, ctx: Context, runnables: tuple[Runnable, ...], prover: TargetProver
    ) -> None:
        finished = False
        try:
            finished = await self._all(ctx, runnables)
        finally:
            await ctx.resources.aclose()
            await prover.close()
            await self._leave(ctx)
            if not finished:
                await self._keep(ctx)
        if finished:
            self.outcome = await close(ctx)
            if self.task.answers.keep_record:
                await self._keep(ctx)

    async def _keep(self, ctx: Context) -> None:
        """The record elsewhere may be late: what it does not know of is done again."""
        try:
            await ctx.keep()
        except (CannotConnect, Error, StepFailed) as error:
            ctx.say(f"the run's record on the target is not up to date: {error}")

    async def _act(self, ctx: Context, runnable: Runnable) -> None:
        if self._keeper is not None:
            await self._keeper.lead()
        await runnable.action(ctx)

    async def _all(self, ctx: Context, runnables: tuple[Runnable, ...]) -> bool:
        for runnable in runnables:
            if self.run_folder.record.step(runnable.id).state in _OVER:
                continue
            if self._stopping.is_set():
                return False
            await ctx.unpaused()
            if await self._step(ctx, runnable) not in _OVER:
                return False
        return True

    async def _step(self, ctx: Context, runnable: Runnable) -> StepState:
        started = time.monotonic()
        before = self.run_folder.record.step(runnable.id).seconds
        record = StepRecord(runnable.id, StepState.RUNNING, before, title=runnable.step.title)
        self.run_folder.save(self.run_folder.record.with_step(record))
        ctx.step, ctx.findings, ctx.judged = runnable.id, [], []
        self._put(StepStarted(time.time(), runnable.id))
        why = ""
        try:
            self._current = asyncio.ensure_future(self._act(ctx, runnable))
            await self._current
            state = StepState.DONE
        except StepSkipped as skip:
            state, why = StepState.SKIPPED, str(skip)
        except asyncio.CancelledError:
            state, why = StepState.STOPPED, "you stopped it"
        except Exception as error:
            finding = _explain(error, ctx)
            ctx.found(finding)
            state, why = StepState.FAILED, finding.what
        finally:
            self._current = None
        seconds = time.monotonic() - started
        self.run_folder.save(
            self.run_folder.record.with_step(
                replace(
                    record,
                    state=state,
                    seconds=before + seconds,
                    findings=tuple(ctx.findings),
                    judged=tuple(ctx.judged),
                )
            )
        )
        await self._keep(ctx)
        self._put(StepFinished(time.time(), runnable.id, state, seconds, why))
        return state

    async def _leave(self, ctx: Context) -> None:
        """Nobody is left in a state that he did not choose."""
        record = self.run_folder.record
        ctx.step, ctx.findings = "", []
        restoring = any(record.step(s).state is not StepState.PENDING for s in RESTORING)
        if restoring and record.step("finish").state is not StepState.DONE:
            await self._try(ctx, leave(ctx), "The target may still be in restore mode")
        if record.paused_source_jobs and not (self._keeper and self._keeper.refused):
            await self._try(ctx, source_jobs.put_back(ctx), "The source's jobs are still paused")
        self.run_folder.save(replace(self.run_folder.record, leaving=tuple(ctx.findings)))

    async def _try(self, ctx: Context, action: Coroutine[Any, Any, None], what: str) -> None:
        try:
            await action
        except StepSkipped:
            pass
        except Exception as error:
            cause = _explain(error, ctx)
            ctx.found(
                Finding(
                    Level.FAIL,
                    "left-open",
                    f"{what}: {cause.what}",
                    cause.where,
                    todo="Resume the run; that puts it right.",
                )
            )


def _explain(error: Exception, ctx: Context) -> Finding:
    """A finding for whatever ended a step."""
    if isinstance(error, StepFailed | VerifyStopped):
        return error.finding
    if isinstance(error, CannotConnect | Error | ServerError):
        told = explain_error(error)
        return failed(told.id, told.what, where=ctx.step, why=told.why, todo=told.todo).finding
    for line in traceback.format_exception(error):
        ctx.say(line.rstrip())
    return failed(
        "bug",
        f"tswizard broke: {type(error).__name__}: {error}",
        where=ctx.step,
        why="The traceback is in the run's log.",
        todo="Please report it; the run can be resumed.",
    ).finding


def start(prepared: Prepared, findings: tuple[Finding, ...], *, demo: bool = False) -> Run:
    """A new run, with what preflight found. Raises RunFolderError when it cannot be recorded."""
    run_folder = RunFolder.create(
        prepared.source, prepared.target, prepared.answers, (), findings, demo=demo
    )
    task = prepared.task(run_folder.dump_path)
    planned = tuple(StepRecord(step.id, title=step.step.title) for step in steps(task))
    run_folder.save(replace(run_folder.record, steps=planned))
    # Last: without the inventory nobody resumes a run that was never planned.
    run_folder.save_inventory(task.inventory)
    return Run(task, run_folder)


async def needs_confirmation(run_folder: RunFolder, target: Endpoint) -> str | None:
    """What resuming would remove from the target, as a sentence to confirm; None for nothing.

    Raises CannotConnect.
    """
    async with connected(target) as connection:
        if await interrupted(connection, run_folder.record.id) is None:
            return None
    return (
        f"The restore into {target.label} was interrupted. Everything that this run put there is "
        "removed, and the restore starts again from the finished dump."
    )


async def reopen(
    run_folder: RunFolder, source: Endpoint, target: Endpoint, *, confirm: str | None = None
) -> Run:
    """A run to go on with. `confirm` is the target's database name as the user typed it.

    Raises RunFolderError when it is over, busy, not confirmed or lacks its tools, CannotConnect.
    """
    if run_folder.record.resumable and not run_folder.busy:
        await adopt(run_folder, target)
    record = run_folder.record
    inventory = run_folder.inventory()
    if not record.resumable or inventory is None:
        raise RunFolderError(f"{record.id} is over ({record.state}); there is nothing to resume.")
    if run_folder.busy:
        raise RunFolderError(f"{record.id} is being worked on by another tswizard.")
    server = await read_server(target)
    question = await needs_confirmation(run_folder, target)
    if question and confirm != server.database:
        raise RunFolderError(f"{question} Type the target's database name to confirm.")
    found = find_tools()
    tools = choose(found, inventory.server.major, need_tls=needs_tls(source, target))
    if tools is None:
        raise RunFolderError(f"No pg_dump here serves that server: {which_sentence(found)}.")
    task = Task(source, target, inventory, server, record.answers, tools, run_folder.dump_path)
    names = _to_repeat(run_folder) | await _to_copy_again(run_folder, source)
    run_folder.save(replace(record.repeated(names), leaving=()))
    return Run(task, run_folder, may_clean=bool(question))


def _to_repeat(run_folder: RunFolder) -> set[str]:
    """Steps that have to run again, beside those that never ended."""
    record = run_folder.record
    names = {step.name for step in record.steps if step.state not in _OVER}
    restored = record.step("finish").state is StepState.DONE
    if not restored:
        names |= {*RESTORING, "pause-source-jobs"}
        if not (run_folder.dump_path / "toc.dat").exists():
            names |= {"dump"}
    if record.step("check").state is not StepState.DONE:
        names |= {"pause-source-jobs", "resume-source-jobs"}
    return names


async def _to_copy_again(run_folder: RunFolder, source: Endpoint) -> set[str]:
    """Steps that have to run again because the source lives on: its moment ended with the process
    that held it, and the check needs all rows to be of one."""
    record = run_folder.record
    settled = record.step("settle").state is StepState.DONE
    if not settled or record.step("check").state is StepState.DONE:
        return set()
    if await source_fingerprint(source) == record.source_fingerprint:
        return set()
    names = [step.name for step in record.steps]
    return set(names[names.index("chunks") : names.index("check")])


async def run_to_end(run: Run) -> Outcome | None:
    """Carry a run out with nobody watching."""
    async with aclosing(run.events()) as events:
        async for _event in events:
            pass
    return run.outcome
