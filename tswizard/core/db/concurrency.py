"""Waiting for several things at once, and for a thread."""

import asyncio
from collections.abc import Callable, Coroutine, Iterable
from typing import Any, TypeVar

_T = TypeVar("_T")
_Source = TypeVar("_Source")
_Target = TypeVar("_Target")


async def both(
    source: Coroutine[Any, Any, _Source], target: Coroutine[Any, Any, _Target]
) -> tuple[_Source, _Target]:
    """The results of the two; errors as with `together`."""
    tasks = await _all((source, target))
    return tasks[0].result(), tasks[1].result()


async def together(work: Iterable[Coroutine[Any, Any, None]]) -> None:
    """Await all of it.

    When one fails the others are cancelled, and their queries with them. Raises what the first
    raised, as it raised it; what others raised while they ended is in its notes.
    """
    await _all(work)


async def _all(work: Iterable[Coroutine[Any, Any, Any]]) -> list["asyncio.Task[Any]"]:
    try:
        async with asyncio.TaskGroup() as group:
            return [group.create_task(coroutine) for coroutine in work]
    except BaseExceptionGroup as failed:
        first, *others = failed.exceptions
    for other in others:
        first.add_note(f"Meanwhile another task failed: {type(other).__name__}: {other}")
    # Raised outside the handler: its own cause and context stay as they are.
    raise first


async def in_thread(work: Callable[[], _T]) -> _T:
    """Run blocking work in a thread and, even when cancelled, return only when it has ended.

    A thread cannot be stopped: left alone, it would keep writing into folders that the caller
    is about to remove.
    """
    task = asyncio.create_task(asyncio.to_thread(work))
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait([task])
        raise
