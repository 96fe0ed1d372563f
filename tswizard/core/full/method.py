"""The full method, as the runner and the screens know it."""

from dataclasses import replace

from tswizard.core.catalog.inventory import Inventory, Server
from tswizard.core.db.connection import connected
from tswizard.core.db.endpoint import Endpoint
from tswizard.core.estimate.workload import Workload
from tswizard.core.full import restore_mode
from tswizard.core.full.cleanup import interrupted
from tswizard.core.full.estimate import estimate_full
from tswizard.core.full.runbook import full_runbook
from tswizard.core.full.steps import FULL_STEPS, RESTORING, FullStep, same_ids
from tswizard.core.model.answers import Answers, MethodName
from tswizard.core.model.disk_estimate import dump_bounds
from tswizard.core.model.estimate import MethodEstimate
from tswizard.core.model.events import StepState
from tswizard.core.model.finding import Level
from tswizard.core.model.left_open import LeftOpen
from tswizard.core.model.plan import Task
from tswizard.core.model.runbook import Runbook
from tswizard.core.model.wording import plural, size
from tswizard.core.run.context import LEFT_OPEN, Context, Leftovers, PutBack
from tswizard.core.run.method import MethodFacts, MethodInShort
from tswizard.core.run.record import FINAL, RunRecord
from tswizard.core.run.run_folder import RunFolder, RunFolderError, dump_folder
from tswizard.core.steps import source_jobs
from tswizard.core.steps.compare import CHECK
from tswizard.core.steps.leftovers import leave_behind, why_record_stays
from tswizard.core.steps.stored_run import keep_stored_run


class FullRun:
    """One full migration. The dump lies on this machine alone, so the run's folder is enough."""

    def __init__(self) -> None:
        self._kept: Context | None = None
        """Of a run that has finished with its record on the target."""

    async def before_step(self) -> None:
        """Nothing to make sure of: the run's folder is locked."""

    async def save_record(self) -> None:
        """While it runs, the record is kept in the run's folder alone."""
        if self._kept is not None:
            await keep_stored_run(self._kept)

    def to_put_back(self, ctx: Context) -> tuple[PutBack, ...]:
        """Restore mode, then the source's jobs."""
        record = ctx.run_folder.record
        statement = f"SELECT {restore_mode.POST_RESTORE}();"
        leave = PutBack("The target may still be in restore mode", restore_mode.leave, statement)
        return (*((leave,) if _in_restore_mode(record) else ()), *source_jobs.jobs_to_put_back(ctx))

    async def tidy_up(self, ctx: Context, result: Level) -> Leftovers:
        self._kept = ctx if why_record_stays(ctx, result) else None
        return await leave_behind(ctx, result, same_ids)

    async def close(self) -> None:
        """Holds nothing."""


