"""Leads a run's copy: the ledger, the snapshots, the passes over the queue."""

import asyncio
import shlex
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace

from psycopg import Error

from tswizard.core.catalog.catalog_shape import CAGG, HYPERTABLE, read_shape
from tswizard.core.db.connection import (
    Connection,
    connected,
    enter_snapshot,
    rows,
)
from tswizard.core.db.errors import CannotConnect
from tswizard.core.model.events import Unit
from tswizard.core.model.finding import Finding, Level
from tswizard.core.model.wording import plural
from tswizard.core.run.context import failed
from tswizard.core.split.copy.chunks import create_chunks
from tswizard.core.split.copy.copy_job import CopyJob
from tswizard.core.split.copy.errors import (
    columns_changed,
    dropped_on_source,
    missing_on_target,
)
from tswizard.core.split.copy.reporter import CopyReporter
from tswizard.core.split.copy.scripts import chunk_state_sql
from tswizard.core.split.copy.snapshot import SnapshotHolder
from tswizard.core.split.copy.staging import StagingFolder
from tswizard.core.split.copy.target_connection import open_target
from tswizard.core.split.copy.upsert import recopy_table
from tswizard.core.split.copy.workers import run_workers
from tswizard.core.split.ledger import queue
from tswizard.core.split.ledger.leader_lock import HeldSession, LeaderLock, acquire
from tswizard.core.split.ledger.plan_store import (
    StoredPlan,
    create_ledger,
    other_run,
    raise_format,
    read_plan,
    save_tables,
)
from tswizard.core.split.ledger.plan_update import apply_diff, fit_to_target
from tswizard.core.split.ledger.queue import CopyMode
from tswizard.core.split.plan.packed_chunks import packed_state
from tswizard.core.split.plan.piece import (
    CopyPlan,
    Piece,
    PieceKind,
    PieceState,
    Stage,
    StoredPiece,
    relation_key,
)
from tswizard.core.split.plan.plan_diff import PlanDiff, diff_plans
from tswizard.core.split.plan.planner import Planned, plan_pieces
from tswizard.core.split.plan.slices import BadWidth
from tswizard.core.split.schema.constraints import read_compressed_last
from tswizard.core.split.stored.counts import count_ways, ways_in_words
from tswizard.core.split.stored.shells import ShellMaker

_MATERIALIZATIONS = f"""
SELECT g.user_view_schema::text, g.user_view_name::text, m.schema_name::text, m.table_name::text
FROM {CAGG} g JOIN {HYPERTABLE} m ON m.id = g.mat_hypertable_id
"""


