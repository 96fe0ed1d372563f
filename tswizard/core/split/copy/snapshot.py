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
class Moment:
    """One point in the source's time; without a snapshot, merely one worker's session."""

    id: int
    snapshot: str | None


class Moments:
    """The moment that this process works at."""

    def __init__(self, source: Endpoint, *, hold: bool) -> None:
        self._source = source
        self._hold = hold
        self._holder: Connection | None = None
        self._lock = asyncio.Lock()
        self.now: Moment | None = None

    async def begin(self, target: Connection) -> Moment:
        """Begin a moment of our own and write it down."""
        snapshot = await self.export() if self._hold else None
        return await self.enter(target, snapshot)

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

    async def enter(self, target: Connection, snapshot: str | None) -> Moment:
        """Write a snapshot down as the run's latest moment."""
        self.now = Moment(await queue.open_moment(target, snapshot), snapshot)
        return self.now

    async def join(self, target: Connection) -> Moment:
        """Work at the moment that the run is at; at one of our own when nobody holds it."""
        latest = await queue.last_moment(target)
        if latest is None or (latest[1] is not None and not await self._alive(latest[1])):
            return await self.begin(target)
        self.now = Moment(*latest)
        return self.now

    async def renew(self, gone: Moment, target: Connection, *, passed: bool = False) -> Moment:
        """Another moment for one that is gone, or that rows cannot be seen at any more (`passed`);
        the same for all who noticed."""
        async with self._lock:
            if self.now is not None and self.now.id != gone.id:
                return self.now
            latest = await queue.last_moment(target)
            if passed and latest is not None and latest[0] == gone.id:
                return await self.begin(target)
            return await self.join(target)

    async def _alive(self, snapshot: str) -> bool:
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
