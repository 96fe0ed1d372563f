"""Restore mode of the target: on before the restore, off after it whatever happened.

https://docs.timescale.com/api/latest/administration/ (timescaledb_pre_restore, _post_restore)
"""

from psycopg import Error, sql

from tswizard.core.db.connection import Connection, connected, rows, value
from tswizard.core.db.errors import is_refusal, message_of
from tswizard.core.full.cleanup import clean
from tswizard.core.model.finding import Finding, Level
from tswizard.core.run.context import Context, failed
from tswizard.core.steps import target_marker


def call(schema: str | None, function: str) -> sql.Composed:
    """`SELECT schema.function()` for a function of the extension."""
    return sql.SQL("SELECT {}()").format(sql.Identifier(schema or "public", function))


async def prepare(ctx: Context) -> None:
    """Mark the target as this run's and switch restore mode on. Raises StepFailed."""
    schema = ctx.task.target_server.timescaledb_schema
    await clean(ctx)
    async with connected(ctx.task.target) as target:
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
            await target.execute(call(schema, "timescaledb_pre_restore"))
        except Error as error:
            await target_marker.erase(target)
            raise failed(
                "pre-restore",
                f"timescaledb_pre_restore() was refused: {message_of(error)}.",
                where=ctx.task.target.label,
                todo="Connect as a role that may call it, then resume.",
            ) from error
    async with connected(ctx.task.target) as fresh:
        if not await restoring(fresh):
            raise failed(
                "pre-restore",
                "Restore mode is not on in a new session, although "
                "timescaledb_pre_restore() succeeded.",
                where=ctx.task.target.label,
                todo="Look for a pooler or a role setting in between, then resume.",
            )


async def finish(ctx: Context) -> None:
    """Leave restore mode for good: the restore is whole. Raises StepFailed."""
    await leave(ctx)
    async with connected(ctx.task.target) as target:
        await target_marker.write(target, ctx.run_folder.record.id, "restored")


async def leave(ctx: Context) -> None:
    """Restore mode off and, in the same transaction, every job of the user paused.

    The moment restore mode ends, the scheduler starts what was restored: retention must not run
    before anybody looked. Raises StepFailed.
    """
    schema = ctx.task.target_server.timescaledb_schema
    refused: list[tuple[int, str]] = []
    async with connected(ctx.task.target) as target:
        try:
            async with target.transaction():
                await target.execute(call(schema, "timescaledb_post_restore"))
                refused = await _pause_all(target, schema)
        except Error as error:
            raise failed(
                "post-restore",
                f"timescaledb_post_restore() failed: {message_of(error)}.",
                where=ctx.task.target.label,
                why="With unequal versions of TimescaleDB it says: catalog version mismatch.",
                todo="The target cannot be used like this; mend the cause, then resume.",
            ) from error
    async with connected(ctx.task.target) as fresh:
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
                todo=f"As its owner: SELECT alter_job({job}, scheduled => false);",
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
    refused = []
    for (job,) in jobs:
        why = await set_scheduled(target, schema, job, False)
        if why is not None and await set_row(target, job, False) is not None:
            refused.append((job, why))
    return refused


async def set_scheduled(
    connection: Connection, schema: str | None, job: int, scheduled: bool
) -> str | None:
    """Switch one job on or off; the server's own words when it refuses, None when it did it.

    alter_job() forgets the job's time zone unless it is told again (measured on 2.19.3 and
    2.23.1), so it is. It fails on a retention policy with drop_created_before (2.23.1: "could not
    find drop_after in config for job").
    https://docs.timescale.com/api/latest/jobs-automation/alter_job/
    """
    zone: sql.Composable = sql.SQL("")
    if await value(connection, _TAKES_TIMEZONE, (schema or "public",)):
        zone = sql.SQL(
            ", timezone => (SELECT j.timezone FROM _timescaledb_config.bgw_job j WHERE j.id = {})"
        ).format(sql.Literal(job))
    query = sql.SQL("SELECT {}({}, scheduled => {}{})").format(
        sql.Identifier(schema or "public", "alter_job"),
        sql.Literal(job),
        sql.Literal(scheduled),
        zone,
    )
    return await _refusal(connection, query)


async def set_row(connection: Connection, job: int, scheduled: bool) -> str | None:
    """The same by the job's own row, which a role that may restore can write.

    A scheduler that runs does not notice.
    """
    query = sql.SQL("UPDATE _timescaledb_config.bgw_job SET scheduled = {} WHERE id = {}")
    return await _refusal(connection, query.format(sql.Literal(scheduled), sql.Literal(job)))


async def _refusal(connection: Connection, query: sql.Composed) -> str | None:
    try:
        async with connection.transaction():
            await connection.execute(query)
    except Error as error:
        if not is_refusal(error):
            raise
        return f"The server says: {message_of(error)}"
    return None


_TAKES_TIMEZONE = """
SELECT pg_catalog.bool_or('timezone' = ANY (p.proargnames))
FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
WHERE p.proname = 'alter_job' AND n.nspname = %s
"""