@dataclass(slots=True, kw_only=True)
class Coordinator:
    """Leads a run's copy. Close it: its snapshot holds back vacuum on the source."""

    job: CopyJob
    reporter: CopyReporter
    plan: CopyPlan
    snapshots: SnapshotHolder
    _target: Connection
    """Holds the leader lock of the copy."""
    _session: HeldSession = field(default_factory=HeldSession)

    def __post_init__(self) -> None:
        self._session.answered()  # the lock has just been acquired

    @classmethod
    async def start(cls, job: CopyJob, reporter: CopyReporter) -> "Coordinator":
        """Store the plan, or resume the stored one, under a new snapshot.

        Raises StepFailed, CannotConnect, psycopg.Error.
        """
        target = await open_target(job)
        snapshots = SnapshotHolder(job.source, hold=job.holds_snapshot)
        try:
            stored = await read_plan(target)
            _refuse_other_run(stored, job)
            await _acquire_leader_lock(target, job)
            snapshot = await snapshots.export() if job.holds_snapshot else None
            options = stored.options if stored else job.options
            planned, states = await _plan(replace(job, options=options), snapshot)
            options = replace(options, chunk_state=states.chunk, packed_state=states.packed)
            job = replace(job, options=options)
            tables, findings = planned.plan.tables, list[Finding]()
            async with target.transaction():
                if stored is None:
                    await create_ledger(
                        target,
                        planned.plan,
                        run=job.run,
                        source=job.source.conninfo,
                        options=options,
                    )
                else:
                    await raise_format(target)
                    diff = await _update_ledger(target, stored, planned.plan)
                    tables = diff.added.tables
                    findings = list(_changes(stored, diff, job.source.label))
                await snapshots.record(target, snapshot)
            pieces = tuple(s.piece for s in await queue.read_pieces(target))
            coordinator = cls(
                job=job,
                reporter=reporter,
                plan=CopyPlan(tables, pieces),
                snapshots=snapshots,
                _target=target,
            )
            for finding in findings:
                reporter.found(finding)
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
                    f"The rows of {plural(len(planned.tiered), 'chunk')} in object storage are not "
                    "copied.",
                    where=self.job.source.label,
                    todo="Untier them with untier_chunk() on the source, then resume.",
                    details=planned.tiered,
                )
            )
        for table in self.plan.tables:
            if table.text_column:
                self.reporter.say(
                    f"{table.label} is copied in text format because of column {table.text_column}"
                )

    async def target(self) -> Connection:
        """The connection that holds the leader lock, reopened if it was lost.

        Raises StepFailed if another process has acquired the lock since, CannotConnect.
        """
        if not await self._session.lives(self._target):
            await self._target.close()
            self._target = await open_target(self.job)
            await _acquire_leader_lock(self._target, self.job)
            self._session.answered()
        return self._target

    async def create_chunks(self) -> None:
        """Create the target's chunks. Raises psycopg.Error."""
        await self._place_caggs()
        await create_chunks(
            await self.target(), self.plan.tables, self.reporter, self.job.target.label
        )

    async def make_shells(self) -> None:
        """Compress the empty chunks on the target that compressed rows are copied into as they are
        stored. Raises psycopg.Error, CannotConnect."""
        if self.job.options.compressed == "recompress":
            return
        await self._place_caggs()
        target = await self.target()

        async def progress(done: int, total: int, label: str) -> None:
            await self.reporter.going.wait()
            self.reporter.progress(done, total, label, Unit.ITEMS)

        async with connected(self.job.source) as source:
            tables = await ShellMaker(
                source=source,
                target=target,
                functions=self.job.timescaledb_schema,
                rebuild=self.job.options.compressed == "rebuild",
                progress=progress,
            ).make(self.plan.tables)
        self.plan = replace(self.plan, tables=tables)
        if counts := count_ways(await queue.read_pieces(target)):
            self.reporter.say(f"compressed chunks: {ways_in_words(counts)}")

    async def run_pass(self, stage: Stage, mode: CopyMode) -> None:
        """One pass over a stage's pieces. Raises StepFailed, psycopg.Error."""
        if not any(piece.stage is stage for piece in self.plan.pieces):
            return
        if stage is Stage.CHUNKS:
            await self._place_caggs()
        await queue.open_pass(await self.target(), stage, mode)
        try:
            await run_workers(
                self.job,
                self.plan,
                stage=stage,
                mode=mode,
                snapshots=self.snapshots,
                reporter=self.reporter,
                ledger=self.target,
            )
        finally:
            with suppress(Error, CannotConnect):
                await queue.close_pass(await self.target())
        await self._check_complete(stage, mode)

    async def _place_caggs(self) -> None:
        """Find out what materialization hypertables are called on the target. Rows of a continuous
        aggregate that is not there, which is reported where it is created, are not copied."""
        if all(table.on_target for table in self.plan.tables):
            return
        target = await self.target()
        there = {
            (view_schema, view): (schema, name)
            for view_schema, view, schema, name in await rows(target, _MATERIALIZATIONS)
        }
        tables = tuple(
            replace(table, target=there.get(table.cagg)) if table.cagg else table
            for table in self.plan.tables
        )
        nowhere = [
            piece.id for piece in self.plan.pieces if not tables[piece.table_index].on_target
        ]
        async with target.transaction():
            await save_tables(target, tables)
            if nowhere:
                await queue.set_state(target, nowhere, PieceState.GONE)
        self.plan = replace(self.plan, tables=tables)

    async def copy_stage(self, stage: Stage) -> None:
        """Copy everything of a stage to the target. Raises StepFailed, psycopg.Error."""
        files = self.job.options.via == "files"
        await self.run_pass(stage, CopyMode.LOAD if files else CopyMode.STREAM)

    async def _check_complete(self, stage: Stage, mode: CopyMode) -> None:
        """A pass that left pieces behind must not count as done."""
        location = ""
        if mode is not CopyMode.STREAM:
            location = StagingFolder(self.job.staging).location
        target = await self.target()
        remaining = await queue.count_remaining(target, stage, mode, location)
        if remaining and self.reporter.stopping.is_set():
            raise Stopping
        if mode is CopyMode.LOAD and (others := await queue.staged_elsewhere(target, location)):
            raise failed(
                "files-elsewhere",
                f"Files of this run are in {', '.join(others)}.",
                where=self.job.target.label,
                todo="Resume the run there, with that staging folder. If it is lost: tswizard "
                f"resume --lost {shlex.quote(others[0])}, which copies its pieces again.",
            )
        if number := await queue.count_failed(target):
            raise failed(
                "pieces-refused",
                f"{plural(number, 'piece')} could not be copied; all others are on the target.",
                where=self.job.target.label,
                todo="Fix each problem, then resume: only these pieces are copied then.",
            )

    async def close(self) -> None:
        """Release the snapshot and the leader lock."""
        try:
            await self.snapshots.close()
        finally:
            await self._target.close()


