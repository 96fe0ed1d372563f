"""How findings write lists, sizes and names."""

from collections.abc import Iterable, Sequence

from humanize import naturalsize

from tswizard.core.model.finding import Finding, Level

SHOWN = 5
"""Names in a sentence; all of them stand in the details."""


def size(number: int) -> str:
    """Bytes for a person, e.g. 1.2 GiB."""
    return naturalsize(number, binary=True)


def count(number: int, one: str, many: str = "") -> str:
    """`1 table`, `2,345 tables`."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def some(names: Sequence[str]) -> str:
    """The first few names, and how many more there are."""
    shown = ", ".join(names[:SHOWN])
    rest = len(names) - SHOWN
    return shown if rest <= 0 else f"{shown} and {rest:,} more"


def passed(id: str, what: str, where: str = "", why: str = "") -> Finding:
    return Finding(Level.PASS, id, what, where, why)


def look(
    id: str, what: str, where: str, why: str, todo: str, details: Iterable[str] = ()
) -> Finding:
    return Finding(Level.LOOK, id, what, where, why, todo, tuple(details))


def fail(
    id: str, what: str, where: str, why: str, todo: str, details: Iterable[str] = ()
) -> Finding:
    return Finding(Level.FAIL, id, what, where, why, todo, tuple(details))
