"""Events of a run, collected for the screen to take a frame's worth at a time."""

import asyncio
import time
from collections import deque
from contextlib import aclosing
from typing import TYPE_CHECKING, cast

from tswizard.wizard.engine import Running

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from tswizard.core.model.events import Event

_BREATH = 0.01
"""Seconds of reading without a pause before the screen gets its turn."""

_BACKLOG = 20_000
"""Events that may wait for the screen; beyond that the run waits for it."""


class EventFeed:
    """Carries a run out: reads its events whatever screen is shown, until it is over."""

    def __init__(self, run: Running) -> None:
        self.run = run
        self.error: Exception | None = None
        """What broke the run, other than a failed step."""
        self._events: deque[Event] = deque()
        self._room = asyncio.Event()
        self._room.set()
        self._ending = False
        self._task = asyncio.create_task(self._read())

    @property
    def over(self) -> bool:
        """The run has ended and everything it left open is closed."""
        return self._task.done()

    def take(self, at_most: int) -> list["Event"]:
        """The oldest waiting events."""
        count = min(at_most, len(self._events))
        taken = [self._events.popleft() for _ in range(count)]
        if len(self._events) < _BACKLOG:
            self._room.set()
        return taken

    @property
    def waiting(self) -> int:
        return len(self._events)

    async def stop_now(self) -> None:
        """End the run and wait until it has ended; it can be resumed."""
        self._ending = True
        self.run.stop(now=True)
        self._room.set()
        await asyncio.wait([self._task])

    async def _read(self) -> None:
        breath = time.monotonic()
        try:
            async with aclosing(cast("AsyncGenerator[Event]", self.run.events())) as events:
                async for event in events:
                    self._events.append(event)
                    if len(self._events) >= _BACKLOG and not self._ending:
                        self._room.clear()
                        await self._room.wait()
                    if time.monotonic() - breath > _BREATH:
                        await asyncio.sleep(0)
                        breath = time.monotonic()
        except Exception as error:
            self.error = error
