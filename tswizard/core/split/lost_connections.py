"""What the leader does between its workers' passes, tried again when a connection is lost in it.

Workers wait for their own connections. All of this can be repeated: a resume does the same.
"""

from collections.abc import Awaitable, Callable
from typing import TypeVar

from tenacity import RetryCallState

from tswizard.core.db.errors import is_transient
from tswizard.core.split.coordinator import Coordinator
from tswizard.core.verify.request import VerifyStopped

_Result = TypeVar("_Result")


async def retrying(coordinator: Coordinator, work: Callable[[], Awaitable[_Result]]) -> _Result:
    """The result of work on the target, tried again after transient errors as copying is; under
    another snapshot when the one in use was lost as well. Raises what the last attempt raised."""
    policy, broken = coordinator.job.retry, False

    async def attempt() -> _Result:
        if broken:
            await _renew_if_lost(coordinator)
        return await work()

    def say_retry(state: RetryCallState) -> None:
        nonlocal broken
        broken = True
        coordinator.reporter.say(policy.words(state))

    return await policy.attempting(say_retry, _passes)(attempt)


def _passes(error: BaseException) -> bool:
    """May the same succeed on another connection or under another snapshot?"""
    lost = isinstance(error, VerifyStopped) and error.finding.id == "snapshot-lost"
    return lost or is_transient(error)


async def _renew_if_lost(coordinator: Coordinator) -> None:
    before = coordinator.snapshots.current
    if await coordinator.snapshots.join(await coordinator.target()) != before:
        coordinator.reporter.say("the source snapshot was lost; continuing with a new one")
