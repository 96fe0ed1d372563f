"""When two texts of a definition mean the same.

What PostgreSQL prints for an expression is mostly the same after a restore. One common case is
not: `x IN ('a', 'b')` on a varchar column is printed as `(ARRAY['a'::character varying,
…])::text[]`, and after a restore as `ARRAY[('a'::character varying)::text, …]`.
"""

import re
from typing import Any

_CAST_ARRAY = "(ARRAY["
_AFTER = re.compile(r"\]\)::([a-z][a-z0-9_ ]*(?:\([0-9, ]+\))?)\[\]")


def same_definition(source: Any, target: Any) -> bool:
    """Equal, or equal in the form that a restore gives them."""
    if source == target:
        return True
    if isinstance(source, str) and isinstance(target, str):
        return restored_form(source) == restored_form(target)
    if isinstance(source, dict) and isinstance(target, dict):
        return source.keys() == target.keys() and all(
            same_definition(source[k], target[k]) for k in source
        )
    if isinstance(source, list) and isinstance(target, list):
        return len(source) == len(target) and all(
            same_definition(a, b) for a, b in zip(source, target, strict=True)
        )
    return False


def restored_form(text: str) -> str:
    """The text with every cast of a whole array moved to its elements."""
    at = text.find(_CAST_ARRAY)
    while at >= 0:
        elements, end = _elements(text, at + len(_CAST_ARRAY))
        cast = _AFTER.match(text, end) if elements else None
        if cast is None:
            at = text.find(_CAST_ARRAY, at + 1)
            continue
        moved = ", ".join(f"({element})::{cast[1]}" for element in elements)
        text = f"{text[:at]}ARRAY[{moved}]{text[cast.end() :]}"
        at = text.find(_CAST_ARRAY, at + 1)
    return text


def _elements(text: str, start: int) -> tuple[list[str], int]:
    """The elements of an array that begins at `start`, and the position of its `]`."""
    elements: list[str] = []
    depth, quoted, first = 0, "", start
    for at in range(start, len(text)):
        char = text[at]
        if quoted:
            quoted = "" if char == quoted else quoted
        elif char in "'\"":
            quoted = char
        elif char in "([":
            depth += 1
        elif char == "]" and depth == 0:
            elements.append(text[first:at].strip())
            return elements, at
        elif char in ")]":
            depth -= 1
        elif char == "," and depth == 0:
            elements.append(text[first:at].strip())
            first = at + 1
    return [], len(text)
