"""A step of the plan with the code that carries it out."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from tswizard.core.context import Context
from tswizard.core.task import Step

Action = Callable[[Context], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Runnable:
    """A step of the plan with the code that carries it out."""

    step: Step
    action: Action

    @property
    def id(self) -> str:
        return self.step.id
