"""Every character that a terminal without UTF-8 could not show, as one that it can.

Each is one cell wide, as what it stands for, so nothing moves.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from rich.segment import Segment
from textual.filter import LineFilter

if TYPE_CHECKING:
    from textual.color import Color

_ALIKE = {
    "+": "✓╭╮╰╯┌┐└┘├┤┬┴┼╔╗╚╝┏┓┗┛",
    "x": "✗×",
    ">": "▸→❯▶",
    "<": "←◀≤",
    "^": "↑▲",
    "v": "↓▼▾",
    "*": "•●■◆◉",
    "o": "○",
    "-": "–—▔─╌╶╴┄",
    "=": "━╸╺═",
    "|": "│┃║▏▎▍▌▋▊▉▐▕",
    "_": "▁▂",
    ":": "▃▄",
    "#": "▅▆▇█▀▓▒░▟",
    "~": "…",
    ".": "·",
    '"': "“”„",
    "'": "‘’",
    "u": "µ",
    "?": "�",
}
_TABLE = str.maketrans({mark: plain for plain, marks in _ALIKE.items() for mark in marks})


class AsciiMarks(LineFilter):
    """Replaces marks, frames and bars; names of the user's objects stay as they are."""

    def apply(self, segments: list[Segment], background: "Color") -> list[Segment]:
        return [
            segment
            if segment.control or segment.text.isascii()
            else Segment(segment.text.translate(_TABLE), segment.style)
            for segment in segments
        ]


def wants_ascii(environment: Mapping[str, str]) -> bool:
    """Whether the locale says that the terminal is not UTF-8.

    Python raises LC_CTYPE to C.UTF-8 where LANG is C (PEP 538), so that says nothing; nor does a
    locale that is not set at all, as in a container.
    """
    raised = environment.get("LC_CTYPE") == "C.UTF-8" and "LANG" in environment
    names = ("LC_ALL", "LANG") if raised else ("LC_ALL", "LC_CTYPE", "LANG")
    locale = next((environment[name] for name in names if environment.get(name)), "")
    return bool(locale) and "utf" not in locale.lower()
