"""Restore mode of the target: entered before the restore, left after it whatever happened.

https://docs.timescale.com/api/latest/administration/ (timescaledb_pre_restore, _post_restore)
"""

from psycopg import Error, sql

from tswizard.core.db.connection import Connection, connected, rows, value
from tswizard.core.db.errors import message_of
from tswizard.core.full.cleanup import clean
from tswizard.core.model.finding import Finding, Level
from tswizard.core.run.context import Context, failed
from tswizard.core.steps import target_marker
from tswizard.core.steps.job_switch import JobSwitch, set_row, set_scheduled, switch_by_hand
from tswizard.core.steps.stored_run import forget_finished_run

POST_RESTORE = "timescaledb_post_restore"


def extension_call(schema: str | None, function: str) -> sql.Composed:
    """`SELECT schema.function()` for a function of the extension."""
    return sql.SQL("SELECT {}()").format(sql.Identifier(schema or "public", function))


async def enter(ctx: Context) -> None:
    """Mark the target as this run's and enter restore mode. Raises StepFailed."""
    schema = ctx.task.target_server.timescaledb_schema
    await clean(ctx)
    async with connected(ctx.task.target) as target:
        await forget_finished_run(target, ctx.run_folder.record.id)
        found = await target_marker.read(target)
        if found is not None and found.run != ctx.run_folder.record.id:
            raise failed(
                "target-taken",
                f"The target holds an unfinished run of tswizard, {found.run}.",
                where=ctx.task.target.label,
                todo=f"Resume that one (tswizard resume {found.run}) or take an empty target.",
            )
        await target_marker.write(target, ctx.run_folder.record.id, "restoring")
        try:
            await target.execute(extension_call(schema, "timescaledb_pre_restore"))
        except Error as error:
            await target_marker.erase(target)
            raise failed(
                "pre-restore",
                f"timescaledb_pre_restore() was refused: {message_of(error)}.",
                where=ctx.task.target.label,
                todo="Connect as a role that may call it, then resume.",
            ) from error
    async with connected(ctx.task.target, fresh=True) as fresh:
        if not await restoring(fresh):
            raise failed(
                "pre-restore",
                "Restore mode is not on in a new session, although "
                "timescaledb_pre_restore() succeeded.",
                where=ctx.task.target.label,
                todo="Look for a pooler or a role setting in between, then resume.",
            )


async def leave_for_good(ctx: Context) -> None:
    """Leave restore mode: the restore is complete. Raises StepFailed."""
    await leave(ctx)
    async with connected(ctx.task.target) as target:
        await target_marker.write(target, ctx.run_folder.record.id, "restored")


async def leave(ctx: Context) -> None:
    """Leave restore mode and, in the same transaction, pause every job of the user.

    As soon as restore mode ends, the scheduler starts what was restored: retention must not run
    before anybody looked. Raises StepFailed.
    """
    schema = ctx.task.target_server.timescaledb_schema
    refused: list[tuple[int, str]] = []
    async with connected(ctx.task.target) as target:
        try:
            async with target.transaction():
                await target.execute(extension_call(schema, "timescaledb_post_restore"))
                refused = await _pause_all(target, schema)
        except Error as error:
            raise failed(
                "post-restore",
                f"timescaledb_post_restore() failed: {message_of(error)}.",
                where=ctx.task.target.label,
                why="With unequal versions of TimescaleDB it says: catalog version mismatch.",
                todo="The target cannot be used like this; fix the cause, then resume.",
            ) from error
    async with connected(ctx.task.target, fresh=True) as fresh:
        if await restoring(fresh):
            raise failed(
                "post-restore",
                "Restore mode is still on in a new session.",
                where=ctx.task.target.label,
                todo="Call timescaledb_post_restore() as the database's owner, then resume.",
            )
    for job, why in refused:
        ctx.found(
            Finding(
                Level.LOOK,
                "job-not-paused",
                f"Job {job} could not be paused on the target; it may be running.",
                where=ctx.task.target.label,
                why=why,
                todo="As its owner: "
                + switch_by_hand([job], False, ctx.task.target_server.timescaledb),
            )
        )


async def restoring(connection: Connection) -> bool:
    """Is restore mode on in this session?"""
    setting = await value(
        connection, "SELECT pg_catalog.current_setting('timescaledb.restoring', true)"
    )
    return bool(setting == "on")


async def _pause_all(target: Connection, schema: str | None) -> list[tuple[int, str]]:
    """Pause every job of the user; those that could not be, with the reason.

    Where alter_job() fails, the job's own row is changed: the scheduler has not started yet.
    """
    jobs = await rows(
        target,
        "SELECT job_id FROM timescaledb_information.jobs WHERE job_id >= 1000 AND scheduled",
    )
    refused = await set_scheduled(target, schema, [JobSwitch(job, False) for (job,) in jobs])
    return [
        (job, why) for job, why in refused.items() if await set_row(target, job, False) is not None
    ]
