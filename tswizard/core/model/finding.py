"""Findings: what a check says, and what to do about it."""

from collections.abc import Iterable
from dataclasses import KW_ONLY, dataclass, replace
from enum import StrEnum

from tswizard.core.db.endpoint import Endpoint
from tswizard.core.db.redact import redact


class Level(StrEnum):
    """The result of a check. `look` means that it could not be shown to be fine."""

    PASS = "pass"  # noqa: S105 - a level, not a password
    LOOK = "look"
    FAIL = "fail"
    SKIP = "skip"


WORST_FIRST = (Level.FAIL, Level.LOOK, Level.PASS, Level.SKIP)
"""Levels in the order in which they are told."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One result of a check.

    `what` is one sentence; `where` names the object, endpoint or step; `why` is the evidence or
    the source of the fact; `todo` is what the user can do. `id` is a stable slug for tests, docs
    and answers. `details` lists the objects behind a total.
    """

    level: Level
    id: str
    what: str
    _: KW_ONLY
    where: str = ""
    why: str = ""
    todo: str = ""
    details: tuple[str, ...] = ()
    methods: tuple[str, ...] = ()
    """The methods that it concerns; empty where it does not matter which one is chosen."""
    answered_by: tuple[str, ...] = ()
    """Keys of the questions of which another answer can settle it."""
    settled_by_check: bool = False
    """A warning that does not stand once the check at the end of the run has looked."""

    def concerns(self, method: str) -> bool:
        """Does it matter to a run by this method?"""
        return not self.methods or method in self.methods

    @property
    def sentence(self) -> str:
        """`what`, led by the method where it concerns only one: for whoever has not chosen yet."""
        prefix = f"{' and '.join(self.methods).capitalize()}: " if self.methods else ""
        return f"{prefix}{self.what}"


def worst(findings: Iterable[Finding]) -> Level:
    """The worst level among findings; `pass` when there is none."""
    levels = {finding.level for finding in findings}
    return next((level for level in WORST_FIRST if level in levels), Level.PASS)


def without_passwords(finding: Finding, endpoints: Iterable[Endpoint]) -> Finding:
    """The finding with no known password in its sentences: an error that it was made of may have
    quoted one. What names an object or an endpoint stays, for others compare it."""
    ends = tuple(endpoints)
    return replace(
        finding,
        what=redact(finding.what, ends),
        why=redact(finding.why, ends),
        todo=redact(finding.todo, ends),
        details=tuple(redact(detail, ends) for detail in finding.details),
    )
