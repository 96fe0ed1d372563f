"""One process's part in a run's copy: the ledger, the moment, the passes over the queue."""

import asyncio
import shlex
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace

from psycopg import Error

from tswizard.core.catalog.catalog_shape import read_shape
from tswizard.core.db.connection import Connection, connect, is_alive
from tswizard.core.db.errors import CannotConnect
from tswizard.core.model.finding import Finding, Level
from tswizard.core.run.context import failed
from tswizard.core.split.copy.chunks import make_chunks
from tswizard.core.split.copy.copy_job import CopyJob
from tswizard.core.split.copy.errors import altered, homeless, vanished
from tswizard.core.split.copy.psql_reader import chunk_state
from tswizard.core.split.copy.reporter import Hands
from tswizard.core.split.copy.snapshot import Moments, enter_snapshot
from tswizard.core.split.copy.staging import Staging
from tswizard.core.split.copy.upsert import begin_again
from tswizard.core.split.copy.workers import open_target, work
from tswizard.core.split.ledger import queue
from tswizard.core.split.ledger.leader_lock import Lead, take
from tswizard.core.split.ledger.plan_store import Header, create, read_header
from tswizard.core.split.ledger.queue import Known, Pass
from tswizard.core.split.plan.piece import Kind, Piece, Plan, Stage, Table
from tswizard.core.split.plan.plan_diff import Merge, adopt, apply, merged
from tswizard.core.split.plan.planner import Planned, plan_pieces
from tswizard.core.split.plan.slices import BadWidth
from tswizard.core.split.schema.constraints import read_compressed_last
from tswizard.core.verify.database_reader import prepare


@dataclass(slots=True)
class Session:
    """Leads a run's copy. Close it, or the source's vacuum waits."""

    job: CopyJob
    hands: Hands
    plan: Plan
    moments: Moments
    _target: Connection
    """Holds the lock of who leads."""

    @classmethod
    async def begin(cls, job: CopyJob, hands: Hands) -> "Session":
        """Write the plan down, or take up the one that is there, at a moment of its own.

        Raises StepFailed, CannotConnect, psycopg.Error.
        """
        target = await open_target(job)
        moments = Moments(job.source, hold=job.held)
        try:
            header = await read_header(target)
            _check_run(header, job)
            await _lead(target, job)
            snapshot = await moments.export() if job.held else None
            planned, state = await _plan(job, snapshot)
            if header is None:
                job = replace(job, options=replace(job.options, chunk_state=state))
                async with target.transaction():
                    await create(target, job.run, job.source.conninfo, job.options, planned.plan)
                    await moments.enter(target, snapshot)
                tables = planned.plan.tables
            else:
                job = replace(job, options=replace(header.options, chunk_state=state))
                tables = await _take_up(target, header, planned, moments, snapshot, job, hands)
            pieces = tuple(known.piece for known in await queue.read_pieces(target))
            session = cls(job, hands, Plan(tables, pieces), moments, target)
            session._tell(planned)
        except BaseException:
            await moments.close()
            await target.close()
            raise
        return session

    def _tell(self, planned: Planned) -> None:
        if planned.tiered:
            self.hands.found(
                Finding(
                    Level.FAIL,
                    "tiered-chunks",
                    f"{len(planned.tiered)} chunks lie in object storage and are not copied.",
                    where=self.job.source.label,
                    todo="Bring them back by untier_chunk() on the source, then resume.",
                    details=planned.tiered,
                )
            )
        texts = [t for t in self.plan.tables if t.why_text]
        for table in texts:
            self.hands.say(f"{table.label} is copied as text: {table.why_text} needs it")

    async def target(self) -> Connection:
        """The connection that leads, opened again when it broke. Raises StepFailed when somebody
        else took the lead meanwhile, CannotConnect."""
        if not await is_alive(self._target):
            await self._target.close()
            self._target = await open_target(self.job)
            await _lead(self._target, self.job)
        return self._target

    async def make_chunks(self) -> None:
        """Make the target's chunks. Raises psycopg.Error."""
        await make_chunks(
            await self.target(),
            self.plan.tables,
            self.hands,
            self.job.target.label,
            lambda done, total, what: self.hands.progress(done, total, what),
        )

    async def run(self, stage: Stage, over: Pass) -> None:
        """One pass over a stage's pieces. Raises StepFailed, psycopg.Error."""
        if not any(piece.stage is stage for piece in self.plan.pieces):
            return
        await queue.open_pass(await self.target(), stage, over)
        try:
            await work(self.job, self.plan, stage, over, self.moments, self.hands, self.target)
        finally:
            with suppress(Error, CannotConnect):
                await queue.close_pass(await self.target())
        await self._check_left(stage, over)

    async def run_all(self, stage: Stage) -> None:
        """Everything of a stage onto the target. Raises as `run` does."""
        files = self.job.options.via == "files"
        await self.run(stage, Pass.LOAD if files else Pass.STREAM)

    async def _check_left(self, stage: Stage, over: Pass) -> None:
        """Nothing half-done is called done."""
        place = "" if over is Pass.STREAM else Staging(self.job.staging).place
        target = await self.target()
        left = await queue.left(target, stage, over, place)
        if left and self.hands.stopping.is_set():
            raise Stopping
        if over is Pass.LOAD and (others := await queue.elsewhere(target, place)):
            raise failed(
                "files-elsewhere",
                f"Files of this run lie at {', '.join(others)}.",
                where=self.job.target.label,
                todo="Resume the run there, with that staging folder. If it is lost: tswizard "
                f"resume --lost {shlex.quote(others[0])}, which copies its pieces again.",
            )
        errors = await queue.errors(target)
        if errors:
            raise failed(
                "pieces-refused",
                f"{len(errors)} pieces could not be copied; all others are on the target.",
                where=self.job.target.label,
                todo="Mend what each says, then resume: only these are copied then.",
            )

    async def close(self) -> None:
        """Let go of the moment and of the lead."""
        await self.moments.close()
        await self._target.close()


