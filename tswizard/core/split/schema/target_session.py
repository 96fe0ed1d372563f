"""Sessions that change the target's schema carry a name, so that those of a killed run are found.

The server notices a vanished client only when it has something to say to it: an index build that
a killed run had begun goes on for hours, and would be committed in the end.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from tswizard.core.db.connection import Connection, connected, rows
from tswizard.core.run.context import Context, failed

SCHEMA_APPLICATION = "tswizard-schema"
"""application_name of these sessions."""

TERMINATE_TIMEOUT = 60.0
"""Seconds that an ended backend may take to roll back."""

# Only our own: another role's backends may not be ended anyway.
_OTHERS = f"""
SELECT pid FROM pg_catalog.pg_stat_activity
WHERE application_name = '{SCHEMA_APPLICATION}' AND datname = pg_catalog.current_database()
  AND usename = CURRENT_USER AND pid <> pg_catalog.pg_backend_pid() AND state <> 'idle'
"""


@asynccontextmanager
async def schema_session(ctx: Context) -> AsyncIterator[Connection]:
    """A connection to the target for changes of its schema, when what an earlier attempt left
    running is ended. Raises CannotConnect, StepFailed."""
    async with connected(ctx.task.target) as target:
        await end_stale_backends(ctx, target)
        await target.execute(f"SET application_name = '{SCHEMA_APPLICATION}'".encode())
        yield target


async def end_stale_backends(ctx: Context, target: Connection) -> None:
    """End backends that a killed run left behind, and wait until they are gone."""
    if not ctx.task.concurrent:
        return  # one backend for all: nobody else is at work
    found = await rows(target, _OTHERS)
    if not found:
        return
    ctx.say(f"ending {len(found)} backends that an interrupted attempt left at work")
    for (pid,) in found:
        await target.execute("SELECT pg_catalog.pg_terminate_backend(%s)", (pid,))
    try:
        async with asyncio.timeout(TERMINATE_TIMEOUT):
            while await rows(target, _OTHERS):  # noqa: ASYNC110 - a server sends no event
                await asyncio.sleep(0.05)
    except TimeoutError:
        raise failed(
            "schema-busy",
            "Another attempt of this run still changes the target's schema.",
            where=ctx.task.target.label,
            why=f"Its backends (application_name {SCHEMA_APPLICATION}) did not end within "
            f"{TERMINATE_TIMEOUT:.0f} s.",
            todo="Wait for them, or end them by pg_terminate_backend(); then resume.",
        ) from None
