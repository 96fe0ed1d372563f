"""Moves blocks from a pipe or a file to the target or a file, in a thread of its own.

Nothing here looks at a row. A thread, because the event loop draws screens as well, and because
asyncio takes about twice the processor time for the same blocks.
"""

import asyncio
import hashlib
import os
import select
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Protocol

from psycopg.pq.abc import PGconn

BLOCK = 256 << 10
"""Bytes moved at a time."""
PAUSE_POLL = 0.05
"""Seconds between looks whether the run is still paused."""
STOP_POLL_MS = 500
"""How long a thread waits on a descriptor before it looks whether it should stop."""


class Stopped(Exception):
    """The pump was told to stop."""


class Sink(Protocol):
    """What blocks are written to."""

    def write(self, block: memoryview, stopped: Callable[[], bool]) -> None: ...


class Moving(Protocol):
    """What has bytes on their way."""

    moved: int
    """Bytes so far."""


class TargetSink:
    """A connection in the middle of `COPY … FROM STDIN`."""

    def __init__(self, pgconn: PGconn) -> None:
        self._pgconn = pgconn
        self._poll = select.poll()
        self._poll.register(pgconn.socket, select.POLLIN | select.POLLOUT)

    def write(self, block: memoryview, stopped: Callable[[], bool]) -> None:
        """Hand a block to libpq, and wait until the server has taken nearly all of it."""
        while self._pgconn.put_copy_data(block) == 0:
            self._wait(stopped)
        while self._pgconn.flush():
            self._wait(stopped)

    def _wait(self, stopped: Callable[[], bool]) -> None:
        for _, event in self._poll.poll(STOP_POLL_MS):
            if event & select.POLLIN:  # a notice or an error: read it, or the server may block
                self._pgconn.consume_input()
        if stopped():
            raise Stopped


class FileSink:
    """A file, with the checksum of what was written."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self.sum = hashlib.sha256()

    def write(self, block: memoryview, stopped: Callable[[], bool]) -> None:
        self.sum.update(block)
        while block:
            block = block[os.write(self._descriptor, block) :]


@dataclass(slots=True, kw_only=True)
class Pump:
    """One stream of blocks. `moved` grows while it runs."""

    source: int
    sink: Sink
    paused: Callable[[], bool] = lambda: False
    """Is the run paused? Then everything upstream waits as well."""
    sum_input: bool = False
    moved: int = 0
    sum: str = ""
    _stop: bool = field(default=False)

    def stop(self) -> None:
        """End the thread soon, wherever it waits."""
        self._stop = True

    def run(self) -> int:
        """Move all blocks; the bytes moved. Raises Stopped, OSError, psycopg.OperationalError."""
        buffer = memoryview(bytearray(BLOCK))
        digest = hashlib.sha256() if self.sum_input else None
        ready = select.poll()
        ready.register(self.source, select.POLLIN | select.POLLHUP)
        while filled := self._fill(buffer, ready):
            block = buffer[:filled]
            if digest is not None:
                digest.update(block)
            self.sink.write(block, lambda: self._stop)
            self.moved += filled
            while self.paused() and not self._stop:
                time.sleep(PAUSE_POLL)
        if digest is not None:
            self.sum = digest.hexdigest()
        return self.moved

    def _fill(self, buffer: memoryview, ready: select.poll) -> int:
        """Fill the buffer, unless the stream ends first."""
        filled = 0
        while filled < len(buffer):
            if self._stop:
                raise Stopped
            if not ready.poll(STOP_POLL_MS):
                continue
            read = os.readv(self.source, [buffer[filled:]])
            if not read:
                break
            filled += read
        return filled


class Pumping(Protocol):
    """What `run_pump` runs."""

    def run(self) -> int: ...

    def stop(self) -> None: ...


async def run_pump(pump: Pumping, threads: ThreadPoolExecutor) -> int:
    """Run a pump beside the event loop. If canceled, the pump is stopped and awaited first."""
    work = asyncio.get_running_loop().run_in_executor(threads, pump.run)
    try:
        return await asyncio.shield(work)
    except asyncio.CancelledError:
        pump.stop()
        await asyncio.wait([work])
        if not work.cancelled():
            work.exception()
        raise
