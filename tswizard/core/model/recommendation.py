"""Which method is recommended, and why."""

from dataclasses import dataclass

from tswizard.core.model.answers import MethodName
from tswizard.core.model.estimate import MethodEstimate
from tswizard.core.model.probed import Probe


@dataclass(frozen=True, slots=True)
class Reason:
    """Something that was measured or read and speaks for a method."""

    id: str
    method: MethodName
    text: str
    """Fits after "Recommended: ", without a full stop."""


@dataclass(frozen=True, slots=True)
class Recommendation:
    """One method, with its reasons in the order of their weight; there is always one."""

    method: MethodName
    reasons: tuple[Reason, ...]

    @property
    def sentence(self) -> str:
        """`Split: the versions of TimescaleDB differ (2.19.3 here, 2.28.3 there).`"""
        return f"{self.method.capitalize()}: {self.reasons[0].text}."


@dataclass(frozen=True, slots=True, kw_only=True)
class Advice:
    """What is known before the method is decided. Kept with the run, for its report."""

    probe: Probe | None
    estimates: tuple[MethodEstimate, ...]
    """One for each method, in the order of `core.methods`."""
    recommendation: Recommendation
    limit: float
    """Seconds that a run may take that starts over when it is interrupted."""

    def estimate(self, method: MethodName) -> MethodEstimate:
        """Of that method."""
        return next(estimate for estimate in self.estimates if estimate.method == method)