class Stopping(asyncio.CancelledError):
    """The user asked to stop after the pieces under way, and some are left."""


def _check_run(header: Header | None, job: CopyJob) -> None:
    if header is not None and header.run != job.run:
        raise failed(
            "target-taken",
            f"The target holds an unfinished run of tswizard, {header.run}.",
            where=job.target.label,
            todo=f"Resume that one (tswizard resume {header.run}) or take an empty target.",
        )


async def _lead(target: Connection, job: CopyJob) -> None:
    if job.concurrent and not await take(target, Lead.COPY):
        raise failed(
            "target-busy",
            "Another tswizard leads this run on the target right now.",
            where=job.target.label,
            todo="Let it end, or help it along: tswizard join.",
        )


async def _plan(job: CopyJob, snapshot: str | None) -> tuple[Planned, str]:
    """The plan at a moment, and SQL for the state of chunks on this source."""
    source = await connect(job.source)
    try:
        await prepare(source)
        await enter_snapshot(source, snapshot)
        last = await read_compressed_last(source)
        planned = await plan_pieces(
            source, width=job.options.width, cut=job.held, compressed_last=last
        )
        return planned, chunk_state(await read_shape(source))
    except BadWidth as error:
        raise failed("piece-width", str(error), todo="Change that answer, then resume.") from error
    finally:
        await source.close()


async def _take_up(
    target: Connection,
    header: Header,
    planned: Planned,
    moments: Moments,
    snapshot: str | None,
    job: CopyJob,
    hands: Hands,
) -> tuple[Table, ...]:
    """Bring the ledger to this moment: what is new is added, what is gone is named."""
    merge = merged(await queue.read_pieces(target), header.tables, planned.plan)
    async with target.transaction():
        slices: dict[int, list[Piece]] = {}
        for known in merge.rewritten:
            slices.setdefault(known.piece.table, []).append(known.piece)
        for number, pieces in slices.items():
            await begin_again(target, header.tables[number], pieces)
        if slices:
            merge = merged(await queue.read_pieces(target), header.tables, planned.plan)
        merge = await adopt(target, merge)
        await apply(target, merge)
        await queue.again(target)
        await moments.enter(target, snapshot)
    for finding in _gone(merge, job.source.label):
        hands.found(finding)
    for place, table in merge.altered.items():
        hands.found(altered(header.tables[place], table, job.source.label))
    for table in merge.homeless:
        hands.found(homeless(table, job.source.label))
    return merge.added.tables


def _gone(merge: Merge, where: str) -> Iterator[Finding]:
    """A finding for each relation that the source has no longer."""
    relations: dict[str, list[Known]] = {}
    for known in merge.gone:
        if known.piece.kind is not Kind.COMPRESS:
            relations.setdefault(queue.relation(known.piece), []).append(known)
    for some in relations.values():
        piece = some[0].piece
        copied = sum(known.rows or 0 for known in some)
        there = any(known.rows is not None for known in some)
        table = merge.added.tables[piece.table]
        yield vanished(table, piece, where, copied=copied if there else None)
