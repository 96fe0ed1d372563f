"""The result of a run in letters that are read across the room."""

from typing import TYPE_CHECKING

from textual.containers import HorizontalGroup
from textual.content import Content
from textual.widgets import Static

from tswizard.tui.text import WORDS

if TYPE_CHECKING:
    from textual.app import ComposeResult

_LETTERS = {
    "P": ("███ ", "█  █", "███ ", "█   ", "█   "),
    "A": (" ██ ", "█  █", "████", "█  █", "█  █"),
    "S": (" ███", "█   ", " ██ ", "   █", "███ "),
    "L": ("█   ", "█   ", "█   ", "█   ", "████"),
    "O": (" ██ ", "█  █", "█  █", "█  █", " ██ "),
    "K": ("█  █", "█ █ ", "██  ", "█ █ ", "█  █"),
    "F": ("████", "█   ", "███ ", "█   ", "█   "),
    "I": ("███", " █ ", " █ ", " █ ", "███"),
}
"""A full block is as wide as it is high when it is drawn twice."""


def large(word: str) -> str:
    """A word in letters of five lines; each cell of one is two columns."""
    rows = zip(*(_LETTERS[letter] for letter in word), strict=True)
    return "\n".join(
        "  ".join("".join(cell * 2 for cell in cells) for cells in row).rstrip() for row in rows
    )


class Verdict(HorizontalGroup):
    """The word, the sentence beside it, and what follows from it.

    In large letters where the terminal is large and has them; else the word in the first line.
    """

    def __init__(self, level: str, sentence: str, rest: Content, *, ascii: bool, id: str) -> None:
        super().__init__(id=id)
        self.set_class(not ascii, "-letters")
        self._level, self._sentence, self._rest = level, sentence, rest

    def compose(self) -> "ComposeResult":
        word, style = WORDS[self._level]
        yield Static(large(self._level.upper()), id="verdict-letters", classes=f"-{self._level}")
        head = Content.assemble((f" {word} ", f"bold reverse {style}"), f"  {self._sentence}")
        spoken = Content.assemble((self._sentence, f"bold {style}"))
        yield Static(Content("\n").join([head, self._rest]), id="verdict-word", markup=False)
        yield Static(Content("\n").join([spoken, self._rest]), id="verdict-beside", markup=False)
