"""The jobs on the target: enabled as they were on the source, retention last."""

from tswizard.core.catalog.inventory import Job
from tswizard.core.checklist import result_of
from tswizard.core.connection import connected, rows
from tswizard.core.context import Context, StepSkipped
from tswizard.core.finding import Finding, Level
from tswizard.core.full.modes import set_scheduled


def in_order(jobs: tuple[Job, ...]) -> tuple[Job, ...]:
    """Jobs to enable: those switched on at the source, retention last."""
    return tuple(sorted((j for j in jobs if j.scheduled), key=lambda j: (j.retention, j.id)))


async def enable(ctx: Context) -> None:
    """Enable them and read back that they are.

    Skipped, with the SQL left for the user, when the check found something lost: retention must
    not delete what somebody may still need.
    """
    jobs = in_order(ctx.task.inventory.jobs)
    if not jobs:
        raise StepSkipped("no job was switched on at the source")
    if not ctx.task.answers.enable_jobs:
        raise StepSkipped("you asked to leave them paused")
    record = ctx.ledger.record
    if result_of(record.findings, record.judged, record.tables) is Level.FAIL:
        raise StepSkipped("the check failed; they stay paused until somebody looked")
    schema = ctx.task.target_server.timescaledb_schema
    async with connected(ctx.task.target) as target:
        for job in jobs:
            await set_scheduled(target, schema, job.id, True)
        on = {
            id
            for (id,) in await rows(
                target, "SELECT job_id FROM timescaledb_information.jobs WHERE scheduled"
            )
        }
    missing = [job for job in jobs if job.id not in on]
    for job in missing:
        ctx.found(
            Finding(
                Level.LOOK,
                "job-not-enabled",
                f"{job.application} of {job.target or job.proc_name} is not enabled.",
                where=ctx.task.target.label,
                why=f"On the source it belongs to {job.owner}; this role may not alter it, or it "
                "did not arrive.",
                todo=f"As its owner: SELECT alter_job({job.id}, scheduled => true);",
            )
        )
    if not missing:
        ctx.found(
            Finding(
                Level.PASS,
                "jobs-enabled",
                f"jobs: {len(jobs)} of {len(jobs)} enabled as on the source, retention last",
                where=ctx.task.target.label,
            )
        )
