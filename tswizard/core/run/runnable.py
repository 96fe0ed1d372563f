"""A step of the plan with the code that carries it out."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from tswizard.core.model.plan import Step
from tswizard.core.run.context import Context

Action = Callable[[Context], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Runnable:
    """A step of the plan with the code that carries it out."""

    step: Step
    action: Action

    @property
    def id(self) -> str:
        return self.step.id
