"""Who leads: locks on the target that live as long as the connection that took them.

A server notices only after a while that a client was killed, and keeps its locks until then; so
whoever finds a lock held looks again for some seconds before he believes that somebody lives.
"""

from enum import StrEnum

from tswizard.core.db.connection import Connection, value
from tswizard.core.db.retry import becomes_true

DEAD_SESSION_TIMEOUT = 5.0
"""Seconds; a connection asks every 2 s whether its client is there (`workers.KEEPALIVE`)."""
_LOOK_AGAIN = 0.25


class LeaderLock(StrEnum):
    """What is led."""

    COPY = "run"
    """The copy of the rows."""
    RUN = "record"
    """The whole run, from its first step to its last."""


def _lock(lock: LeaderLock) -> str:
    return f"pg_catalog.hashtext('_tswizard'), pg_catalog.hashtext('{lock}')"


async def acquire(target: Connection, lock: LeaderLock) -> bool:
    """Be the only one who leads it, as long as the connection lives; False when another does."""
    query = f"SELECT pg_catalog.pg_try_advisory_lock({_lock(lock)})"

    async def try_lock() -> bool:
        return bool(await value(target, query))

    return await becomes_true(try_lock, within=DEAD_SESSION_TIMEOUT, every=_LOOK_AGAIN)


async def is_held(target: Connection, lock: LeaderLock) -> bool:
    """Does somebody lead it, for all that can be seen now?"""
    return not await value(
        target,
        f"SELECT pg_catalog.pg_try_advisory_lock_shared({_lock(lock)}) "
        f"AND pg_catalog.pg_advisory_unlock_shared({_lock(lock)})",
    )


async def is_held_by_live_session(target: Connection, lock: LeaderLock) -> bool:
    """Does somebody who lives lead it?"""

    async def is_free() -> bool:
        return not await is_held(target, lock)

    return not await becomes_true(is_free, within=DEAD_SESSION_TIMEOUT, every=_LOOK_AGAIN)
