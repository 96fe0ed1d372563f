"""Phases of a run, made of parts: bytes by a rate, objects by their cost, round trips."""

from collections.abc import Iterable
from dataclasses import dataclass
from math import sqrt

from tswizard.core.estimate.rates import RateRange
from tswizard.core.model.estimate import PhaseEstimate, SecondsRange
from tswizard.core.model.wording import duration, size

WIDEST = 2.0
"""Times the low end of a whole run, when source and target were probed."""
_LEAST = 1.3
"""From the middle of a whole run to either end, at least."""
_LEAST_UNPROBED = 1.6
"""The same where the way into the target was not timed."""


@dataclass(frozen=True, slots=True)
class Part:
    """Some seconds, and with which numbers they were calculated."""

    low: float
    high: float
    how: str = ""
    timed: bool = True

    @property
    def worth_telling(self) -> bool:
        return bool(self.how) and self.high >= 0.05


def bytes_at(count: float, what: str, rate: RateRange) -> Part:
    """So many bytes at a rate."""
    if count <= 0:
        return Part(0.0, 0.0)
    how = f"{size(count)} of {what} ({rate.how})"
    return Part(count / rate.high, count / rate.low, how, rate.timed)


def phase(name: str, title: str, parts: Iterable[Part]) -> PhaseEstimate:
    """One step of a method."""
    some = tuple(parts)
    told = [part.how for part in some if part.worth_telling]
    return PhaseEstimate(
        name=name,
        title=title,
        seconds=SecondsRange(sum(p.low for p in some), sum(p.high for p in some)),
        how=" + ".join(told) or "next to nothing",
    )


def whole(phases: Iterable[PhaseEstimate], *, probed: bool) -> SecondsRange:
    """All phases one after the other.

    Their errors do not all point the same way: the distances from the middles add up as the
    root of their squares. Probed on both sides, the range is never wider than
    `WIDEST`.
    """
    some = tuple(phases)
    middles = [sqrt(max(p.seconds.low, 1e-4) * max(p.seconds.high, 1e-4)) for p in some]
    middle = sum(middles)
    below = sqrt(sum((m - p.seconds.low) ** 2 for m, p in zip(middles, some, strict=True)))
    above = sqrt(sum((p.seconds.high - m) ** 2 for m, p in zip(middles, some, strict=True)))
    low, high = max(middle - below, middle / 4), middle + above
    # Other work on three machines changes any time by some percent.
    least = _LEAST if probed else _LEAST_UNPROBED
    low, high = min(low, middle / least), max(high, middle * least)
    if probed and high > low * WIDEST:
        center = sqrt(low * high)
        low, high = center / sqrt(WIDEST), center * sqrt(WIDEST)
    return SecondsRange(low, high)


def roughly(seconds: SecondsRange) -> str:
    """For a sentence: `about 12 min`."""
    return f"about {duration(sqrt(seconds.low * seconds.high))}"
