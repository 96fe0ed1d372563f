"""What the copy tells, and how it is held and stopped: a run's context, or a test's own."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from tswizard.core.model.events import Event, Unit
from tswizard.core.model.finding import Finding
from tswizard.core.run.context import Context


@dataclass(slots=True)
class CopyReporter:
    """Callbacks of whoever carries the copy out."""

    say: Callable[[str], None]
    found: Callable[[Finding], None]
    progress: Callable[[int, int | None, str], None]
    """Bytes done, bytes in all, what is worked on."""
    put: Callable[[Event], None]
    step: str = ""
    going: asyncio.Event = field(default_factory=asyncio.Event)
    """Clear while the run is paused."""
    stopping: asyncio.Event = field(default_factory=asyncio.Event)
    """Set: no new piece is begun."""


def reporter_of(ctx: Context) -> CopyReporter:
    """A step's hands."""
    return CopyReporter(
        ctx.say,
        ctx.found,
        lambda done, total, what: ctx.progress(done, total, Unit.BYTES, what),
        ctx.put,
        ctx.step,
        ctx.going,
        ctx.stopping,
    )
