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
from tswizard.core.split.copy.chunks import create_chunks
from tswizard.core.split.copy.copy_job import CopyJob
from tswizard.core.split.copy.errors import columns_changed, dropped_on_source, missing_on_target
from tswizard.core.split.copy.psql_reader import chunk_state
from tswizard.core.split.copy.reporter import CopyReporter
from tswizard.core.split.copy.snapshot import SnapshotHolder, enter_snapshot
from tswizard.core.split.copy.staging import Staging
from tswizard.core.split.copy.upsert import recopy_table
from tswizard.core.split.copy.workers import open_target, work
from tswizard.core.split.ledger import queue
from tswizard.core.split.ledger.leader_lock import LeaderLock, acquire
from tswizard.core.split.ledger.plan_store import StoredPlan, create, read_plan
from tswizard.core.split.ledger.queue import CopyMode, StoredPiece
from tswizard.core.split.plan.piece import CopyPlan, Piece, PieceKind, SourceTable, Stage
from tswizard.core.split.plan.plan_diff import PlanDiff, apply_diff, diff_plans, fit_to_target
from tswizard.core.split.plan.planner import Planned, plan_pieces
from tswizard.core.split.plan.slices import BadWidth
from tswizard.core.split.schema.constraints import read_compressed_last
from tswizard.core.verify.database_reader import prepare


