"""Times and words as the screens write them.

Words carry the meaning; the colors that go with them only repeat it.
"""

import re
import time
from functools import lru_cache

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

_CONTROL = re.compile(r"[\x00-\x1f\x7f\x85\u2028\u2029]")


def clock(seconds: float) -> str:
    """A span as a stopwatch shows it, e.g. `0:09` or `1:04:30`."""
    minutes, second = divmod(int(seconds), 60)
    hours, minute = divmod(minutes, 60)
    return f"{hours}:{minute:02}:{second:02}" if hours else f"{minute}:{second:02}"


def time_of_day(at: float) -> str:
    """The time of day of an instant, in this machine's zone."""
    return _time_of_day(int(at))


@lru_cache(maxsize=64)
def _time_of_day(second: int) -> str:
    return time.strftime("%H:%M:%S", time.localtime(second))


def date_and_time(at: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(at))


def plain(text: str) -> str:
    """`text` on one line, without anything that a terminal would obey."""
    return _CONTROL.sub("�", text.replace("\t", "    "))


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


_BOTH_ENDS = 7
"""Cells below which two ends tell less than one."""


def word(level: str) -> Content:
    """A level as its word in its color."""
    text, style = WORDS[level]
    return Content.styled(text, style)
