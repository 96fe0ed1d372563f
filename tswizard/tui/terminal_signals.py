"""What a terminal shows outside of its text: a title, a notification, progress in the taskbar.

Terminals ignore what they do not know, but not all agree on what OSC 9 means, so each is told
only what it is known to understand.
"""

from collections.abc import Mapping

_OSC, _ST = "\x1b]", "\x1b\\"
_NINE = frozenset({"iTerm.app", "WezTerm", "ghostty"})
"""Show `OSC 9 ; text` as a notification."""


def title(text: str) -> str:
    """Sets the title of the window, or of the pane in tmux."""
    return f"{_OSC}2;{_clean(text)}{_ST}"


def notification(text: str, environment: Mapping[str, str]) -> str:
    """A desktop notification: OSC 9 where that means one, else OSC 777 (VTE, foot, urxvt)."""
    if environment.get("TERM_PROGRAM") in _NINE or "KITTY_WINDOW_ID" in environment:
        return f"{_OSC}9;{_clean(text)}{_ST}"
    return f"{_OSC}777;notify;tswizard;{_clean(text).replace(';', ',')}{_ST}"


def taskbar(percent: int | None, environment: Mapping[str, str]) -> str:
    """Progress in the taskbar (OSC 9;4); None takes it away. Empty where OSC 9 is something else.

    https://learn.microsoft.com/windows/terminal/tutorials/progress-bar-sequences
    """
    known = "WT_SESSION" in environment or environment.get("ConEmuANSI") == "ON"
    if not (known or environment.get("TERM_PROGRAM") == "ghostty"):
        return ""
    return f"{_OSC}9;4;0;0{_ST}" if percent is None else f"{_OSC}9;4;1;{percent}{_ST}"


def _clean(text: str) -> str:
    return "".join(character for character in text if character.isprintable())
