"""Changes of different tables at the same time, each still in a transaction of its own."""

import asyncio
from collections import defaultdict, deque
from collections.abc import Sequence
from heapq import heappop, heappush

from psycopg import Error

from tswizard.core.db.concurrency import together
from tswizard.core.db.connection import Connection
from tswizard.core.model.events import Unit
from tswizard.core.run.context import Context
from tswizard.core.split.schema.execute import (
    Change,
    RefusedChange,
    refusal_message,
    run_changes,
    run_statements,
)
from tswizard.core.split.schema.target_session import more_sessions

# Errors of a change that may succeed when no other is under way: deadlocks, locks and memory.
_OF_COMPANY = ("40", "53", "55P03")


async def run_changes_at_once(
    ctx: Context, target: Connection, changes: Sequence[Change]
) -> list[RefusedChange]:
    """Run each change in a transaction of its own, those of different tables at the same time, on
    as many connections as the run has jobs; those of one table in their order.

    What may have been refused for the sake of others is tried once more at the end, alone. Raises
    CannotConnect, and psycopg.Error when a connection is lost.
    """
    number = min(ctx.task.jobs, len({change.tables for change in changes}))
    if number < 2:
        return await run_changes(ctx, target, changes)
    async with more_sessions(ctx, number - 1) as others:
        return await _run(ctx, [target, *others], changes)


async def _run(
    ctx: Context, targets: Sequence[Connection], changes: Sequence[Change]
) -> list[RefusedChange]:
    queue = ChangeQueue(changes)
    refused: list[RefusedChange] = []
    again: list[int] = []
    held: set[tuple[str, str]] = set()

    def postpone(number: int) -> None:
        again.append(number)
        held.update(changes[number].tables)

    async def work(target: Connection) -> None:
        while (number := await queue.take()) is not None:
            change = changes[number]
            await ctx.unpaused()
            ctx.progress(queue.done, len(changes), Unit.ITEMS, queue.label)
            try:
                if held.isdisjoint(change.tables):
                    await run_statements(ctx, target, *change.statements)
                else:  # it may depend on one that comes again
                    postpone(number)
            except Error as error:
                if (error.sqlstate or "").startswith(_OF_COMPANY):
                    postpone(number)
                else:
                    refused.append(RefusedChange(change, refusal_message(error)))
            await queue.finish(number)

    await together(work(target) for target in targets)
    if again:
        refused += await run_changes(ctx, targets[0], [changes[number] for number in sorted(again)])
    ctx.progress(len(changes), len(changes), Unit.ITEMS)
    order = {change: number for number, change in enumerate(changes)}
    return sorted(refused, key=lambda refusal: order[refusal.change])


class ChangeQueue:
    """Hands out changes in order, by their numbers, but none that locks a table of one before it
    that is not done.

    Thousands of hypertables have more changes than that, so none is looked at again before the one
    that it waits for is done.
    """

    def __init__(self, changes: Sequence[Change]) -> None:
        self._changes = changes
        self._of_table: dict[tuple[str, str], deque[int]] = defaultdict(deque)
        self._blocked: list[int] = []
        self._ready: list[int] = []
        self._left = len(changes)
        self._running: dict[int, Change] = {}
        self._changed = asyncio.Condition()
        self.done = 0
        for number, change in enumerate(changes):
            for table in change.tables:
                self._of_table[table].append(number)
            self._blocked.append(sum(self._of_table[t][0] != number for t in change.tables))
            if not self._blocked[number]:
                self._ready.append(number)

    @property
    def label(self) -> str:
        """What is being changed."""
        return ", ".join(change.label for change in self._running.values())

    async def take(self) -> int | None:
        """The next that can be begun, as soon as there is one; None when none is left."""
        async with self._changed:
            await self._changed.wait_for(lambda: self._ready or not self._left)
            if not self._left:
                return None
            self._left -= 1
            number = heappop(self._ready)
            self._running[number] = self._changes[number]
            return number

    async def finish(self, number: int) -> None:
        """It has ended, whichever way."""
        async with self._changed:
            for table in self._running.pop(number).tables:
                waiting = self._of_table[table]
                waiting.popleft()
                if waiting:
                    self._blocked[waiting[0]] -= 1
                    if not self._blocked[waiting[0]]:
                        heappush(self._ready, waiting[0])
            self.done += 1
            self._changed.notify_all()
