"""Connections that are used again: a new one costs many round trips before its first statement.

TCP, TLS, SCRAM and the settings are six to nine of them. Within `keeping_connections` a connection
that one piece of work has done with serves the next one, after its session was reset while nobody
waited for it. A connection that failed, was lost or has been idle for long is not used again.

psycopg_pool opens connections in workers of its own, which try again and tell of a timeout in
place of the server's reason; here who asks for a connection opens it.
"""

import asyncio
import select
import time
from collections.abc import AsyncIterator, Coroutine, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from psycopg import AsyncConnection, Error
from psycopg.pq import TransactionStatus

from tswizard.core.db.endpoint import Endpoint
from tswizard.core.db.session_settings import RESET

_Connection = AsyncConnection[tuple[Any, ...]]

_MOST = 2
"""Idle connections that are kept to one end: more may lack when client tools open theirs."""
_FRESH_FOR = 60.0
"""Seconds for which an idle connection is believed to be usable. What lies in between may forget
one that is silent for minutes."""
_RESET_TIMEOUT = 5.0
"""Seconds to wait for a session's reset before its connection is closed."""


@dataclass(slots=True)
class _Idle:
    connection: _Connection
    resetting: "asyncio.Task[bool]"
    since: float


class KeptConnections:
    """Idle connections by what they were opened with."""

    def __init__(self) -> None:
        self._idle: dict[tuple[Endpoint, bool], list[_Idle]] = {}
        self._closing: set[asyncio.Task[None]] = set()

    async def take(self, endpoint: Endpoint, *, row_security: bool) -> _Connection | None:
        """One that can be used; None when a new one is the better choice."""
        idle = self._idle.get((endpoint, row_security), [])
        while idle:
            # One that is reset still lets its next user wait; a second one pays off soon.
            ready = next((one for one in reversed(idle) if one.resetting.done()), None)
            if ready is None and len(idle) < _MOST:
                return None
            found = ready or idle[0]
            idle.remove(found)
            if await _usable(found):
                return found.connection
            self._end(_close(found))
        return None

    def give_back(self, connection: _Connection, endpoint: Endpoint, *, row_security: bool) -> None:
        """Keep it for the next one, or close it. What it has begun is rolled back."""
        idle = self._idle.setdefault((endpoint, row_security), [])
        if connection.closed or len(idle) >= _MOST:
            self._end(connection.close())
        else:
            resetting = asyncio.create_task(_reset(connection))
            idle.append(_Idle(connection, resetting, time.monotonic()))

    def forget(self, endpoint: Endpoint) -> None:
        """Use none of an end again: new sessions are to be other ones."""
        for (end, _), idle in self._idle.items():
            if end == endpoint:
                while idle:
                    self._end(_close(idle.pop()))

    def _end(self, closing: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(closing)
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)

    async def close(self) -> None:
        """Close all of them."""
        for idle in self._idle.values():
            while idle:
                self._end(_close(idle.pop()))
        await asyncio.gather(*self._closing, return_exceptions=True)


async def _reset(connection: _Connection) -> bool:
    idle = connection.info.transaction_status == TransactionStatus.IDLE
    try:
        await connection.execute((RESET if idle else f"ROLLBACK; {RESET}").encode())
    except (Error, OSError):
        return False
    return True


async def _usable(idle: _Idle) -> bool:
    if time.monotonic() - idle.since > _FRESH_FOR or not await asyncio.shield(idle.resetting):
        return False
    connection = idle.connection
    if connection.closed or connection.info.transaction_status != TransactionStatus.IDLE:
        return False
    # A server that has ended the session has said so, or closed the connection: there is something
    # to be read.
    poll = select.poll()
    poll.register(connection.fileno(), select.POLLIN)
    return not poll.poll(0)


async def _close(idle: _Idle) -> None:
    # Cancelled, a statement would be canceled on the server too, over a connection of its own.
    await asyncio.wait([idle.resetting], timeout=_RESET_TIMEOUT)
    idle.resetting.cancel()
    with suppress(Error, OSError):
        await idle.connection.close()


_kept: ContextVar[KeptConnections | None] = ContextVar("kept_connections", default=None)


def kept_connections() -> KeptConnections | None:
    """Where connections are kept here and now; None where each is closed after its use."""
    return _kept.get()


@contextmanager
def using(kept: KeptConnections | None) -> Iterator[None]:
    """Have this task, and those that it starts in the block, keep connections there."""
    token = _kept.set(kept)
    try:
        yield
    finally:
        _kept.reset(token)


@asynccontextmanager
async def keeping_connections(*, keep: bool = True) -> AsyncIterator[None]:
    """Keep connections while the block runs, also those of tasks that it starts; closed at its end.

    Not to be used where one backend serves every connection: an idle one would block the others.
    """
    if not keep:
        yield
        return
    kept = KeptConnections()
    try:
        with using(kept):
            yield
    finally:
        await kept.close()
