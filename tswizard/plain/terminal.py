"""What a terminal can do, and what follows from it for the wizard."""

import os
import shutil
from collections.abc import Mapping

NARROWEST = 60
"""Columns that the screens need."""

_DUMB = ("", "dumb", "unknown")


def why_plain(env: Mapping[str, str] | None = None, columns: int | None = None) -> str:
    """Why the wizard asks line by line without being told to, as the reason in a sentence; empty
    when the screens can be shown."""
    env = os.environ if env is None else env
    if _set(env, "ACCESSIBLE"):
        return "ACCESSIBLE is set"
    if env.get("TERM", "") in _DUMB:
        return f"TERM is {env.get('TERM') or 'not set'}"
    columns = shutil.get_terminal_size().columns if columns is None else columns
    if columns < NARROWEST:
        return f"the terminal has {columns} columns and the screens need {NARROWEST}"
    return ""


def moves_cursor(env: Mapping[str, str] | None = None, columns: int | None = None) -> bool:
    """May a prompt redraw itself? Not for a screen reader, nor where nothing can be drawn."""
    return not why_plain(env, columns)


def _set(env: Mapping[str, str], name: str) -> bool:
    return env.get(name, "").strip().lower() not in ("", "0", "false", "no")
