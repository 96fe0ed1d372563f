"""How long a migration takes and what it moves: ranges, phase by phase, as plain data."""

from collections.abc import Iterable
from dataclasses import dataclass

from tswizard.core.model.answers import MethodName

_SECONDS = 120.0
"""Below it a time is told in seconds, ..."""
_MINUTES = 7200.0
"""... and below this one in minutes."""


@dataclass(frozen=True, slots=True)
class SecondsRange:
    """Hardly less than `low` seconds, hardly more than `high`."""

    low: float
    high: float

    @property
    def text(self) -> str:
        """`55 – 110 s`, `2.3 – 6.9 min`, `1 h 52 – 2 h 49`; one figure where both read alike."""
        if self.high < _SECONDS:
            low, high, unit = f"{self.low:.0f}", f"{self.high:.0f}", " s"
        elif self.high < _MINUTES:
            digits = 1 if self.high < _MINUTES / 12 else 0
            low, high = (f"{seconds / 60:.{digits}f}" for seconds in (self.low, self.high))
            unit = " min"
        else:
            low, high, unit = _hours(self.low), _hours(self.high), ""
        return f"{low}{unit}" if low == high else f"{low} – {high}{unit}"

    @property
    def at_most(self) -> str:
        """`≤ 6.9 min`: the upper end alone, where there is no room for both; no less than 1 s."""
        high = max(1.0, self.high)
        return f"≤ {SecondsRange(high, high).text}"

    def holds(self, seconds: float) -> bool:
        return self.low <= seconds <= self.high

    @classmethod
    def sum(cls, ranges: Iterable["SecondsRange"]) -> "SecondsRange":
        """One after the other."""
        some = tuple(ranges)
        return cls(sum(r.low for r in some), sum(r.high for r in some))


def _hours(seconds: float) -> str:
    hours, minutes = divmod(round(seconds / 60), 60)
    return f"{hours} h {minutes:02}" if hours else f"{minutes} min"


@dataclass(frozen=True, slots=True, kw_only=True)
class PhaseEstimate:
    """One step of a method."""

    name: str
    """The step's id."""
    title: str
    seconds: SecondsRange
    how: str
    """With its numbers: what was multiplied by what."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MethodEstimate:
    """One method, for one database and one set of answers."""

    method: MethodName
    bytes: int
    """What moves: full, bytes as stored; split, bytes of COPY."""
    bytes_how: str
    disk_here: int
    """The most that it may take on this machine; 0 for no more than a dump of the schema."""
    disk_there: int
    """What should be free on the target."""
    phases: tuple[PhaseEstimate, ...]
    seconds: SecondsRange
    """The whole run: not the sum of all extremes, as not all are met at once."""
    unmeasured: tuple[str, ...] = ()
    """What was not measured and widens the range; a phrase each."""

    def phase(self, name: str) -> PhaseEstimate | None:
        """The estimate of that step; None where it has none."""
        return next((phase for phase in self.phases if phase.name == name), None)
