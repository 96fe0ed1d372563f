"""Findings: what a check says, and what to do about it."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    """How a check ended. `look` means nobody could prove that it is fine."""

    PASS = "pass"  # noqa: S105 - a level, not a password
    LOOK = "look"
    FAIL = "fail"
    SKIP = "skip"


_WORST = (Level.FAIL, Level.LOOK, Level.PASS, Level.SKIP)


@dataclass(frozen=True, slots=True)
class Finding:
    """One result of a check.

    `what` is one sentence; `where` names the object, endpoint or step; `why` is the evidence or
    the source of the fact; `todo` is what the user can do. `id` is a stable slug for tests, docs
    and answers. `details` are the single objects behind a sum.
    """

    level: Level
    id: str
    what: str
    where: str = ""
    why: str = ""
    todo: str = ""
    details: tuple[str, ...] = ()


def worst(findings: Iterable[Finding]) -> Level:
    """The gravest level among findings; `pass` when there is none."""
    levels = {finding.level for finding in findings}
    return next((level for level in _WORST if level in levels), Level.PASS)
