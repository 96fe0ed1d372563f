"""Two ways of waiting that asyncio lacks."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

_T = TypeVar("_T")


async def together(*jobs: Coroutine[Any, Any, None]) -> None:
    """Await all jobs; the first failure cancels the others and is raised by itself."""
    try:
        async with asyncio.TaskGroup() as group:
            for job in jobs:
                group.create_task(job)
    except BaseExceptionGroup as failed:
        raise failed.exceptions[0] from failed


async def in_thread(work: Callable[[], _T]) -> _T:
    """Run blocking work in a thread and, even when cancelled, come back only when it has ended.

    A thread cannot be stopped: left alone, it would go on writing into folders that the caller
    is about to remove.
    """
    task = asyncio.create_task(asyncio.to_thread(work))
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait([task])
        raise
