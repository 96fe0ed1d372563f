"""One split migration: the record on the target with its lock, and the data phase."""

from tswizard.core.model.finding import Level
from tswizard.core.model.kept_history import kept_caggs
from tswizard.core.model.object_selection import chosen_caggs
from tswizard.core.model.plan import Task
from tswizard.core.run.context import Context, Leftovers, PutBack
from tswizard.core.run.run_folder import RunFolder
from tswizard.core.split.caggs.logging import logging_to_put_back
from tswizard.core.split.data_steps import DataPhase
from tswizard.core.split.ledger.plan_store import Options
from tswizard.core.split.ledger.run_record import RunRecordStore
from tswizard.core.split.policies.recreate import target_ids
from tswizard.core.steps import source_jobs
from tswizard.core.steps.leftovers import leave_behind, why_record_stays
from tswizard.core.steps.stored_run import keep_stored_run


class SplitRun:
    """What one process holds while it carries a split migration out."""

    def __init__(self, task: Task, run_folder: RunFolder, *, over: bool = False) -> None:
        answers = task.answers
        self.over = over
        """It has finished and is only checked again: nobody leads it."""
        self._store = RunRecordStore(task, run_folder)
        self._removed = False
        self.data = DataPhase(
            Options(
                via=answers.via,
                width=answers.piece,
                snapshot=answers.snapshot,
                compressed=answers.compressed,
                caggs=tuple(cagg.label for cagg in kept_caggs(task.inventory, answers)),
            ),
            keep_files=answers.keep_dumps,
        )

        self._kept: Context | None = None
        """Of a run that has finished with its record on the target."""

    async def before_step(self) -> None:
        if not self.over:
            await self._store.ensure_leader()

    async def save_record(self) -> None:
        if self._kept is not None:
            await keep_stored_run(self._kept)
        elif not self._removed and not self.over:
            await self._store.save()

    def to_put_back(self, ctx: Context) -> tuple[PutBack, ...]:
        """Logging on the target and the source's jobs, unless another process has the run now."""
        if self._store.refused:
            return ()
        logging = (
            (logging_to_put_back(),) if chosen_caggs(ctx.task.inventory, ctx.task.answers) else ()
        )
        return (*logging, *source_jobs.jobs_to_put_back(ctx))

    async def tidy_up(self, ctx: Context, result: Level) -> Leftovers:
        stays = bool(why_record_stays(ctx, result))
        self._kept, self._removed = (ctx if stays else None), not stays
        return await leave_behind(ctx, result, target_ids)

    async def close(self) -> None:
        await self._store.close()


def data_of(ctx: Context) -> DataPhase:
    """The data phase of the run that this step belongs to."""
    assert isinstance(ctx.method_run, SplitRun)
    return ctx.method_run.data


def is_over(ctx: Context) -> bool:
    """Has the run finished, so that this is a check again?"""
    return isinstance(ctx.method_run, SplitRun) and ctx.method_run.over
