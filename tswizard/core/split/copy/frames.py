"""Several streams of rows in one pipe, each ended by a line that no row can contain.

The source sends the rows of many pieces in answer to one query. Nothing here looks at a row: after
each piece it also sends a line with a token of 128 random bits, and that is looked for. A COPY that
fails sends no such line, so the token also says that all of a piece's rows have come.
"""

import os
import select
import time
from collections.abc import Callable
from secrets import token_hex

from tswizard.core.split.copy.pump import BLOCK, PAUSE_POLL, STOP_POLL_MS, Stopped


def new_token() -> str:
    """A token for one query."""
    return token_hex(16)


class RowsEnded(Exception):
    """The pipe ended before a token: psql has failed, and says why."""


class FramedRows:
    """Reads such a pipe, in a thread."""

    def __init__(
        self,
        descriptor: int,
        token: str,
        *,
        stopped: Callable[[], bool],
        paused: Callable[[], bool],
    ) -> None:
        self._descriptor = descriptor
        self._token = token.encode()
        self._stopped = stopped
        self._paused = paused
        self._ready = select.poll()
        self._ready.register(descriptor, select.POLLIN | select.POLLHUP)
        self._buffer = bytearray(BLOCK)
        self._filled = 0
        """Bytes in the buffer that are not handed on yet."""

    def next(self, write: Callable[[memoryview], None]) -> str:
        """Hand on everything up to the next token; what follows it on its line.

        Raises RowsEnded, Stopped, and what `write` raises.
        """
        searched = 0
        while (at := self._buffer.find(self._token, searched, self._filled)) < 0:
            # A token may have begun at the end of what is there.
            kept = min(self._filled, len(self._token) - 1)
            if self._filled == len(self._buffer):
                self._hand_on(write, self._filled - kept)
            searched = max(0, self._filled - kept)
            self._read()
        if at:
            self._hand_on(write, at)
        while (end := self._buffer.find(b"\n", 0, self._filled)) < 0:
            if self._filled == len(self._buffer):  # the states of many relations
                self._buffer = self._buffer + bytearray(BLOCK)
            self._read()
        line = bytes(self._buffer[len(self._token) : end]).decode("ascii")
        self._drop(end + 1)
        return line

    def _hand_on(self, write: Callable[[memoryview], None], size: int) -> None:
        with memoryview(self._buffer) as whole, whole[:size] as block:
            write(block)
        self._drop(size)
        while self._paused() and not self._stopped():
            time.sleep(PAUSE_POLL)

    def _drop(self, size: int) -> None:
        rest = self._filled - size
        self._buffer[:rest] = self._buffer[size : self._filled]
        self._filled = rest

    def _read(self) -> None:
        while not self._ready.poll(STOP_POLL_MS):
            if self._stopped():
                raise Stopped
        if self._stopped():
            raise Stopped
        with memoryview(self._buffer) as whole, whole[self._filled :] as free:
            try:
                read = os.readv(self._descriptor, [free])
            except BlockingIOError:  # the pipe was said to be ready, and was not
                return
        if not read:
            raise RowsEnded
        self._filled += read
