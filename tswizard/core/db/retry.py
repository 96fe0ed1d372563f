"""How often work is tried again, and how long somebody is waited for."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from operator import not_
from typing import Any

from tenacity import (
    AsyncRetrying,
    RetryCallState,
    retry_if_exception,
    retry_if_result,
    stop_after_attempt,
    stop_after_delay,
    wait_exponential,
    wait_fixed,
)

from tswizard.core.db.errors import is_transient, message_of


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryPolicy:
    """How long a transient error is waited out."""

    attempts: int
    first_pause: float
    """Seconds; each next one is twice as long."""
    longest_pause: float
    """Seconds."""

    def attempting(
        self,
        before_pause: Callable[[RetryCallState], Any],
        passes: Callable[[BaseException], bool] = is_transient,
    ) -> AsyncRetrying:
        """Tries work again while its errors are transient, or pass by; raises the last one."""
        return AsyncRetrying(
            stop=stop_after_attempt(self.attempts),
            wait=wait_exponential(multiplier=self.first_pause, max=self.longest_pause),
            retry=retry_if_exception(passes),
            before_sleep=before_pause,
            reraise=True,
        )

    def words(self, state: RetryCallState, doing: str = "") -> str:
        """What failed while `doing` something, and when it is tried again, for the log."""
        error = state.outcome.exception() if state.outcome else None
        assert error is not None
        assert state.next_action is not None
        return (
            f"{message_of(error)}{doing}; retrying in {state.next_action.sleep:.0f} s "
            f"(attempt {state.attempt_number + 1} of {self.attempts})"
        )

    def repeating(
        self, again: Callable[[Any], bool], before_pause: Callable[[RetryCallState], Any]
    ) -> AsyncRetrying:
        """Does work again while its result asks for it; gives the last one."""
        return AsyncRetrying(
            stop=stop_after_attempt(self.attempts),
            wait=wait_exponential(multiplier=self.first_pause, max=self.longest_pause),
            retry=retry_if_result(again),
            before_sleep=before_pause,
            retry_error_callback=lambda state: state.outcome and state.outcome.result(),
        )


READING = RetryPolicy(attempts=6, first_pause=0.5, longest_pause=30)
"""For reading an end again."""
PUTTING_BACK = RetryPolicy(attempts=9, first_pause=0.5, longest_pause=15)
"""For what must not stay as it is when a run ends: a server that restarts is waited for, a minute
in all."""
COPYING = RetryPolicy(attempts=12, first_pause=1, longest_pause=60)
"""For copying a piece: a server that restarts or fails over is waited for."""
DUMPING = RetryPolicy(attempts=4, first_pause=2, longest_pause=30)
"""For a pg_dump that another session's lock has ended."""


async def becomes_true(
    question: Callable[[], Awaitable[bool]], *, within: float, every: float
) -> bool:
    """Is the answer yes, now or within some seconds? It is asked again every so many."""
    asking = AsyncRetrying(
        stop=stop_after_delay(within),
        wait=wait_fixed(every),
        retry=retry_if_result(not_),
        retry_error_callback=lambda _state: False,
    )
    return bool(await asking(question))
