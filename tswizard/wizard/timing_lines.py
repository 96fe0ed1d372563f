"""Events of a probe as lines, for whoever shows no screen."""

import time
from dataclasses import dataclass

from tswizard.core.model.wording import size
from tswizard.core.probe.events import (
    ProbeEvent,
    TimingDone,
    TimingFailed,
    TimingProgress,
    TimingStarted,
)
from tswizard.wizard.estimate_words import timing_text


@dataclass(frozen=True, slots=True)
class TimingLine:
    """`begins` a timing, or says how the one above goes."""

    text: str
    begins: bool = False


class TimingLines:
    """The rate of a timing is said every so many seconds."""

    def __init__(self, every: float) -> None:
        self._every = every
        self._last = 0.0

    def of(self, event: ProbeEvent) -> TimingLine | None:
        """What is worth a line."""
        match event:
            case TimingStarted():
                self._last = time.monotonic()
                several = f" by {event.connections} connections" if event.connections > 1 else ""
                return TimingLine(f"{event.what} of {event.sample.label}{several}", begins=True)
            case TimingProgress() if event.bytes and time.monotonic() - self._last >= self._every:
                self._last = time.monotonic()
                total = f" of {size(event.total)}" if event.total else ""
                return TimingLine(f"{size(event.bytes)}{total}, {size(event.rate)}/s")
            case TimingDone():
                return TimingLine(timing_text(event.timing))
            case TimingFailed():
                return TimingLine(f"LOOK: {event.problem}")
            case _:
                return None
