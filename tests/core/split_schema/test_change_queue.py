"""The order in which changes of different tables are handed out, before any server is asked."""

import asyncio
from collections.abc import Sequence
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from tswizard.core.split.schema.execute import Change
from tswizard.core.split.schema.execute_at_once import ChangeQueue

_TABLES = st.frozensets(st.tuples(st.just("public"), st.sampled_from("abcd")), max_size=3)


def _free(changes: Sequence[Change], taken: set[int], done: set[int]) -> list[int]:
    """Those that may begin: no change before them that is not done locks one of their tables."""
    return [
        number
        for number, change in enumerate(changes)
        if number not in taken
        and all(
            change.tables.isdisjoint(before.tables)
            for place, before in enumerate(changes[:number])
            if place not in done
        )
    ]


@given(st.lists(_TABLES, max_size=12), st.randoms())
def test_the_first_that_may_begin_is_handed_out(
    tables: list[frozenset[tuple[str, str]]], chance: Random
) -> None:
    changes = [Change(str(n), (), locked) for n, locked in enumerate(tables)]

    async def work() -> None:
        queue = ChangeQueue(changes)
        taken, done = set[int](), set[int]()
        while len(done) < len(changes):
            free = _free(changes, taken, done)
            if free and (taken == done or chance.random() < 0.5):
                assert await queue.take() == free[0]
                taken.add(free[0])
            else:
                ended = chance.choice(sorted(taken - done))
                await queue.finish(ended)
                done.add(ended)
            assert queue.done == len(done)
            assert set(queue.label.split(", ")) == {str(n) for n in taken - done} or taken == done
        assert await queue.take() is None

    asyncio.run(work())


async def test_who_finds_none_waits_until_one_may_begin() -> None:
    both = frozenset({("public", "a")})
    queue = ChangeQueue([Change("first", (), both), Change("second", (), both)])
    assert await queue.take() == 0
    waiting = asyncio.create_task(queue.take())
    await asyncio.sleep(0)
    assert not waiting.done()
    await queue.finish(0)
    assert await waiting == 1
    assert await queue.take() is None
