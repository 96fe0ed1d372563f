"""Verdicts: what the classifier says of a message."""

from collections.abc import Iterable
from enum import StrEnum


class Verdict(StrEnum):
    """What a message means for the migration, mildest first.

    `safe`: nothing is missing. `later`: a later step brings it. `look`: nobody could show that
    it is harmless. `lost`: something did not arrive.
    """

    SAFE = "safe"
    LATER = "later"
    LOOK = "look"
    LOST = "lost"

    @property
    def gravity(self) -> int:
        """0 for `safe` up to 3 for `lost`."""
        return _ORDER.index(self)

    @property
    def explained(self) -> bool:
        """True for the two verdicts that a run may end well with."""
        return self in (Verdict.SAFE, Verdict.LATER)


_ORDER = tuple(Verdict)


def gravest(verdicts: Iterable[Verdict]) -> Verdict:
    """The gravest of them; `safe` when there is none."""
    return max(verdicts, key=lambda verdict: verdict.gravity, default=Verdict.SAFE)
