"""The data phase as steps of a run: plan, chunks, tables, hypertables, reconciliation."""

from dataclasses import dataclass, field, replace
from functools import partial

from tswizard.core.db.connection import connected
from tswizard.core.db.session_settings import transfer_encoding
from tswizard.core.model.wording import plural
from tswizard.core.run.context import Context, StepSkipped, failed
from tswizard.core.split import reconcile
from tswizard.core.split.coordinator import Coordinator
from tswizard.core.split.copy.copy_job import CopyJob
from tswizard.core.split.copy.reporter import reporter_of
from tswizard.core.split.ledger.plan_store import Options
from tswizard.core.split.ledger.queue import CopyMode
from tswizard.core.split.lost_connections import retrying
from tswizard.core.split.plan.piece import Stage
from tswizard.core.split.schema.drop_for_recopy import drop_for_recopy
from tswizard.core.split.source_fingerprint import read_fingerprint, source_fingerprint
from tswizard.core.verify import read_next_xid


def _copy_job(ctx: Context, options: Options, *, keep_files: bool) -> CopyJob:
    """The copy that a run's task asks for. Raises StepFailed without a psql."""
    task = ctx.task
    psql = task.tools.psql
    if psql is None:
        raise failed(
            "no-psql",
            f"There is no psql beside pg_dump in {task.tools.folder}.",
            todo="Install PostgreSQL's client tools (psql comes with them), then resume.",
        )
    source, target = task.inventory.server, task.target_server
    return CopyJob(
        source=task.source,
        target=task.target,
        run=ctx.run_folder.record.id,
        psql=psql,
        options=replace(options, encoding=transfer_encoding(source.encoding, target.encoding)),
        jobs=task.jobs,
        concurrent=task.concurrent,
        staging=task.dump,
        keep_files=keep_files,
        timescaledb_schema=target.timescaledb_schema or "public",
        search_paths=task.inventory.hazards.search_paths,
        routed=task.inventory.hazards.routed,
        compressed_late=task.inventory.hazards.compressed_late,
    )


@dataclass(slots=True)
class DataPhase:
    """The steps that copy rows. One object for each process: they share a coordinator and its
    snapshot."""

    options: Options = field(default_factory=Options)
    keep_files: bool = False
    _coordinator: Coordinator | None = None
    _fingerprint: str = ""
    """Of the source before the coordinator's first snapshot."""

    async def coordinator(self, ctx: Context) -> Coordinator:
        """The coordinator, started by the first step in this process that needs it.

        Sets `ctx.snapshot`; `ctx.resources` closes it.
        """
        reporter = reporter_of(ctx)
        if self._coordinator is None:
            async with connected(ctx.task.source) as source:
                self._fingerprint = await read_fingerprint(source)
                xid = await read_next_xid(source)
            ctx.run_folder.save(replace(ctx.run_folder.record, source_xid=xid))
            job = _copy_job(ctx, self.options, keep_files=self.keep_files)
            self._coordinator = await Coordinator.start(job, reporter)
            ctx.resources.push_async_callback(self._close)
        self._coordinator.reporter = reporter
        self._set_snapshot(ctx)
        return self._coordinator

    def _set_snapshot(self, ctx: Context) -> None:
        assert self._coordinator is not None
        current = self._coordinator.snapshots.current
        ctx.snapshot = current.name if current else None

    async def _close(self) -> None:
        if self._coordinator is not None:
            coordinator, self._coordinator = self._coordinator, None
            await coordinator.close()

    async def plan(self, ctx: Context) -> None:
        """Store the plan of pieces on the target, read under one snapshot of the source."""
        plan = (await self.coordinator(ctx)).plan
        size = sum(piece.bytes for piece in plan.pieces)
        pieces, tables = plural(len(plan.pieces), "piece"), plural(len(plan.tables), "table")
        ctx.say(f"{pieces} of {tables}, {size} bytes")

    async def chunks(self, ctx: Context) -> None:
        """Create the chunks of all hypertables as on the source."""
        coordinator = await self.coordinator(ctx)
        if not any(table.hypertable for table in coordinator.plan.tables):
            raise StepSkipped("the source has no hypertable")
        await retrying(coordinator, coordinator.create_chunks)

    async def export(self, ctx: Context) -> None:
        """The first half of `via = "files"`: all rows into the staging folder."""
        coordinator = await self.coordinator(ctx)
        for stage in reconcile.ROW_STAGES:
            await retrying(coordinator, partial(coordinator.run_pass, stage, CopyMode.EXPORT))
        self._set_snapshot(ctx)

    async def tables(self, ctx: Context) -> None:
        """Copy plain tables, partitions and large objects.

        Those that were copied under an earlier snapshot are reconciled before any chunk is
        copied: new chunks may refer to new rows of theirs.
        """
        await self._copy(ctx, Stage.TABLES)
        coordinator = await self.coordinator(ctx)
        stages, prepare = (Stage.TABLES,), partial(drop_for_recopy, ctx)
        await retrying(coordinator, partial(reconcile.reconcile, coordinator, prepare, stages))
        self._set_snapshot(ctx)

    async def hypertables(self, ctx: Context) -> None:
        """Copy the chunks, and compress each that was compressed soon after its copy."""
        await self._copy(ctx, Stage.CHUNKS)

    async def compress_last(self, ctx: Context) -> None:
        """Compress the chunks that had to wait for constraints."""
        coordinator = await self.coordinator(ctx)
        if not any(piece.stage is Stage.LAST for piece in coordinator.plan.pieces):
            raise StepSkipped("no chunk had to wait for constraints")
        await retrying(coordinator, partial(coordinator.copy_stage, Stage.LAST))

    async def _copy(self, ctx: Context, stage: Stage) -> None:
        coordinator = await self.coordinator(ctx)
        prepare = partial(drop_for_recopy, ctx)
        await retrying(coordinator, partial(reconcile.copy_unfinished, coordinator, prepare, stage))
        self._set_snapshot(ctx)

    async def reconcile(self, ctx: Context) -> None:
        """Bring all pieces to the last snapshot, before anything is built on their rows."""
        coordinator = await self.coordinator(ctx)
        prepare = partial(drop_for_recopy, ctx)
        recopied = await retrying(coordinator, partial(reconcile.reconcile, coordinator, prepare))
        self._set_snapshot(ctx)
        await ctx.remember(replace(ctx.run_folder.record, source_fingerprint=self._fingerprint))
        ctx.say(
            f"copied again, since the source had changed: {plural(recopied, 'piece')}"
            if recopied
            else "all pieces are of one snapshot"
        )

    async def refuse_changed(self, ctx: Context) -> None:
        """Raises StepFailed if another process reconciled the rows and the source was changed
        since: the check would compare them with what the source holds now."""
        record = ctx.run_folder.record
        holds_snapshot = self._coordinator is not None
        if holds_snapshot or await source_fingerprint(ctx.task.source) == record.source_fingerprint:
            return
        raise failed(
            "source-changed",
            "The source was written to after its rows were copied.",
            where=ctx.task.source.label,
            why="The snapshot that they were copied under ended with an earlier attempt.",
            todo="Resume the run: pieces that differ are copied again, and everything is checked "
            "under one snapshot.",
        )
