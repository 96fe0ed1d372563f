"""Runs a plan: emits events, can be paused, stopped and resumed.

A run is left the same way whatever ended it: children ended, what must be put back put back, and
the run folder telling where it stood.
"""

import asyncio
import time
import traceback
from collections.abc import AsyncGenerator
from contextlib import suppress
from dataclasses import replace
from functools import partial

from psycopg import Error
from tenacity import RetryCallState

from tswizard.core.classify.target import TargetProver
from tswizard.core.db.connection import connect
from tswizard.core.db.errors import CannotConnect, ServerError, explain_error, is_transient
from tswizard.core.db.kept_connections import keeping_connections
from tswizard.core.db.redact import redact
from tswizard.core.db.retry import PUTTING_BACK
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
from tswizard.core.run.context import (
    LEFT_OPEN,
    Context,
    MethodRun,
    PutBack,
    StepFailed,
    StepSkipped,
    failed,
    write_lines,
)
from tswizard.core.run.finish import finish
from tswizard.core.run.method import Method, MethodStep, applicable
from tswizard.core.run.record import FINAL, StepRecord
from tswizard.core.run.run_folder import RunFolder, RunFolderError
from tswizard.core.verify import VerifyStopped

RELEASED_WITHIN = 15.0
"""Seconds that a server has to answer when a connection that is no longer needed is closed."""
_BACKLOG = 5000
"""Events that may wait for a slow watcher before a tool has to wait as well."""


