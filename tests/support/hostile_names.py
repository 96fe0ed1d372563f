"""What was recorded, with names of objects that a terminal or a markup language would obey."""

from collections.abc import Mapping
from dataclasses import fields, is_dataclass, replace
from enum import Enum
from typing import Any, TypeVar

OBEYED = "esc\x1b]2;PWNED\x07\x1b[31mred\x1b[2J\x9b2J\u202eback"
"""Sets the title of the window, colors what follows, clears the screen, and turns the line."""
CLOSING = "c[/]x"
"""Closes what was never opened."""
STYLED = "c [bold]gone[/bold] ok"
_NAMES = {"conditions": CLOSING, "metrics": STYLED, "door_openings": STYLED, "events": OBEYED}

_T = TypeVar("_T")


def with_hostile_names(value: _T) -> _T:
    """The same value with other names, wherever they stand in it."""
    renamed: Any = _renamed(value)
    return renamed  # type: ignore[no-any-return]


def _renamed(value: Any) -> Any:
    if isinstance(value, Enum):
        return value
    if isinstance(value, str):
        for name, hostile in _NAMES.items():
            value = value.replace(name, hostile)
        return value
    if isinstance(value, Mapping):
        return {_renamed(key): _renamed(each) for key, each in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return type(value)(map(_renamed, value))
    if is_dataclass(value) and not isinstance(value, type):
        given = (field.name for field in fields(value) if field.init)
        return replace(value, **{name: _renamed(getattr(value, name)) for name in given})
    return value
