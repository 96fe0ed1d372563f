"""A copy in a process of its own, which is killed at a chosen instant."""

import asyncio
import os
import signal
import threading
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path

from tests.support.split_ends import Heard, copy_everything, rebuilt
from tswizard.core.model.events import Event, TableProgress
from tswizard.core.split import reconcile
from tswizard.core.split.coordinator import Coordinator
from tswizard.core.split.ledger import leader_lock


@dataclass(frozen=True)
class Death:
    """kill -9, so many seconds after so many steps of progress; without steps, once all rows are
    copied and are being reconciled. A thread sends it, so it comes at any instant."""

    steps: int | None
    pause: float


MARK = "TSWIZARD_TEST_LIFE"
"""An environment variable of its children: its pid."""


def life(pipe: Connection, job: str, death: Death | None) -> None:
    """Run a job; sends `done` unless it is killed before."""
    os.setsid()
    os.environ[MARK] = str(os.getpid())
    # A busy server takes its time to notice that the life before was killed.
    leader_lock.DEAD_SESSION_TIMEOUT = 120
    asyncio.run(_live(pipe, job, death))


def children_of(pid: int) -> list[int]:
    """Processes that a life started and that still run."""
    mark, found = f"{MARK}={pid}".encode(), []
    for path in Path("/proc").glob("[0-9]*/environ"):
        with suppress(OSError):
            if mark in path.read_bytes().split(b"\0"):
                found.append(int(path.parent.name))
    return found


async def _live(pipe: Connection, job: str, death: Death | None) -> None:
    known: dict[str, tuple[int, int]] = {}
    left = death.steps if death else None

    def tell(event: Event) -> None:
        nonlocal left
        assert isinstance(event, TableProgress)
        now = event.done, event.rows or 0
        if now > known.get(event.table, now) and left:  # another pass starts at zero
            left -= 1
            if left == 0:
                _die(death)
        known[event.table] = now

    heard = Heard()
    reporter = heard.reporter()
    reporter.put = tell
    coordinator = await Coordinator.start(rebuilt(job), reporter)
    try:
        if left == 0:
            _die(death)
        await copy_everything(coordinator, reconcile_rows=False)
        if death is not None and death.steps is None:
            _die(death)
        await reconcile.reconcile(coordinator)
    finally:
        await coordinator.close()
    pipe.send("done")


def _die(death: Death | None) -> None:
    assert death is not None
    timer = threading.Timer(death.pause, os.kill, (os.getpid(), signal.SIGKILL))
    timer.daemon = True
    timer.start()
