"""How findings are made, and how they write lists of names."""

from collections.abc import Iterable, Sequence

from tswizard.core.model.finding import Finding, Level

SHOWN = 5
"""Names in a sentence; all of them are in the details."""


def some(names: Sequence[str]) -> str:
    """The first few names, and how many more there are."""
    shown = ", ".join(names[:SHOWN])
    rest = len(names) - SHOWN
    return shown if rest <= 0 else f"{shown} and {rest:,} more"


def passed(
    id: str, what: str, *, where: str, why: str = "", details: Iterable[str] = ()
) -> Finding:
    return Finding(Level.PASS, id, what, where=where, why=why, details=tuple(details))


def look(
    id: str, what: str, *, where: str, why: str, todo: str, details: Iterable[str] = ()
) -> Finding:
    return Finding(Level.LOOK, id, what, where=where, why=why, todo=todo, details=tuple(details))


def fail(
    id: str, what: str, *, where: str, why: str, todo: str, details: Iterable[str] = ()
) -> Finding:
    return Finding(Level.FAIL, id, what, where=where, why=why, todo=todo, details=tuple(details))
