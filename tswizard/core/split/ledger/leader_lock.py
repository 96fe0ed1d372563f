"""The leader locks: advisory locks on the target, held as long as the session that acquired them.

A server notices only after some seconds that a client was killed, and keeps its locks until then.
So a lock that is held is tried again for a while before its holder is believed to be alive.
"""

import time
from enum import StrEnum

from tswizard.core.db.connection import Connection, is_alive, value
from tswizard.core.db.retry import becomes_true

DEAD_SESSION_TIMEOUT = 5.0
"""Seconds; the server checks every 2 s whether a session's client is there (see
`db.session_settings`)."""
_INTERVAL = 0.25
"""Seconds between attempts."""
_SOON = 1.0
"""Seconds for which an answer of the server says that the lock is held."""


class LeaderLock(StrEnum):
    """What its holder leads."""

    COPY = "run"
    """The copy of the rows."""
    RUN = "record"
    """The whole run, from its first step to its last."""


def _key(lock: LeaderLock) -> str:
    return f"pg_catalog.hashtext('_tswizard'), pg_catalog.hashtext('{lock}')"


async def acquire(target: Connection, lock: LeaderLock) -> bool:
    """Acquire the lock for as long as this session lives; False if a live session holds it."""
    query = f"SELECT pg_catalog.pg_try_advisory_lock({_key(lock)})"

    async def try_lock() -> bool:
        return bool(await value(target, query))

    return await becomes_true(try_lock, within=DEAD_SESSION_TIMEOUT, every=_INTERVAL)


async def is_held(target: Connection, lock: LeaderLock) -> bool:
    """Does a session hold the lock now? Its client may be dead."""
    return not await value(
        target,
        f"SELECT pg_catalog.pg_try_advisory_lock_shared({_key(lock)}) "
        f"AND pg_catalog.pg_advisory_unlock_shared({_key(lock)})",
    )


async def is_held_by_live_session(target: Connection, lock: LeaderLock) -> bool:
    """Does a session hold the lock whose client is alive?"""

    async def is_free() -> bool:
        return not await is_held(target, lock)

    return not await becomes_true(is_free, within=DEAD_SESSION_TIMEOUT, every=_INTERVAL)


class HeldSession:
    """Whether the session that has acquired a lock lives, without asking the server each time."""

    def __init__(self) -> None:
        self._answered = float("-inf")

    def answered(self) -> None:
        """The server has just answered on that session."""
        self._answered = time.monotonic()

    async def lives(self, target: Connection) -> bool:
        """Asks the server unless it has answered within the last second. Raises psycopg.Error."""
        if time.monotonic() - self._answered < _SOON and not target.closed:
            return True
        alive = await is_alive(target)
        if alive:
            self.answered()
        return alive
