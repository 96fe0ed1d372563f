"""What a run has changed for a time and has not put back: it crashed, or a server was gone."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftOpen:
    """One such thing."""

    run: str
    """The run's id: resuming it puts this back."""
    what: str
    """A sentence without its dot."""
    statement: str
    """SQL that puts it back by hand."""
    source: str
    target: str
    """Labels of the run's ends."""
    jobs: tuple[int, ...] = ()
    """Jobs of the source that are still paused."""
