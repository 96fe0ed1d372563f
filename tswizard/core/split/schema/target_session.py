"""Sessions that change the target's schema have a name, so that those of a killed run are found.

A server notices that a client is gone only when it has something to send to it: an index build
that a killed run had started would go on for hours, and would be committed in the end.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

from tswizard.core.db.concurrency import together
from tswizard.core.db.connection import Connection, batch, connected, rows
from tswizard.core.db.session_settings import RESET_MARK
from tswizard.core.model.wording import plural
from tswizard.core.run.context import Context, failed

SCHEMA_APPLICATION = "tswizard-schema"
"""application_name of these sessions."""

TERMINATE_TIMEOUT = 60.0
"""Seconds that a terminated backend may take to roll back."""

# Our own only: another role's backends may not be terminated anyway.
_STALE = f"""
SELECT pid FROM pg_catalog.pg_stat_activity
WHERE application_name = '{SCHEMA_APPLICATION}' AND datname = pg_catalog.current_database()
  AND usename = CURRENT_USER AND pid <> pg_catalog.pg_backend_pid() AND state <> 'idle'
  AND pg_catalog.strpos(query, '{RESET_MARK}') = 0
"""
_NAME = f"SET application_name = '{SCHEMA_APPLICATION}'"


@asynccontextmanager
async def schema_session(ctx: Context) -> AsyncIterator[Connection]:
    """A connection to the target for changes of its schema, opened once backends of an
    interrupted attempt are gone. Raises CannotConnect, StepFailed."""
    async with connected(ctx.task.target) as target:
        await _begin(ctx, target)
        yield target


@asynccontextmanager
async def more_sessions(ctx: Context, number: int) -> AsyncIterator[list[Connection]]:
    """That many beside a session that is open. Raises CannotConnect."""
    async with AsyncExitStack() as stack:
        sessions: list[Connection] = []

        async def open_one() -> None:
            session = await stack.enter_async_context(connected(ctx.task.target))
            await session.execute(_NAME.encode())
            sessions.append(session)

        await together(open_one() for _ in range(number))
        yield sessions


async def _begin(ctx: Context, target: Connection) -> None:
    """Name the session, once backends that a killed run left behind are gone."""
    if not ctx.task.concurrent:  # one backend serves every connection
        await target.execute(_NAME.encode())
        return
    _, stale = await batch(target, [(_NAME, None), (_STALE, None)])
    if stale:
        await _terminate(ctx, target, stale)


async def _terminate(ctx: Context, target: Connection, stale: Sequence[tuple[Any, ...]]) -> None:
    ctx.say(f"terminating {plural(len(stale), 'backend')} of an interrupted attempt")
    for (pid,) in stale:
        await target.execute("SELECT pg_catalog.pg_terminate_backend(%s)", (pid,))
    try:
        async with asyncio.timeout(TERMINATE_TIMEOUT):
            while await rows(target, _STALE):  # noqa: ASYNC110 - a server sends no event
                await asyncio.sleep(0.05)
    except TimeoutError:
        raise failed(
            "schema-busy",
            "An earlier attempt of this run is still changing the target's schema.",
            where=ctx.task.target.label,
            why=f"Its backends (application_name {SCHEMA_APPLICATION}) did not end within "
            f"{TERMINATE_TIMEOUT:.0f} s.",
            todo="Wait for them or end them with pg_terminate_backend(), then resume.",
        ) from None
