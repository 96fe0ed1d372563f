"""Tablespaces of the source that the target lacks: nothing on the target may name one.

TimescaleDB's catalog says into which tablespaces the chunks of a hypertable go. A restore brings
these rows as they are; where the target has no such tablespace, every row that needs a new chunk
would be refused from then on, though all rows that are there arrive.
"""

from psycopg import Error

from tswizard.core.db.connection import connected, rows
from tswizard.core.db.errors import is_refusal, message_of
from tswizard.core.model.finding import Finding, Level
from tswizard.core.run.context import Context

_DETACH = """
DELETE FROM _timescaledb_catalog.tablespace t
WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_tablespace p WHERE p.spcname = t.tablespace_name)
"""


async def lacking_tablespaces(ctx: Context) -> tuple[str, ...]:
    """Those that the source uses and the target lacks. Raises CannotConnect, psycopg.Error."""
    used = ctx.task.inventory.extras.tablespaces
    if not used:
        return ()
    async with connected(ctx.task.target) as target:
        there = {name for (name,) in await rows(target, "SELECT spcname FROM pg_tablespace")}
    return tuple(name for name in used if name not in there)


async def detach_lacking_tablespaces(ctx: Context) -> None:
    """Detach them on the target, in its catalog: detach_tablespace() refuses unknown ones.

    Raises CannotConnect, psycopg.Error.
    """
    lacking = await lacking_tablespaces(ctx)
    if not lacking:
        return
    async with connected(ctx.task.target) as target:
        try:
            cursor = await target.execute(_DETACH)
        except Error as error:
            if not is_refusal(error):
                raise
            ctx.found(
                Finding(
                    Level.FAIL,
                    "tablespaces-attached",
                    f"Tablespaces that the target lacks stay attached: {message_of(error)}.",
                    where=ctx.task.target.label,
                    why="Rows that need a new chunk are refused until then.",
                    todo=f"As a superuser, on the target: {' '.join(_DETACH.split())};",
                )
            )
            return
    ctx.say(
        f"{cursor.rowcount} attachments of tablespaces that the target lacks were removed: "
        + ", ".join(lacking)
    )
