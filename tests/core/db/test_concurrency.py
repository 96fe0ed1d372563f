"""Waiting for several things at once: what becomes of the others when one fails."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from tswizard.core.db.concurrency import both, together

Work = Coroutine[Any, Any, None]


async def _wait(work: Callable[..., Any], *coroutines: Work) -> None:
    await (work(*coroutines) if work is both else work(coroutines))


@pytest.fixture(params=[both, together], ids=["both", "together"])
def side_by_side(request: pytest.FixtureRequest) -> Callable[..., Any]:
    waiting: Callable[..., Any] = request.param
    return waiting


async def test_when_one_fails_the_other_is_cancelled(side_by_side: Callable[..., Any]) -> None:
    cancelled = asyncio.Event()

    async def waits() -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled.set()
            raise

    async def fails() -> None:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no") as caught:
        await _wait(side_by_side, waits(), fails())
    assert cancelled.is_set()
    assert not hasattr(caught.value, "__notes__")


async def test_the_error_of_the_other_is_kept(side_by_side: Callable[..., Any]) -> None:
    async def fails() -> None:
        raise ValueError("first") from KeyError("the cause")

    async def fails_while_it_ends() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            raise OSError("disk full")

    with pytest.raises(ValueError, match="first") as caught:
        await _wait(side_by_side, fails(), fails_while_it_ends())
    assert caught.value.__notes__ == ["Meanwhile another task failed: OSError: disk full"]
    assert isinstance(caught.value.__cause__, KeyError)


async def test_both_gives_the_two_results_in_their_order() -> None:
    first_may_end = asyncio.Event()

    async def first() -> int:
        await first_may_end.wait()
        return 1

    async def second() -> str:
        first_may_end.set()
        return "two"

    assert await both(first(), second()) == (1, "two")
