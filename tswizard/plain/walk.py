"""Going through questions one after the other, forward and back."""

from collections.abc import Awaitable, Callable, Sequence

from tswizard.plain.prompts import Back

Step = Callable[[], Awaitable[bool]]
"""Asks something; False when there was nothing to ask."""


async def walk(steps: Sequence[Step], *, from_end: bool) -> None:
    """Take the steps in order, or begin with the last one. Back leads to the one before that asks.

    Raises Back before the first, and for another section.
    """
    at, forward = (len(steps) - 1, False) if from_end else (0, True)
    while at < len(steps):
        if at < 0:
            raise Back
        try:
            asked = await steps[at]()
        except Back as back:
            if back.to:
                raise
            forward, at = False, at - 1
        else:
            forward = forward or asked
            at += 1 if forward else -1
