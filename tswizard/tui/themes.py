"""The wizard's colors: dark, light, and none.

Colors only repeat what words and marks say, so each theme may be replaced by the next one.
"""

import os
import select
import sys
import time
from dataclasses import replace
from typing import TYPE_CHECKING

from rich.console import Console
from textual.theme import BUILTIN_THEMES, Theme

if TYPE_CHECKING:
    from collections.abc import Mapping

DARK = Theme(
    name="tswizard-dark",
    dark=True,
    background="#10141b",
    surface="#181e28",
    panel="#202836",
    foreground="#d7dde8",
    primary="#3f6fd8",
    secondary="#5b6b85",
    accent="#7cb7ff",
    success="#7fc98b",
    warning="#e8b45a",
    error="#f07f86",
    variables={
        "border": "#3a475c",
        "footer-background": "#181e28",
        "footer-foreground": "#a9b4c6",
        "footer-key-foreground": "#7cb7ff",
        "scrollbar": "#5f708c",
        "scrollbar-hover": "#7688a6",
        "scrollbar-active": "#7cb7ff",
        "scrollbar-background": "#181e28",
        "block-cursor-background": "#27406f",
        "block-cursor-foreground": "#ffffff",
    },
)
LIGHT = Theme(
    name="tswizard-light",
    dark=False,
    background="#fbfaf7",
    surface="#f1efe9",
    panel="#e6e3da",
    foreground="#24292f",
    primary="#2f5fc4",
    secondary="#6d7686",
    accent="#1d55b5",
    success="#1d7a3c",
    warning="#8a5a00",
    error="#b3261e",
    variables={
        "border": "#b9b4a6",
        "footer-background": "#ece9e1",
        "footer-foreground": "#4b5360",
        "footer-key-foreground": "#1d55b5",
        "scrollbar": "#7f8898",
        "scrollbar-hover": "#6d7686",
        "scrollbar-active": "#1d55b5",
        "scrollbar-background": "#ece9e1",
        "block-cursor-background": "#cfdcf6",
        "block-cursor-foreground": "#10141b",
    },
)
_ANSI_DARK, _ANSI_LIGHT = BUILTIN_THEMES["ansi-dark"], BUILTIN_THEMES["ansi-light"]
OWN_DARK = replace(
    _ANSI_DARK,
    name="tswizard-own-dark",
    primary="ansi_cyan",
    accent="ansi_cyan",
    error="ansi_bright_red",
    variables=_ANSI_DARK.variables
    | {
        "border": "ansi_default",
        "footer-key-foreground": "ansi_cyan",
        "scrollbar": "ansi_cyan",
    },
)
OWN_LIGHT = replace(
    _ANSI_LIGHT,
    name="tswizard-own-light",
    accent="ansi_blue",
    success="ansi_default",
    warning="ansi_magenta",
    variables=_ANSI_LIGHT.variables
    | {
        "border": "ansi_default",
        "footer-key-foreground": "ansi_blue",
        "scrollbar": "ansi_blue",
    },
)
"""Of the terminal's own 16 colors, those that can be read on its background: blue cannot on black,
green and yellow cannot on white. Without any where NO_COLOR says so."""

ALL = (DARK, LIGHT, OWN_DARK, OWN_LIGHT)
NAMES = {
    DARK.name: "dark",
    LIGHT.name: "light",
    OWN_DARK.name: "the terminal's own colors, on dark",
    OWN_LIGHT.name: "the terminal's own colors, on light",
}

_ANSWER = 0.2
"""Seconds that a terminal has to say its background: it may be a continent away."""
_ASK = "\x1b]11;?\x1b\\\x1b[c"
"""What is the background (OSC 11), and what are you (DA1): the second is answered by all."""


def theme_for(environment: "Mapping[str, str]", *, light: bool) -> str:
    """The theme's name; `light`: the terminal's background is."""
    if "NO_COLOR" in environment or not _has_256_colors(environment):
        return OWN_LIGHT.name if light else OWN_DARK.name
    return LIGHT.name if light else DARK.name


def _has_256_colors(environment: "Mapping[str, str]") -> bool:
    """Ours are mixed; the nearest of 16 would be unreadable on one another."""
    terminal = Console(force_terminal=True, _environ={**environment})
    return terminal.color_system not in (None, "standard")


def terminal_is_light(environment: "Mapping[str, str]") -> bool:
    """Whether the terminal says that its background is light.

    By COLORFGBG (`fg;bg`) where it is set, else by asking it; one that says nothing is dark.
    """
    if background := environment.get("COLORFGBG", "").rpartition(";")[2]:
        return background in ("7", "15")
    said = _asked()
    return said is not None and brightness(said) > 0.5


def brightness(answer: str) -> float:
    """Of an answer to OSC 11, such as `rgb:ffff/ffff/dddd`: 0 is black, 1 is white.

    https://invisible-island.net/xterm/ctlseqs/ctlseqs.html
    """
    parts = answer.partition("rgb:")[2].split("/")[:3]
    try:
        red, green, blue = (int(part, 16) / int("f" * len(part), 16) for part in parts)
    except ValueError:
        return 0
    return 0.299 * red + 0.587 * green + 0.114 * blue


def _asked() -> str | None:
    """The terminal's answer; None where it has none or is no terminal."""
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        return None
    import termios
    import tty

    file = sys.stdin.fileno()
    try:
        before = termios.tcgetattr(file)
        tty.setcbreak(file)
    except termios.error:
        return None
    try:
        os.write(sys.stdout.fileno(), _ASK.encode())
        return _until_it_named_itself(file)
    except OSError:
        return None
    finally:
        termios.tcsetattr(file, termios.TCSANOW, before)


def _until_it_named_itself(file: int) -> str | None:
    said, end = b"", time.monotonic() + _ANSWER
    while (left := end - time.monotonic()) > 0 and not said.endswith(b"c"):
        if not select.select([file], [], [], left)[0]:
            break
        if not (read := os.read(file, 256)):
            break
        said += read
    text = said.decode("ascii", "replace")
    start = text.find("rgb:")
    if start < 0:
        return None
    return text[start:].partition("\x1b")[0].partition("\x07")[0]
