"""Retention and compression on the source: paused while it is read, put back afterwards."""

from dataclasses import replace

from tswizard.core.catalog.inventory import Inventory, Job
from tswizard.core.db.connection import connected, value
from tswizard.core.full.restore_mode import set_scheduled
from tswizard.core.model.finding import Finding, Level
from tswizard.core.run.context import Context, StepSkipped

_SCHEDULED = "SELECT scheduled FROM timescaledb_information.jobs WHERE job_id = %s"


def to_pause(inventory: Inventory) -> tuple[Job, ...]:
    """Jobs that are switched on and would take chunks away, or change them, while they are read."""
    return tuple(j for j in inventory.jobs if j.scheduled and (j.retention or j.compression))


async def pause(ctx: Context) -> None:
    """Pause them. The record knows of it before the source does, so a crash loses nothing."""
    inventory = ctx.task.inventory
    jobs = to_pause(inventory)
    if not jobs:
        raise StepSkipped("the source has no retention or compression job that is switched on")
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


async def put_back(ctx: Context) -> None:
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
                ctx.say(f"switched job {job} of the source on again")
            elif not await value(source, _SCHEDULED, (job,)):
                refused[job] = refusal
    for job, why in refused.items():
        ctx.found(
            Finding(
                Level.LOOK,
                "source-job-not-put-back",
                f"Job {job} of the source could not be switched on again.",
                where=ctx.task.source.label,
                why=why,
                todo=f"On the source: SELECT alter_job({job}, scheduled => true);",
            )
        )
    ctx.run_folder.save(replace(ctx.run_folder.record, paused_source_jobs=()))
