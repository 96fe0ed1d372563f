"""Snapshots of the source: each exported once and shared by all readers, if one can be held.

A snapshot lives as long as the session that exported it. When that is gone, whoever notices first
takes the next one; pieces that were copied under an earlier snapshot are compared with the source
under the last.
https://www.postgresql.org/docs/current/functions-admin.html#FUNCTIONS-SNAPSHOT-SYNCHRONIZATION
"""

import asyncio
from dataclasses import dataclass

from psycopg import Error

from tswizard.core.db.connection import Connection, batch, borrow, connected, enter_snapshot
from tswizard.core.db.endpoint import Endpoint
from tswizard.core.db.errors import is_refusal
from tswizard.core.split.ledger import queue


@dataclass(frozen=True, slots=True)
class SourceSnapshot:
    """A snapshot of the source that pieces are copied under."""

    id: int
    """Its number in the ledger."""
    name: str | None
    """As pg_export_snapshot() returned it; None if none is held and each piece is read as the
    source is at that time."""


class SnapshotHolder:
    """Holds the snapshot that this process copies under, or uses that of another process."""

    def __init__(self, source: Endpoint, *, hold: bool) -> None:
        self._source = source
        self._hold = hold
        self._holder: Connection | None = None
        self._lock = asyncio.Lock()
        self.current: SourceSnapshot | None = None

    async def take(self, target: Connection) -> SourceSnapshot:
        """Take a new snapshot and record it in the ledger."""
        name = await self.export() if self._hold else None
        return await self.record(target, name)

    async def export(self) -> str:
        """Export a snapshot, held by a connection of its own; its name."""
        await self.close()
        holder = await borrow(self._source)
        try:
            begin = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
            _, found = await batch(holder, (begin, "SELECT pg_catalog.pg_export_snapshot()"))
            name = str(found[0][0])
        except BaseException:
            await holder.close()
            raise
        self._holder = holder
        return name

    async def record(self, target: Connection, name: str | None) -> SourceSnapshot:
        """Record a snapshot in the ledger as the run's latest."""
        self.current = SourceSnapshot(await queue.add_snapshot(target, name), name)
        return self.current

    async def join(self, target: Connection) -> SourceSnapshot:
        """Use the run's latest snapshot, or take a new one if nobody holds that anymore."""
        latest = await queue.last_snapshot(target)
        if latest is None or (latest[1] is not None and not await self._is_held(latest[1])):
            return await self.take(target)
        self.current = SourceSnapshot(*latest)
        return self.current

    async def renew(
        self, old: SourceSnapshot, target: Connection, *, stale: bool = False
    ) -> SourceSnapshot:
        """Replace a snapshot that is lost, or `stale`: relations that were rewritten look empty
        under it. All workers that call this get the same new one."""
        async with self._lock:
            if self.current is not None and self.current.id != old.id:
                return self.current
            latest = await queue.last_snapshot(target)
            if stale and latest is not None and latest[0] == old.id:
                return await self.take(target)
            return await self.join(target)

    async def _is_held(self, name: str) -> bool:
        async with connected(self._source) as connection:
            try:
                await enter_snapshot(connection, name)
            except Error as error:
                if not is_refusal(error):
                    raise
                return False
            return True

    async def close(self) -> None:
        """Release the snapshot, which holds back vacuum on the source."""
        if self._holder is not None:
            holder, self._holder = self._holder, None
            await holder.close()
