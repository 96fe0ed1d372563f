"""A copy in a process of its own, which can be killed."""

import asyncio
import os
from multiprocessing.connection import Connection

from tests.core.split.world import Heard, copy_everything, rebuilt
from tswizard.core.events import Event, TableProgress
from tswizard.core.split import recheck
from tswizard.core.split.session import Session


def life(pipe: Connection, job: str) -> None:
    """Carry a job out; says `copying`, `.` when a piece is through, `settling`, `done`."""
    os.setsid()
    asyncio.run(_live(pipe, job))


async def _live(pipe: Connection, job: str) -> None:
    known: dict[str, tuple[int, int | None]] = {}

    def tell(event: Event) -> None:
        assert isinstance(event, TableProgress)
        now = event.done, event.rows
        if known.get(event.table, now) != now:
            pipe.send(".")
        known[event.table] = now

    heard = Heard()
    hands = heard.hands()
    hands.put = tell
    session = await Session.begin(rebuilt(job), hands)
    try:
        pipe.send("copying")
        await copy_everything(session, settle=False)
        pipe.send("settling")
        await recheck.settle(session)
    finally:
        await session.close()
    pipe.send("done")
