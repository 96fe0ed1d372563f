"""What the preparation tells whoever watches, and how it says that it cannot continue."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

Step = Literal["package", "template", "start"]


class DemoError(Exception):
    """The embedded pair cannot be had; the message is one sentence for the user."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """How far one step of the preparation is: `done` of `total` units, `text` says what now."""

    step: Step
    done: int
    total: int
    text: str


OnProgress = Callable[[Prepared], None]


def ignore_progress(_: Prepared) -> None:
    """Nobody watches."""
