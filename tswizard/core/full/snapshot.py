"""One snapshot of the source for dump and check, exported and held open.

https://www.postgresql.org/docs/current/functions-admin.html#FUNCTIONS-SNAPSHOT-SYNCHRONIZATION
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from tswizard.core.db.connection import connected, value
from tswizard.core.model.plan import Task


@asynccontextmanager
async def held_snapshot(task: Task) -> AsyncIterator[str | None]:
    """The snapshot's id, valid while the block runs; None where none is wanted or possible.

    A server with one backend for all connections cannot hold one: the open transaction would
    keep everybody else waiting.
    """
    if not (task.answers.snapshot and task.inventory.server.concurrent):
        yield None
        return
    async with connected(task.source) as source:
        await source.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
        yield await value(source, "SELECT pg_catalog.pg_export_snapshot()")
        await source.execute("ROLLBACK")
