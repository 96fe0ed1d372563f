"""Words and shortened names as the screens write them.

Words carry the meaning; the colors that go with them only repeat it.
"""

from rich.cells import cell_len, set_cell_size
from textual.content import Content

WORDS = {
    "pass": ("✓ PASS", "$text-success"),
    "look": ("! LOOK", "$text-warning"),
    "fail": ("✗ FAIL", "$text-error"),
    "skip": ("– SKIP", "dim"),
}
"""A level's word and its color."""

STATES = {
    "pending": ("·", "dim"),
    "running": ("▸", "bold $text-accent"),
    "done": ("✓", "$text-success"),
    "failed": ("✗", "bold $text-error"),
    "skipped": ("–", "dim"),
    "stopped": ("■", "$text-warning"),
}
"""A step's mark and its color."""


def shortened(text: str, room: int) -> str:
    """At most `room` cells of it: its middle gives way, since names differ at either end."""
    if cell_len(text) <= room:
        return text
    if room <= 0:
        return ""
    if room < _BOTH_ENDS:
        return set_cell_size(text, room - 1).rstrip() + "…"
    head = set_cell_size(text, (room - 1) // 2).rstrip()
    return f"{head}…{ending(text, room - 1 - cell_len(head)).lstrip()}"


def ending(text: str, room: int) -> str:
    """The end of it, as much as `room` cells hold."""
    while cell_len(text) > room:
        text = text[1:]
    return text


def bar(done: int, total: int, cells: int) -> str:
    """How much of it is done, as a line of characters that means something without color."""
    filled = cells if total <= 0 else cells * min(done, total) // total
    return "━" * filled + "─" * (cells - filled)


_BOTH_ENDS = 7
"""Cells below which two ends tell less than one."""


def word(level: str) -> Content:
    """A level as its word in its color."""
    text, style = WORDS[level]
    return Content.styled(text, style)
