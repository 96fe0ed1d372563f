"""A copy in a process of its own, which dies at a moment that was chosen for it."""

import asyncio
import os
import signal
import threading
from dataclasses import dataclass
from multiprocessing.connection import Connection

from tests.core.split.world import Heard, copy_everything, rebuilt
from tests.e2e.program import children
from tswizard.core.events import Event, TableProgress
from tswizard.core.split import recheck
from tswizard.core.split.session import Session


@dataclass(frozen=True)
class Death:
    """kill -9, so many seconds after so many steps of progress; without those, after the rows
    are there and are compared once more. It comes from a thread, at any instant."""

    steps: int | None
    pause: float


def life(pipe: Connection, job: str, death: Death | None) -> None:
    """Carry a job out; says the pids of its children when it dies, `done` when it does not."""
    os.setsid()
    asyncio.run(_live(pipe, job, death))


async def _live(pipe: Connection, job: str, death: Death | None) -> None:
    known: dict[str, tuple[int, int | None]] = {}
    left = death.steps if death else None

    def tell(event: Event) -> None:
        nonlocal left
        assert isinstance(event, TableProgress)
        now = event.done, event.rows
        if known.get(event.table, now) != now and left is not None:
            left -= 1
            if left == 0:
                _die(pipe, death)
        known[event.table] = now

    heard = Heard()
    hands = heard.hands()
    hands.put = tell
    session = await Session.begin(rebuilt(job), hands)
    try:
        if left == 0:
            _die(pipe, death)
        await copy_everything(session, settle=False)
        if death is not None and death.steps is None:
            _die(pipe, death)
        await recheck.settle(session)
    finally:
        await session.close()
    pipe.send("done")


def _die(pipe: Connection, death: Death | None) -> None:
    assert death is not None

    def kill() -> None:
        pipe.send(children(os.getpid()))
        os.kill(os.getpid(), signal.SIGKILL)

    threading.Timer(death.pause, kill).start()
