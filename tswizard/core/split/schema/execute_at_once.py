"""Changes of different tables at the same time, each still in a transaction of its own."""

import asyncio
from collections.abc import Sequence

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
    queue = _ChangeQueue(changes)
    refused: list[RefusedChange] = []
    again: list[Change] = []
    held: set[tuple[str, str]] = set()

    def postpone(change: Change) -> None:
        again.append(change)
        held.update(change.tables)

    async def work(target: Connection) -> None:
        while (change := await queue.take()) is not None:
            await ctx.unpaused()
            ctx.progress(queue.done, len(changes), Unit.ITEMS, queue.label)
            try:
                if held.isdisjoint(change.tables):
                    await run_statements(ctx, target, *change.statements)
                else:  # it may depend on one that comes again
                    postpone(change)
            except Error as error:
                if (error.sqlstate or "").startswith(_OF_COMPANY):
                    postpone(change)
                else:
                    refused.append(RefusedChange(change, refusal_message(error)))
            await queue.finish(change)

    await together(work(target) for target in targets)
    if again:
        refused += await run_changes(ctx, targets[0], sorted(again, key=changes.index))
    ctx.progress(len(changes), len(changes), Unit.ITEMS)
    return sorted(refused, key=lambda refusal: changes.index(refusal.change))


class _ChangeQueue:
    """Hands out changes in order, but none that locks a table of one before it that is not done."""

    def __init__(self, changes: Sequence[Change]) -> None:
        self._waiting = list(changes)
        self._running: list[Change] = []
        self._changed = asyncio.Condition()
        self.done = 0

    @property
    def label(self) -> str:
        """What is being changed."""
        return ", ".join(change.label for change in self._running)

    async def take(self) -> Change | None:
        """The next that can be begun, as soon as there is one; None when none is left."""
        async with self._changed:
            while self._waiting:
                locked = {table for change in self._running for table in change.tables}
                for number, change in enumerate(self._waiting):
                    if locked.isdisjoint(change.tables):
                        self._running.append(change)
                        return self._waiting.pop(number)
                    locked |= change.tables
                await self._changed.wait()
        return None

    async def finish(self, change: Change) -> None:
        """It has ended, whichever way."""
        async with self._changed:
            self._running.remove(change)
            self.done += 1
            self._changed.notify_all()
