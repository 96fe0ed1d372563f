"""Retention and compression on the source: paused while it is read, resumed afterwards."""

from collections.abc import Iterator
from dataclasses import replace

from tswizard.core.catalog.inventory import Inventory, Job
from tswizard.core.catalog.policies import PAUSED_ON_SOURCE
from tswizard.core.db.connection import connected, value
from tswizard.core.model.finding import Finding, Level
from tswizard.core.model.plan import Task
from tswizard.core.run.context import Context, PutBack, StepSkipped
from tswizard.core.run.method import MethodStep
from tswizard.core.steps.job_switch import set_scheduled

_SCHEDULED = "SELECT scheduled FROM timescaledb_information.jobs WHERE job_id = %s"


def to_pause(inventory: Inventory) -> tuple[Job, ...]:
    """Jobs that are switched on and would take chunks away, or change them, while they are read."""
    return tuple(j for j in inventory.jobs if j.scheduled and j.kind.paused_on_source)


async def pause(ctx: Context) -> None:
    """Pause them. The record knows of it before the source does, so a crash loses nothing."""
    inventory = ctx.task.inventory
    jobs = to_pause(inventory)
    if not jobs:
        raise StepSkipped(f"the source has no {PAUSED_ON_SOURCE} job that is switched on")
    await ctx.remember(
        replace(ctx.run_folder.record, paused_source_jobs=tuple(job.id for job in jobs))
    )
    async with connected(ctx.task.source) as source:
        for job in jobs:
            refusal = await set_scheduled(
                source, inventory.server.timescaledb_schema, job.id, False
            )
            if refusal is None:
                ctx.say(f"paused {job.application} of {job.target or job.proc_name} on the source")
                continue
            ctx.found(
                Finding(
                    Level.LOOK,
                    "source-job-not-paused",
                    f"{job.application} of {job.target} could not be paused on the source.",
                    where=ctx.task.source.label,
                    why=refusal,
                    todo="If it runs during the dump, chunks may vanish between dump and check.",
                )
            )


async def resume(ctx: Context) -> None:
    """Switch on again what this run paused, whether or not it had come to pausing it."""
    paused = ctx.run_folder.record.paused_source_jobs
    if not paused:
        raise StepSkipped("nothing was paused")
    refused: dict[int, str] = {}
    async with connected(ctx.task.source) as source:
        for job in paused:
            schema = ctx.task.inventory.server.timescaledb_schema
            refusal = await set_scheduled(source, schema, job, True)
            if refusal is None:
                ctx.say(f"resumed job {job} of the source")
            elif not await value(source, _SCHEDULED, (job,)):
                refused[job] = refusal
    for job, why in refused.items():
        ctx.found(
            Finding(
                Level.LOOK,
                "source-job-not-put-back",
                f"Job {job} of the source could not be resumed.",
                where=ctx.task.source.label,
                why=why,
                todo=f"On the source: SELECT alter_job({job}, scheduled => true);",
            )
        )
    ctx.run_folder.save(replace(ctx.run_folder.record, paused_source_jobs=()))


def to_put_back(ctx: Context) -> tuple[PutBack, ...]:
    """The paused jobs, as long as there are some."""
    if not ctx.run_folder.record.paused_source_jobs:
        return ()
    return (PutBack("The source's jobs are still paused", resume),)


def _wanted(task: Task) -> bool:
    return task.answers.pause_source_jobs


def _switched(task: Task, on: str) -> Iterator[str]:
    return (f"SELECT alter_job({job.id}, scheduled => {on});" for job in to_pause(task.inventory))


PAUSE = MethodStep(
    id="pause-source-jobs",
    title="Pause the source's jobs",
    what="Retention and compression, so that no chunk is dropped or rewritten before the check. "
    "Resumed at the end.",
    action=pause,
    commands=lambda task: _switched(task, "false"),
    when=_wanted,
)

RESUME = MethodStep(
    id="resume-source-jobs",
    title="Resume the source's jobs",
    what="Exactly those that this run paused.",
    action=resume,
    commands=lambda task: _switched(task, "true"),
    when=_wanted,
)
