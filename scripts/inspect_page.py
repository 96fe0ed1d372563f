"""Writes the reference in docs/inspect.md: every key of `tswizard inspect --json`, its type and
what it means, from the dataclasses that it is made of.

    python -m scripts.inspect_page
"""

import ast
import dataclasses
import enum
import inspect
import types
import typing
from collections.abc import Iterator
from pathlib import Path

from tswizard.cli.inspect import Inspected

PAGE = Path(__file__).parents[1] / "docs" / "inspect.md"
MARK = "<!-- Below this line everything is written by scripts/inspect_page.py. -->"


def keys() -> dict[str, dict[str, tuple[str, str]]]:
    """Type -> key -> its JSON type, what it means."""
    found: dict[str, dict[str, tuple[str, str]]] = {}
    waiting: list[type] = [Inspected]
    while waiting:
        kind = waiting.pop(0)
        if kind.__name__ in found:
            continue
        said, hints = _docs(kind), typing.get_type_hints(kind)
        found[kind.__name__] = {}
        for field in dataclasses.fields(kind):
            text, inner = _json_type(hints[field.name])
            found[kind.__name__][field.name] = text, said.get(field.name, "")
            waiting += inner
    return found


def render() -> str:
    """The page with today's reference."""
    head = PAGE.read_text(encoding="utf-8").partition(MARK)[0] if PAGE.exists() else ""
    return f"{head}{MARK}\n" + "".join(_tables())


def _tables() -> Iterator[str]:
    for kind, fields in keys().items():
        yield f"\n### {kind}\n\n| key | type | meaning |\n|---|---|---|\n"
        for name, (text, said) in fields.items():
            yield f"| `{name}` | {text} | {_one_line(said)} |\n"


def _one_line(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def _docs(kind: type) -> dict[str, str]:
    """The strings under a class's fields."""
    (node,) = ast.parse(inspect.cleandoc(inspect.getsource(kind))).body
    assert isinstance(node, ast.ClassDef)
    said = {}
    for line, following in zip(node.body, node.body[1:], strict=False):
        if isinstance(line, ast.AnnAssign) and isinstance(following, ast.Expr):
            assert isinstance(line.target, ast.Name)
            assert isinstance(following.value, ast.Constant)
            said[line.target.id] = str(following.value.value)
    return said


def _json_type(hint: typing.Any) -> tuple[str, list[type]]:
    """In words, and the dataclasses in it."""
    if dataclasses.is_dataclass(hint) and isinstance(hint, type):
        return f"[{hint.__name__}](#{hint.__name__.lower()})", [hint]
    if isinstance(hint, type) and issubclass(hint, enum.Enum):
        return "one of " + ", ".join(f"`{member.value}`" for member in hint), []
    origin, inner = typing.get_origin(hint), typing.get_args(hint)
    if origin in (types.UnionType, typing.Union):
        (real,) = [one for one in inner if one is not types.NoneType]
        text, classes = _json_type(real)
        return f"{text} or null", classes
    if origin is tuple:
        if len(inner) == 2 and inner[1] is not ...:
            return "list of two texts", []
        text, classes = _json_type(inner[0])
        return f"list of {text}", classes
    if origin is dict:
        text, classes = _json_type(inner[1])
        return f"object: text to {text}", classes
    return {str: "text", int: "number", float: "number", bool: "true or false"}[hint], []


def main() -> None:
    """Write it."""
    PAGE.write_text(render(), encoding="utf-8")


if __name__ == "__main__":
    main()