@dataclass(slots=True)
class Coordinator:
    """Leads a run's copy. Close it, or the source's vacuum waits."""

    job: CopyJob
    reporter: CopyReporter
    plan: CopyPlan
    snapshots: SnapshotHolder
    _target: Connection
    """Holds the lock of who leads."""

    @classmethod
    async def start(cls, job: CopyJob, reporter: CopyReporter) -> "Coordinator":
        """Write the plan down, or take up the one that is there, at a moment of its own.

        Raises StepFailed, CannotConnect, psycopg.Error.
        """
        target = await open_target(job)
        snapshots = SnapshotHolder(job.source, hold=job.held)
        try:
            stored = await read_plan(target)
            _check_same_run(stored, job)
            await _acquire_leader_lock(target, job)
            snapshot = await snapshots.export() if job.held else None
            planned, state = await _plan(job, snapshot)
            if stored is None:
                job = replace(job, options=replace(job.options, chunk_state=state))
                async with target.transaction():
                    await create(target, job.run, job.source.conninfo, job.options, planned.plan)
                    await snapshots.record(target, snapshot)
                tables = planned.plan.tables
            else:
                job = replace(job, options=replace(stored.options, chunk_state=state))
                tables = await _resume_ledger(
                    target, stored, planned, snapshots, snapshot, job, reporter
                )
            pieces = tuple(known.piece for known in await queue.read_pieces(target))
            coordinator = cls(job, reporter, CopyPlan(tables, pieces), snapshots, target)
            coordinator._report_plan(planned)
        except BaseException:
            await snapshots.close()
            await target.close()
            raise
        return coordinator

    def _report_plan(self, planned: Planned) -> None:
        if planned.tiered:
            self.reporter.found(
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
            self.reporter.say(f"{table.label} is copied as text: {table.why_text} needs it")

    async def target(self) -> Connection:
        """The connection that leads, opened again when it broke. Raises StepFailed when somebody
        else took the lead meanwhile, CannotConnect."""
        if not await is_alive(self._target):
            await self._target.close()
            self._target = await open_target(self.job)
            await _acquire_leader_lock(self._target, self.job)
        return self._target

    async def create_chunks(self) -> None:
        """Make the target's chunks. Raises psycopg.Error."""
        await create_chunks(
            await self.target(),
            self.plan.tables,
            self.reporter,
            self.job.target.label,
            lambda done, total, what: self.reporter.progress(done, total, what),
        )

    async def run_pass(self, stage: Stage, mode: CopyMode) -> None:
        """One pass over a stage's pieces. Raises StepFailed, psycopg.Error."""
        if not any(piece.stage is stage for piece in self.plan.pieces):
            return
        await queue.open_pass(await self.target(), stage, mode)
        try:
            await work(self.job, self.plan, stage, mode, self.snapshots, self.reporter, self.target)
        finally:
            with suppress(Error, CannotConnect):
                await queue.close_pass(await self.target())
        await self._check_complete(stage, mode)

    async def copy_stage(self, stage: Stage) -> None:
        """Everything of a stage onto the target. Raises as `run` does."""
        files = self.job.options.via == "files"
        await self.run_pass(stage, CopyMode.LOAD if files else CopyMode.STREAM)

    async def _check_complete(self, stage: Stage, mode: CopyMode) -> None:
        """Nothing half-done is called done."""
        location = "" if mode is CopyMode.STREAM else Staging(self.job.staging).location
        target = await self.target()
        left = await queue.count_remaining(target, stage, mode, location)
        if left and self.reporter.stopping.is_set():
            raise Stopping
        if mode is CopyMode.LOAD and (others := await queue.staged_elsewhere(target, location)):
            raise failed(
                "files-elsewhere",
                f"Files of this run lie at {', '.join(others)}.",
                where=self.job.target.label,
                todo="Resume the run there, with that staging folder. If it is lost: tswizard "
                f"resume --lost {shlex.quote(others[0])}, which copies its pieces again.",
            )
        errors = await queue.read_errors(target)
        if errors:
            raise failed(
                "pieces-refused",
                f"{len(errors)} pieces could not be copied; all others are on the target.",
                where=self.job.target.label,
                todo="Mend what each says, then resume: only these are copied then.",
            )

    async def close(self) -> None:
        """Let go of the moment and of the lead."""
        await self.snapshots.close()
        await self._target.close()


class Stopping(asyncio.CancelledError):
    """The user asked to stop after the pieces under way, and some are left."""


def _check_same_run(stored: StoredPlan | None, job: CopyJob) -> None:
    if stored is not None and stored.run != job.run:
        raise failed(
            "target-taken",
            f"The target holds an unfinished run of tswizard, {stored.run}.",
            where=job.target.label,
            todo=f"Resume that one (tswizard resume {stored.run}) or take an empty target.",
        )


async def _acquire_leader_lock(target: Connection, job: CopyJob) -> None:
    if job.concurrent and not await acquire(target, LeaderLock.COPY):
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


async def _resume_ledger(
    target: Connection,
    stored: StoredPlan,
    planned: Planned,
    snapshots: SnapshotHolder,
    snapshot: str | None,
    job: CopyJob,
    reporter: CopyReporter,
) -> tuple[SourceTable, ...]:
    """Bring the ledger to this moment: what is new is added, what is gone is named."""
    diff = diff_plans(await queue.read_pieces(target), stored.tables, planned.plan)
    async with target.transaction():
        slices: dict[int, list[Piece]] = {}
        for known in diff.rewritten:
            slices.setdefault(known.piece.table_index, []).append(known.piece)
        for number, pieces in slices.items():
            await recopy_table(target, stored.tables[number], pieces)
        if slices:
            diff = diff_plans(await queue.read_pieces(target), stored.tables, planned.plan)
        diff = await fit_to_target(target, diff)
        await apply_diff(target, diff)
        await queue.requeue_failed(target)
        await snapshots.record(target, snapshot)
    for finding in _report_dropped(diff, job.source.label):
        reporter.found(finding)
    for place, table in diff.columns_changed.items():
        reporter.found(columns_changed(stored.tables[place], table, job.source.label))
    for table in diff.missing_on_target:
        reporter.found(missing_on_target(table, job.source.label))
    return diff.added.tables


def _report_dropped(diff: PlanDiff, where: str) -> Iterator[Finding]:
    """A finding for each relation that the source has no longer."""
    relations: dict[str, list[StoredPiece]] = {}
    for known in diff.dropped:
        if known.piece.kind is not PieceKind.COMPRESS:
            relations.setdefault(queue.relation_key(known.piece), []).append(known)
    for some in relations.values():
        piece = some[0].piece
        copied = sum(known.rows or 0 for known in some)
        there = any(known.rows is not None for known in some)
        table = diff.added.tables[piece.table_index]
        yield dropped_on_source(table, piece, where, copied=copied if there else None)
