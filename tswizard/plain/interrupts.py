"""Ctrl+C while something else than a prompt has the terminal: a question, never a traceback."""

import asyncio
import signal
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from tswizard.plain.prompts import Quit

_T = TypeVar("_T")


class Interrupts:
    """Who is told when the user presses Ctrl+C: the innermost that asked for it."""

    def __init__(self) -> None:
        self._told: list[Callable[[], None]] = []

    def listen(self) -> None:
        """From now on, in the running loop."""
        asyncio.get_running_loop().add_signal_handler(signal.SIGINT, self._interrupted)

    def _interrupted(self) -> None:
        if self._told:
            self._told[-1]()

    @contextmanager
    def to(self, told: Callable[[], None]) -> Iterator[None]:
        self._told.append(told)
        try:
            yield
        finally:
            self._told.remove(told)

    async def until_done(self, work: Awaitable[_T]) -> _T:
        """Its result. Raises Quit when the user interrupts it; it is cancelled then."""
        task = asyncio.ensure_future(work)
        stopped = False

        def stop() -> None:
            nonlocal stopped
            stopped = True
            task.cancel()

        with self.to(stop):
            try:
                return await task
            except asyncio.CancelledError:
                if stopped:
                    raise Quit from None
                raise