class Stopping(asyncio.CancelledError):
    """The user asked to stop after the pieces in progress, and some are left."""


def _refuse_other_run(stored: StoredPlan | None, job: CopyJob) -> None:
    if stored is not None and stored.run != job.run:
        raise other_run(stored.run, job.target.label)


async def _acquire_leader_lock(target: Connection, job: CopyJob) -> None:
    if job.concurrent and not await acquire(target, LeaderLock.COPY):
        raise failed(
            "target-busy",
            "Another tswizard process is running this migration.",
            where=job.target.label,
            todo="Wait for it, or add workers with tswizard join.",
        )


@dataclass(frozen=True, slots=True)
class _States:
    """SQL for the state of chunks on a source."""

    chunk: str
    packed: str


async def _plan(job: CopyJob, snapshot: str | None) -> tuple[Planned, _States]:
    """The plan under a snapshot, and SQL for the state of chunks on this source."""
    async with connected(job.source, row_security=False) as source:
        await enter_snapshot(source, snapshot)
        last = await read_compressed_last(source, job.compressed_late)
        try:
            planned = await plan_pieces(
                source,
                width=job.options.width,
                slice_tables=job.holds_snapshot,
                compressed_last=last,
                routed=job.routed,
                search_paths=job.search_paths,
                caggs=job.options.caggs,
                stored=job.options.compressed != "recompress",
                partial_as_stored=job.holds_snapshot and job.options.via == "stream",
            )
        except BadWidth as error:
            raise failed(
                "piece-width",
                str(error),
                todo="Begin a new run with another answer (piece); this one has copied nothing.",
            ) from error
        shape = await read_shape(source)
        return planned, _States(chunk_state_sql(shape), packed_state(shape))


async def _update_ledger(target: Connection, stored: StoredPlan, new: CopyPlan) -> PlanDiff:
    """Bring the ledger up to a new plan; what has changed. Call it in a transaction."""
    diff = diff_plans(await queue.read_pieces(target), stored.tables, new)
    slices: dict[int, list[Piece]] = {}
    for rewritten in diff.rewritten:
        slices.setdefault(rewritten.piece.table_index, []).append(rewritten.piece)
    for index, pieces in slices.items():
        await recopy_table(target, stored.tables[index], pieces)
    if slices:
        diff = diff_plans(await queue.read_pieces(target), stored.tables, new)
    diff = await fit_to_target(target, diff)
    await apply_diff(target, diff)
    await queue.requeue_failed(target)
    return diff


def _changes(stored: StoredPlan, diff: PlanDiff, source: str) -> Iterator[Finding]:
    """What was changed on the source since the stored plan, and cannot be followed."""
    relations: dict[str, list[StoredPiece]] = {}
    for dropped in diff.dropped:
        if dropped.piece.kind is not PieceKind.COMPRESS:
            relations.setdefault(relation_key(dropped.piece), []).append(dropped)
    for some in relations.values():
        piece = some[0].piece
        copied = sum(s.rows or 0 for s in some)
        on_target = any(s.rows is not None for s in some)
        table = diff.added.tables[piece.table_index]
        yield dropped_on_source(table, piece, source, copied=copied if on_target else None)
    for index, table in diff.columns_changed.items():
        yield columns_changed(stored.tables[index], table, source)
    for table in diff.missing_on_target:
        yield missing_on_target(table, source)
