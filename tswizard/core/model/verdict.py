"""Verdicts: what the classifier says of a message."""

from collections.abc import Iterable
from enum import StrEnum


class Verdict(StrEnum):
    """What a message means for the migration, best first.

    `safe`: nothing is missing. `later`: a later step creates it. `look`: it could not be shown to
    be harmless. `lost`: something did not arrive.
    """

    SAFE = "safe"
    LATER = "later"
    LOOK = "look"
    LOST = "lost"

    @property
    def rank(self) -> int:
        """0 for `safe` up to 3 for `lost`."""
        return _ORDER.index(self)

    @property
    def explained(self) -> bool:
        """True for the two verdicts with which a run can still end in PASS."""
        return self in (Verdict.SAFE, Verdict.LATER)


_ORDER = tuple(Verdict)


def worst_verdict(verdicts: Iterable[Verdict]) -> Verdict:
    """The worst of them; `safe` when there is none."""
    return max(verdicts, key=lambda verdict: verdict.rank, default=Verdict.SAFE)
