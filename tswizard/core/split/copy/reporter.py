"""What a copy reports, and how it is paused and stopped, for a run's context or a test's own."""

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from tswizard.core.db.endpoint import Endpoint
from tswizard.core.db.redact import redact
from tswizard.core.model.events import Event, Unit
from tswizard.core.model.finding import Finding, without_passwords
from tswizard.core.run.context import Context


@dataclass(slots=True)
class Copied:
    """What this process has copied, whatever others did."""

    pieces: int = 0
    rows: int = 0
    as_stored: int = 0
    """Of the pieces: compressed chunks that traveled as they are stored."""


@dataclass(slots=True, kw_only=True)
class CopyReporter:
    """Callbacks and switches of whoever runs the copy."""

    say: Callable[[str], None]
    found: Callable[[Finding], None]
    progress: Callable[[int, int | None, str, Unit], None]
    """How much is done, of how much, what is worked on, and what is counted."""
    put: Callable[[Event], None]
    step: str = ""
    going: asyncio.Event = field(default_factory=asyncio.Event)
    """Cleared while the run is paused."""
    stopping: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when no further piece is to be started."""
    copied: Copied = field(default_factory=Copied)


def reporter_of(ctx: Context) -> CopyReporter:
    """Reports to a step's context."""
    return CopyReporter(
        say=ctx.say,
        found=ctx.found,
        progress=lambda done, total, what, unit: ctx.progress(done, total, unit, what),
        put=ctx.put,
        step=ctx.step,
        going=ctx.going,
        stopping=ctx.stopping,
    )


def redacting_reporter(
    say: Callable[[str], None], found: Callable[[Finding], None], endpoints: Iterable[Endpoint]
) -> CopyReporter:
    """Reports lines and findings, none of them with a password of these endpoints; progress to
    nobody. It is not paused."""
    ends = tuple(endpoints)
    reporter = CopyReporter(
        say=lambda text: say(redact(text, ends)),
        found=lambda finding: found(without_passwords(finding, ends)),
        progress=lambda _done, _total, _what, _unit: None,
        put=lambda _event: None,
    )
    reporter.going.set()
    return reporter
