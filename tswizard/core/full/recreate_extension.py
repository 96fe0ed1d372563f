"""TimescaleDB of the source's version on a target that has another one, or none."""

from tswizard.core.db.connection import connected, value
from tswizard.core.full.cleanup import create_extension
from tswizard.core.model.plan import Task
from tswizard.core.run.context import Context, failed


def recreates_extension(task: Task) -> bool:
    """Is it wanted, and does the target's version differ?"""
    differs = task.target_server.timescaledb != task.inventory.server.timescaledb
    return task.answers.recreate_extension and differs


async def recreate_extension(ctx: Context) -> None:
    """Recreate TimescaleDB on an empty target at the source's version, a session a statement."""
    version = ctx.task.inventory.server.timescaledb
    async with connected(ctx.task.target, fresh=True) as target:
        await target.execute("DROP EXTENSION IF EXISTS timescaledb CASCADE")
    async with connected(ctx.task.target, fresh=True) as target:
        await create_extension(
            target, ctx.task.target_server.timescaledb_schema or "public", version
        )
        found = await value(
            target, "SELECT extversion FROM pg_catalog.pg_extension WHERE extname = 'timescaledb'"
        )
    if found != version:
        raise failed(
            "extension-version",
            f"TimescaleDB on the target is {found or 'missing'}, not {version}.",
            where=ctx.task.target.label,
            todo=f"Create it manually: CREATE EXTENSION timescaledb VERSION '{version}';",
        )