class Full:
    """One pg_dump of everything, one pg_restore."""

    name: MethodName = "full"
    steps = FULL_STEPS
    asks = frozenset(("compress_first", "recreate_extension"))
    unit = "step"
    in_short = MethodInShort(interrupted="starts over", versions="equal")
    comparison = (
        "FULL  One pg_dump of everything into a folder here, then one pg_restore into the target. "
        "Continuous aggregates with their history, policies and compressed chunks arrive as they "
        "are.\n"
        "Better when all of it fits in one maintenance window over a stable connection, and when "
        "you want everything without choosing parts.\n"
        "It cannot resume in the middle: an interrupted dump or restore starts over (a finished "
        "dump is kept). It needs the same version of TimescaleDB on source and target, and disk "
        "space here for the dump."
    )

    def facts(self, inventory: Inventory, source: Server, target: Server) -> MethodFacts:
        compressed = sum(h.compressed_chunks for h in inventory.hypertables)
        stored = f", {plural(compressed, 'compressed chunk')} as stored" if compressed else ""
        here, there = (server.timescaledb or "none" for server in (source, target))
        versions = f"both have {here}" if here == there else f"source {here}, target {there}"
        return MethodFacts(
            does=f"one dump, one restore: about {size(inventory.dump_bytes)}{stored}. Continuous "
            "aggregates and policies too.",
            best="when all of it fits in one maintenance window over a stable connection.",
            cannot="resume in the middle: an interrupted dump or restore starts over.",
            needs=f"equal versions of TimescaleDB; {versions}. For the dump up to "
            f"{size(dump_bounds(inventory).most)} on this machine.",
        )

    def disk_here(self, inventory: Inventory, answers: Answers) -> int:
        return dump_bounds(inventory).most

    def estimate(self, task: Task, load: Workload) -> MethodEstimate:
        return estimate_full(task, load)

    async def runbook(self, task: Task) -> Runbook:
        return await full_runbook(task)

    def open(self, task: Task, run_folder: RunFolder, *, over: bool = False) -> FullRun:
        return FullRun()

    async def adopt(self, run_folder: RunFolder, target: Endpoint) -> None:
        """No other machine can have run it: the dump is here."""

    async def change_answers(
        self, run_folder: RunFolder, target: Endpoint, answers: Answers
    ) -> tuple[str, ...]:
        """A finished dump stays where it is: it may have taken hours. An unfinished one is removed
        with its old folder, since a dump starts over."""
        record, old = run_folder.record, run_folder.dump_path
        if dump_folder(run_folder.path, answers) != old:
            if self.holds_elsewhere(run_folder) is not None:
                raise RunFolderError(
                    f"{record.id} continues from its finished dump in {old}; resume it without "
                    "another staging folder."
                )
            await run_folder.remove_dump()
        run_folder.save(replace(record, answers=answers))
        return ()

    async def confirmation(self, run_folder: RunFolder, target: Endpoint) -> str | None:
        record = run_folder.record
        if record.step(FullStep.LEAVE_RESTORE_MODE).state in FINAL:
            return None
        async with connected(target) as connection:
            if await interrupted(connection, record.id) is None:
                return None
        return (
            f"The restore into {target.label} was interrupted. Everything that this run put there "
            "is removed, and the restore starts over from the finished dump."
        )

    def holds_elsewhere(self, run_folder: RunFolder) -> frozenset[str] | None:
        """With a finished dump; until it was restored for good."""
        dumped = run_folder.record.step(FullStep.DUMP).state is StepState.DONE
        if not dumped or not (run_folder.dump_path / "toc.dat").exists():
            return None
        return frozenset((FullStep.COMPRESS, FullStep.DUMP))

    def left_open(self, record: RunRecord) -> tuple[LeftOpen, ...]:
        crashed = any(step.state is StepState.RUNNING for step in record.steps)
        still = crashed or any(finding.id == LEFT_OPEN for finding in record.leaving)
        mode = LeftOpen(
            run=record.id,
            what="the target may still be in restore mode",
            statement=f"SELECT {restore_mode.POST_RESTORE}();",
            source=record.source_label,
            target=record.target_label,
        )
        return (
            *((mode,) if _in_restore_mode(record) and still else ()),
            *source_jobs.jobs_left_paused(record),
        )

    async def to_repeat(self, run_folder: RunFolder, source: Endpoint) -> frozenset[str]:
        """The whole restore as long as it is not complete; the dump when it is gone."""
        record = run_folder.record
        names: set[str] = set()
        if record.step(FullStep.LEAVE_RESTORE_MODE).state not in FINAL:
            names |= {*RESTORING, source_jobs.PAUSE.id}
            if not (run_folder.dump_path / "toc.dat").exists():
                names.add(FullStep.DUMP)
        if record.step(CHECK).state not in FINAL:
            names |= {source_jobs.PAUSE.id, source_jobs.RESUME.id}
        return frozenset(names)


def _in_restore_mode(record: RunRecord) -> bool:
    """May this run have put the target into restore mode, and not left it for good?"""
    begun = any(record.step(id).state is not StepState.PENDING for id in RESTORING)
    return begun and record.step(FullStep.LEAVE_RESTORE_MODE).state is not StepState.DONE


FULL = Full()
