"""Work side by side; when one fails, the others are cancelled, and their queries with them."""

import asyncio
from collections.abc import Coroutine, Iterable
from typing import Any, TypeVar

A = TypeVar("A")
B = TypeVar("B")


async def both(source: Coroutine[Any, Any, A], target: Coroutine[Any, Any, B]) -> tuple[A, B]:
    """The results of the two. Raises what the first to fail raised."""
    try:
        async with asyncio.TaskGroup() as group:
            first = group.create_task(source)
            second = group.create_task(target)
    except BaseExceptionGroup as failed:
        raise failed.exceptions[0] from None
    return first.result(), second.result()


async def together(work: Iterable[Coroutine[Any, Any, None]]) -> None:
    """Await all of it. Raises what the first to fail raised."""
    try:
        async with asyncio.TaskGroup() as group:
            for coroutine in work:
                group.create_task(coroutine)
    except BaseExceptionGroup as failed:
        raise failed.exceptions[0] from None
