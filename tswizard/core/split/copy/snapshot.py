"""Moments of the source: each an exported snapshot that every reader shares, where one can be had.

A moment lives as long as the connection that exported it. When that is gone, whoever notices
first begins the next one; pieces copied at an earlier moment are compared with the last.
https://www.postgresql.org/docs/current/functions-admin.html#FUNCTIONS-SNAPSHOT-SYNCHRONIZATION
"""

import asyncio
from dataclasses import dataclass

from psycopg import Error, sql

from tswizard.core.db.connection import Connection, connect, connected, value
from tswizard.core.db.endpoint import Endpoint
from tswizard.core.db.errors import is_refusal
from tswizard.core.split.ledger import queue
from tswizard.core.verify.database_reader import prepare


@dataclass(frozen=True, slots=True)
class SourceSnapshot:
    """A snapshot of the source that pieces are copied under."""

    id: int
    """Its number in the ledger."""
    name: str | None
    """As pg_export_snapshot() returned it; None when each piece is read at a time of its own."""


class SnapshotHolder:
    """The moment that this process works at."""

    def __init__(self, source: Endpoint, *, hold: bool) -> None:
        self._source = source
        self._hold = hold
        self._holder: Connection | None = None
        self._lock = asyncio.Lock()
        self.current: SourceSnapshot | None = None

    async def begin(self, target: Connection) -> SourceSnapshot:
        """Begin a moment of our own and write it down."""
        snapshot = await self.export() if self._hold else None
        return await self.record(target, snapshot)

    async def export(self) -> str:
        """Hold a snapshot, on a connection of its own; its id."""
        await self._release()
        holder = await connect(self._source)
        try:
            await prepare(holder)
            await holder.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
            snapshot = str(await value(holder, "SELECT pg_catalog.pg_export_snapshot()"))
        except BaseException:
            await holder.close()
            raise
        self._holder = holder
        return snapshot

    async def record(self, target: Connection, snapshot: str | None) -> SourceSnapshot:
        """Write a snapshot down as the run's latest moment."""
        self.current = SourceSnapshot(await queue.add_snapshot(target, snapshot), snapshot)
        return self.current

    async def join(self, target: Connection) -> SourceSnapshot:
        """Work at the moment that the run is at; at one of our own when nobody holds it."""
        latest = await queue.last_snapshot(target)
        if latest is None or (latest[1] is not None and not await self._is_held(latest[1])):
            return await self.begin(target)
        self.current = SourceSnapshot(*latest)
        return self.current

    async def renew(
        self, lost: SourceSnapshot, target: Connection, *, stale: bool = False
    ) -> SourceSnapshot:
        """Another moment for one that is gone, or that rows cannot be seen at any more (`passed`);
        the same for all who noticed."""
        async with self._lock:
            if self.current is not None and self.current.id != lost.id:
                return self.current
            latest = await queue.last_snapshot(target)
            if stale and latest is not None and latest[0] == lost.id:
                return await self.begin(target)
            return await self.join(target)

    async def _is_held(self, snapshot: str) -> bool:
        async with connected(self._source) as connection:
            try:
                await enter_snapshot(connection, snapshot)
            except Error as error:
                if not is_refusal(error):
                    raise
                return False
            return True

    async def _release(self) -> None:
        if self._holder is not None:
            await self._holder.close()
            self._holder = None

    async def close(self) -> None:
        """Let the source's vacuum go on."""
        await self._release()


async def enter_snapshot(connection: Connection, snapshot: str | None) -> None:
    """Begin a transaction that reads at a moment, or now."""
    await connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
    if snapshot is not None:
        await connection.execute(
            sql.SQL("SET TRANSACTION SNAPSHOT {}").format(sql.Literal(snapshot))
        )
