"""What every kind of prompt can ask, and what may be answered instead of an answer."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

HELP = "?"
BACK = "back"


class Help(Exception):
    """The user asked what the question means."""


class Back(Exception):
    """The user goes back: to the question before, or to an earlier section by its name."""

    def __init__(self, to: str = "") -> None:
        super().__init__(to)
        self.to = to


class Quit(Exception):
    """The user pressed Ctrl+C, or Ctrl+D: nothing more will come. Asked before it is done."""

    def __init__(self, *, ended: bool = False) -> None:
        super().__init__()
        self.ended = ended
        """There is no more input at all, so nobody can be asked."""


class Show(Exception):
    """The user wants to see one entry of a list."""

    def __init__(self, value: str) -> None:
        super().__init__(value)
        self.value = value


@dataclass(frozen=True, slots=True)
class Option:
    """One of a few answers."""

    value: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One line of a list to tick. A heading has no value."""

    value: str = ""
    text: str
    ticked: bool = False
    depth: int = 0


class Prompts(Protocol):
    """One way to ask. Every method raises Help, Back or Quit instead of giving an answer."""

    hint: str
    """How to answer, said once at the beginning."""

    async def line(self, text: str, *, default: str = "") -> str:
        """A line of text; `default` when it is empty."""
        ...

    async def secret(self, text: str) -> str:
        """A line that is not shown while it is typed."""
        ...

    async def one_of(self, text: str, options: Sequence[Option], *, default: str) -> str:
        """The value of one option."""
        ...

    async def yes_no(self, text: str, *, default: bool) -> bool: ...

    async def ticks(self, text: str, entries: Sequence[Entry]) -> frozenset[str]:
        """Values that are ticked when the user is done for now. Raises Show as well."""
        ...


def read_command(text: str) -> None:
    """Raise what a typed word means instead of an answer; return when it is an answer."""
    word = text.strip()
    if word == HELP:
        raise Help
    if found := re.fullmatch(r"back(?:\s+(\w+))?", word, re.IGNORECASE):
        raise Back((found.group(1) or "").lower())
    if word.lower() in ("quit", "exit"):
        raise Quit
