"""What a probe tells while it runs."""

from dataclasses import dataclass

from tswizard.core.model.probed import Probe, Sample, Timed, Timing


class ProbeEvent:
    """Anything that a probe tells."""


@dataclass(frozen=True, slots=True)
class TimingStarted(ProbeEvent):
    """Something is timed from now on."""

    what: Timed
    sample: Sample
    connections: int
    command: str = ""
    """As a person would type it, where it is one; without secrets."""


@dataclass(frozen=True, slots=True)
class TimingProgress(ProbeEvent):
    """How far it is, now and then; before the first row `bytes` is 0."""

    what: Timed
    bytes: int
    total: int | None
    """Of the sample; None where it is not known."""
    seconds: float

    @property
    def rate(self) -> float:
        """Bytes a second since its first row."""
        return self.bytes / self.seconds if self.seconds > 0 else 0.0


@dataclass(frozen=True, slots=True)
class TimingDone(ProbeEvent):
    timing: Timing


@dataclass(frozen=True, slots=True)
class TimingFailed(ProbeEvent):
    """Something could not be timed; the probe continues with the rest if it can."""

    what: Timed | None
    problem: str
    """One sentence, without secrets."""


@dataclass(frozen=True, slots=True)
class ProbeDone(ProbeEvent):
    """The last event, unless the probe was stopped."""

    probe: Probe