class Run:
    """One migration under way. Iterate `events()` to carry it out."""

    def __init__(
        self,
        task: Task,
        run_folder: RunFolder,
        method: Method,
        *,
        confirmed: bool = False,
        again: tuple[MethodStep, ...] = (),
    ) -> None:
        """`again` are the steps of a check again; the run itself is over then."""
        self.task = task
        self.run_folder = run_folder
        self.method = method
        self.outcome: Outcome | None = None
        """What it came to; None until it has finished."""
        self._queue: asyncio.Queue[Event] = asyncio.Queue()
        self._room = asyncio.Event()
        self._going = asyncio.Event()
        self._going.set()
        self._stopping = asyncio.Event()
        self._current: asyncio.Task[None] | None = None
        self._ctx: Context | None = None
        self._confirmed = confirmed
        self._again = again
        self._method_run: MethodRun = method.open(task, run_folder, over=self.over)

    @property
    def over(self) -> bool:
        """Is this a check again of a run that has finished?"""
        return bool(self._again)

    @property
    def _then(self) -> str:
        return "Then check again." if self.over else "Then resume the run."

    @property
    def command(self) -> str:
        """What carries it on when it was stopped, without the program's name."""
        return f"{'check' if self.over else 'resume'} {self.run_folder.record.id}"

    async def events(self) -> AsyncGenerator[Event, None]:
        """Carry the run out and tell what happens; closing the iterator stops the run.

        Raises RunFolderError when another process works on it, or when its folder cannot be
        written anymore.
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
        """Stop after the running step, or end it now. Completed work is kept."""
        self._stopping.set()
        self.pause(False)
        if now and self._current is not None:
            self._current.cancel()

    def pause(self, paused: bool) -> None:
        """Hold the run where it is, or let it continue."""
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
        """A folder that cannot be written, or a bug in the runner itself: the run's log has the
        traceback, if it can, and the watcher an end."""
        if work.cancelled() or (error := work.exception()) is None:
            return
        try:
            with suppress(RunFolderError), self.run_folder.log() as log:
                text = "".join(traceback.format_exception(error))
                write_lines(log, redact(text, (self.task.source, self.task.target)).splitlines())
        finally:
            seconds = self.run_folder.record.seconds
            self._put(RunFinished(time.time(), result=None, seconds=seconds))

    async def _work(self) -> None:
        record = self.run_folder.record
        steps = self._again or applicable(self.method, self.task)
        self._put(
            RunStarted(
                time.time(),
                record.id,
                tuple((step.id, step.title, record.step(step.id).state) for step in steps),
            )
        )
        prover = TargetProver(
            partial(connect, self.task.target), partial(connect, self.task.source)
        )
        with self.run_folder.log() as log:
            ctx = self._ctx = Context(
                task=self.task,
                run_folder=self.run_folder,
                log=log,
                put=self._put,
                room=self._make_room,
                confirmed=self._confirmed,
                prover=prover,
                going=self._going,
                stopping=self._stopping,
                method_run=self._method_run,
            )
            prover.say = ctx.say
            try:
                async with keeping_connections(keep=self.task.concurrent):
                    await self._to_end(ctx, steps, prover)
            finally:
                await self._method_run.close()
        result = self.outcome.result if self.outcome else None
        report = str(self.run_folder.path / "report.md") if self.outcome else ""
        record = self.run_folder.record
        self._put(
            RunFinished(
                time.time(),
                result=result,
                seconds=record.seconds,
                findings=record.findings,
                report=report,
            )
        )

    async def _to_end(
        self, ctx: Context, steps: tuple[MethodStep, ...], prover: TargetProver
    ) -> None:
        finished = False
        try:
            finished = await self._all(ctx, steps)
        finally:
            await self._release(ctx, prover)
            await self._leave(ctx)
            if not finished:
                await self._save_record(ctx)
        if finished:
            self.outcome = await finish(ctx, self._method_run)
            await self._save_record(ctx)

    async def _save_record(self, ctx: Context) -> None:
        """The record elsewhere may be late: what it does not know of is done again."""
        try:
            await self._method_run.save_record()
        except (CannotConnect, Error, StepFailed) as error:
            ctx.say(f"the run's record on the target is not up to date: {error}")

    async def _release(self, ctx: Context, prover: TargetProver) -> None:
        """Close what the steps held open. A server that is gone, or has fallen silent, keeps
        nothing from being put back."""
        for close in (ctx.resources.aclose, prover.close):
            try:
                await asyncio.wait_for(close(), RELEASED_WITHIN)
            except (CannotConnect, Error, OSError) as error:
                why = "the server does not answer" if isinstance(error, TimeoutError) else error
                ctx.say(f"a connection could not be closed in order: {why}")

    async def _act(self, ctx: Context, step: MethodStep) -> None:
        await self._method_run.before_step()
        await step.action(ctx)

    async def _all(self, ctx: Context, steps: tuple[MethodStep, ...]) -> bool:
        for step in steps:
            if self.run_folder.record.step(step.id).state in FINAL:
                continue
            if self._stopping.is_set():
                return False
            await ctx.unpaused()
            if await self._step(ctx, step) not in FINAL:
                return False
        return True

    async def _step(self, ctx: Context, step: MethodStep) -> StepState:
        started = time.monotonic()
        before = self.run_folder.record.step(step.id).seconds
        record = StepRecord(name=step.id, state=StepState.RUNNING, seconds=before, title=step.title)
        self.run_folder.save(self.run_folder.record.with_step(record))
        ctx.step, ctx.findings, ctx.judged = step.id, [], []
        self._put(StepStarted(time.time(), step.id))
        why = ""
        try:
            self._current = asyncio.ensure_future(self._act(ctx, step))
            await self._current
            state = StepState.DONE
        except StepSkipped as skip:
            state, why = StepState.SKIPPED, ctx.redacted(str(skip))
        except asyncio.CancelledError:
            state, why = StepState.STOPPED, "you stopped it"
        except Exception as error:
            ctx.found(_explain(error, ctx, self._then))
            state, why = StepState.FAILED, ctx.findings[-1].what
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
        await self._save_record(ctx)
        self._put(StepFinished(time.time(), step=step.id, state=state, seconds=seconds, why=why))
        return state

    async def _leave(self, ctx: Context) -> None:
        """Nothing is left in a state that the user did not choose: each thing is tried, whatever
        becomes of the others and however long they take."""
        ctx.step, ctx.findings = "", []
        due = self._method_run.to_put_back(ctx)
        await asyncio.gather(*(self._put_back(ctx, thing) for thing in due))
        self.run_folder.save(replace(self.run_folder.record, leaving=tuple(ctx.findings)))

    async def _put_back(self, ctx: Context, due: PutBack) -> None:
        def tell(state: RetryCallState) -> None:
            error = state.outcome.exception() if state.outcome else None
            pause = state.next_action.sleep if state.next_action else 0
            why = str(error).rstrip(".")
            ctx.say(f"{due.danger}: {why}; tried again in {pause:.1f} s")

        try:
            await PUTTING_BACK.attempting(tell, _is_transient)(due.action, ctx)
        except StepSkipped:
            pass
        except Exception as error:
            cause = _explain(error, ctx, self._then)
            by_hand = f" Or by hand: {due.statement}" if due.statement else ""
            ctx.found(
                Finding(
                    Level.FAIL,
                    LEFT_OPEN,
                    f"{due.danger}: {cause.what}",
                    where=cause.where,
                    todo=f"Resume the run when the server answers: that undoes it.{by_hand}",
                )
            )


def _is_transient(error: BaseException) -> bool:
    """May the same succeed when it is tried again, although a step has put it into words?"""
    return is_transient(error.__cause__ or error if isinstance(error, StepFailed) else error)


def _explain(error: Exception, ctx: Context, then: str) -> Finding:
    """A finding for whatever ended a step; `then` is what to do once a server's error is dealt
    with."""
    if isinstance(error, StepFailed | VerifyStopped):
        return error.finding
    if isinstance(error, CannotConnect | Error | ServerError):
        told = explain_error(error)
        return failed(
            told.id,
            told.what,
            where=told.server or ctx.step,
            why=told.why,
            todo=f"{told.todo} {then}",
        ).finding
    for line in traceback.format_exception(error):
        ctx.say(line.rstrip())
    return failed(
        "bug",
        f"Internal error in tswizard: {type(error).__name__}: {error}",
        where=ctx.step,
        why="The traceback is in the run's log.",
        todo="Please report it; the run can be resumed.",
    ).finding
