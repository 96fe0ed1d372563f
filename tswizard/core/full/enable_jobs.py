"""The jobs on the target: enabled as they were on the source, retention last."""

from contextlib import suppress

from psycopg import Error, sql

from tswizard.core.catalog.inventory import Job
from tswizard.core.db.connection import Connection, connected, rows, value
from tswizard.core.model.finding import Finding, Level
from tswizard.core.report.checklist import result_of
from tswizard.core.run.context import Context, StepSkipped
from tswizard.core.steps.job_switch import set_row, set_scheduled


def in_order(jobs: tuple[Job, ...]) -> tuple[Job, ...]:
    """Jobs to enable: those switched on at the source, retention last."""
    return tuple(
        sorted((j for j in jobs if j.scheduled), key=lambda j: (j.kind.enable_order, j.id))
    )


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
    record = ctx.run_folder.record
    if result_of(record.findings, record.judged, record.tables) is Level.FAIL:
        raise StepSkipped("the check failed; they stay paused until you have looked into it")
    schema = ctx.task.target_server.timescaledb_schema
    async with connected(ctx.task.target) as target:
        refused = {job: await set_scheduled(target, schema, job.id, True) for job in jobs}
        by_row = [job for job, why in refused.items() if why is not None]
        for job in by_row:
            await set_row(target, job.id, True)
        if by_row:
            await _wake_scheduler(target)
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
                why=refused[job] or "",
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


async def _wake_scheduler(target: Connection) -> None:
    """Make it read the jobs again; it does so by itself at the next restart."""
    with suppress(Error):
        schema = await value(
            target,
            "SELECT n.nspname FROM pg_catalog.pg_proc p "
            "JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace "
            "WHERE p.proname = 'restart_background_workers'",
        )
        await target.execute(
            sql.SQL("SELECT {}()").format(sql.Identifier(str(schema), "restart_background_workers"))
        )
