"""The data phase as steps of a run: plan, chunks, tables, hypertables, one moment for all."""

from dataclasses import dataclass, field, replace
from functools import partial

from tswizard.core.run.context import Context, StepSkipped, failed
from tswizard.core.split import reconcile
from tswizard.core.split.coordinator import Coordinator
from tswizard.core.split.copy.copy_job import CopyJob
from tswizard.core.split.copy.reporter import reporter_of
from tswizard.core.split.ledger import plan_store
from tswizard.core.split.ledger.plan_store import Options
from tswizard.core.split.ledger.queue import CopyMode
from tswizard.core.split.plan.piece import Stage
from tswizard.core.split.schema.drop_for_recopy import drop_for_recopy
from tswizard.core.split.source_fingerprint import source_fingerprint


def encoding(source: str, target: str) -> str:
    """The encoding that rows travel in: the servers' own where it is one, so nothing is
    converted; else UTF8, which either converts or refuses."""
    return source if source == target else "UTF8"


def job_of(ctx: Context, options: Options, *, keep_files: bool = False) -> CopyJob:
    """The copy that a run's task asks for. Raises StepFailed without a psql."""
    task = ctx.task
    psql = task.tools.psql
    if psql is None:
        raise failed(
            "no-psql",
            f"There is no psql beside pg_dump in {task.tools.folder}.",
            todo="Install PostgreSQL's client tools (psql comes with them), then resume.",
        )
    server = task.inventory.server
    return CopyJob(
        task.source,
        task.target,
        ctx.run_folder.record.id,
        psql,
        replace(options, encoding=encoding(server.encoding, task.target_server.encoding)),
        task.jobs,
        task.concurrent,
        task.dump,
        keep_files,
        task.target_server.timescaledb_schema or "public",
    )


@dataclass(slots=True)
class DataPhase:
    """The steps. One object for one process's run: they share a session and its moment."""

    options: Options = field(default_factory=Options)
    keep_files: bool = False
    _coordinator: Coordinator | None = None
    _sum: str = ""
    """Of the source, from before the session's first moment."""

    @property
    def begun(self) -> bool:
        """Does this process hold, or has it held, a moment of its own?"""
        return self._coordinator is not None

    async def coordinator(self, ctx: Context) -> Coordinator:
        """The session, begun by whichever step comes first in this process.

        `ctx.snapshot` is the moment's from here on, and `ctx.resources` closes it.
        """
        reporter = reporter_of(ctx)
        if self._coordinator is None:
            self._sum = await source_fingerprint(ctx.task.source)
            coordinator = await Coordinator.start(
                job_of(ctx, self.options, keep_files=self.keep_files), reporter
            )
            self._coordinator = coordinator
            ctx.resources.push_async_callback(self._close)
        self._coordinator.reporter = reporter
        self._follow(ctx)
        return self._coordinator

    def _follow(self, ctx: Context) -> None:
        assert self._coordinator is not None
        now = self._coordinator.snapshots.current
        ctx.snapshot = now.name if now else None

    async def _close(self) -> None:
        if self._coordinator is not None:
            coordinator, self._coordinator = self._coordinator, None
            await coordinator.close()

    async def plan(self, ctx: Context) -> None:
        """Write the plan of pieces down on the target, at one moment of the source."""
        coordinator = await self.coordinator(ctx)
        pieces = coordinator.plan.pieces
        size = sum(piece.bytes for piece in pieces)
        ctx.say(f"{len(pieces)} pieces of {len(coordinator.plan.tables)} tables, {size} bytes")

    async def chunks(self, ctx: Context) -> None:
        """Make the chunks of every hypertable as they are on the source."""
        coordinator = await self.coordinator(ctx)
        if not any(table.hypertable for table in coordinator.plan.tables):
            raise StepSkipped("the source has no hypertable")
        await coordinator.create_chunks()

    async def export(self, ctx: Context) -> None:
        """The first half of `via = "files"`: everything into the staging folder."""
        coordinator = await self.coordinator(ctx)
        for stage in (Stage.TABLES, Stage.CHUNKS):
            await coordinator.run_pass(stage, CopyMode.EXPORT)
        self._follow(ctx)

    async def tables(self, ctx: Context) -> None:
        """Copy plain tables, partitions and large objects.

        Those that an earlier moment's rows are in come to this moment first: new chunks may refer
        to what is new in them.
        """
        await self._copy(ctx, Stage.TABLES)
        coordinator = await self.coordinator(ctx)
        await reconcile.reconcile(coordinator, partial(drop_for_recopy, ctx), (Stage.TABLES,))
        self._follow(ctx)

    async def hypertables(self, ctx: Context) -> None:
        """Copy the chunks, and compress again what was compressed, each soon after its copy."""
        await self._copy(ctx, Stage.CHUNKS)

    async def compress_last(self, ctx: Context) -> None:
        """Compress the chunks that had to wait for constraints."""
        coordinator = await self.coordinator(ctx)
        if not any(piece.stage is Stage.LAST for piece in coordinator.plan.pieces):
            raise StepSkipped("no chunk had to wait for constraints")
        await coordinator.copy_stage(Stage.LAST)

    async def _copy(self, ctx: Context, stage: Stage) -> None:
        await reconcile.copy_unfinished(
            await self.coordinator(ctx), partial(drop_for_recopy, ctx), stage
        )
        self._follow(ctx)

    async def reconcile(self, ctx: Context) -> None:
        """Bring pieces of earlier moments to the last one. Belongs before what builds on rows."""
        coordinator = await self.coordinator(ctx)
        repeated = await reconcile.reconcile(coordinator, partial(drop_for_recopy, ctx))
        self._follow(ctx)
        await ctx.remember(replace(ctx.run_folder.record, source_fingerprint=self._sum))
        ctx.say(
            f"{repeated} pieces had changed on the source and were copied again"
            if repeated
            else "every piece is of the same moment"
        )

    async def refuse_changed(self, ctx: Context) -> None:
        """Raises StepFailed when the rows were brought to one moment by an earlier process, and
        the source was changed since: they would differ from what is there now."""
        record = ctx.run_folder.record
        if self.begun or await source_fingerprint(ctx.task.source) == record.source_fingerprint:
            return
        raise failed(
            "source-changed",
            "The source was written to after its rows were copied.",
            where=ctx.task.source.label,
            why="The moment that they were copied at ended with an earlier attempt.",
            todo="Resume the run: what differs is copied again, then all of it is checked at one "
            "moment.",
        )

    async def forget(self, ctx: Context) -> None:
        """Remove the ledger of pieces from the target."""
        coordinator = await self.coordinator(ctx)
        await plan_store.drop(await coordinator.target())
        await self._close()
