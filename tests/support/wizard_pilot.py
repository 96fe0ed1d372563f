"""Driving the wizard: keys, and waiting for what they lead to."""

import asyncio
import time
from collections.abc import Awaitable, Callable

from textual._context import visible_screen_stack
from textual.events import Paste
from textual.pilot import Pilot
from textual.strip import Strip
from textual.widget import Widget

from tests.support.recorded_engine import RecordedEngine
from tests.support.wizard_story import NOON
from tswizard.core.db.endpoint import Endpoint
from tswizard.tui.app import WizardApp
from tswizard.tui.base import WizardScreen
from tswizard.tui.widgets.fields import TextField
from tswizard.tui.widgets.keys import Keys

SMALL = (80, 24)
LARGE = (120, 35)
HUGE = (200, 60)

Drive = Callable[[Pilot[int]], Awaitable[None]]


async def until(
    pilot: Pilot[int],
    holds: Callable[[], object],
    *,
    what: str = "the condition",
    seconds: float = 600,
) -> None:
    """Let the app work until something holds; the longer it takes, the rarer it is looked at."""
    limit, pause = time.monotonic() + seconds, 0.01
    while not holds():
        if time.monotonic() > limit:
            raise AssertionError(f"waited in vain for {what} on {pilot.app.screen!r}")
        await asyncio.sleep(pause)
        pause = min(0.2, pause * 1.1)


def wizard_app(pilot: Pilot[int]) -> WizardApp:
    assert isinstance(pilot.app, WizardApp)
    return pilot.app


async def on_screen(pilot: Pilot[int], name: str) -> None:
    """Wait for a screen by its class's name, with its keys in the footer."""
    await until(pilot, lambda: type(pilot.app.screen).__name__ == name, what=name)
    await settled(pilot)


async def settled(pilot: Pilot[int]) -> None:
    """Wait until no worker is busy and the footer shows the keys that work now."""
    await until(pilot, lambda: not any(w.is_running for w in pilot.app.workers), what="workers")

    def footer_fits() -> bool:
        screen = pilot.app.screen
        if not isinstance(screen, WizardScreen):
            return True
        active = [a.binding for a in screen.active_bindings.values() if a.enabled]
        keys = screen.query(Keys).results(Keys)
        shown = {binding.action for footer in keys for binding in footer.shown}
        return shown == {binding.action for binding in active if binding.show}

    await until(pilot, footer_fits, what="the footer")
    await pilot.wait_for_scheduled_animations()


async def at_rest(pilot: Pilot[int], again: Callable[[], object] = lambda: None) -> None:
    """Wait until the layout moves no more; `again` is done before each look."""
    seen: list[object] = []

    def still() -> bool:
        again()
        widgets = pilot.app.screen.query(Widget)
        seen.append([(w.region, w.virtual_size, w.scroll_offset) for w in widgets])
        return len(seen) > 5 and all(look == seen[-1] for look in seen[-5:])

    await until(pilot, still, what="the layout at rest")


def notice(pilot: Pilot[int]) -> str:
    """The sentence above the buttons."""
    return str(pilot.app.screen.query_one("#notice").render())


async def type_text(pilot: Pilot[int], selector: str, text: str) -> None:
    """Focus a field and paste into it, as a terminal does."""
    field = pilot.app.screen.query_one(selector)
    field.focus()
    await pilot.pause()
    field.post_message(Paste(text))
    await pilot.pause()


def shown(pilot: Pilot[int]) -> str:
    """All characters on the screen, line by line."""
    return "\n".join("".join(segment.text for segment in strip).rstrip() for strip in drawn(pilot))


def drawn(pilot: Pilot[int]) -> list[Strip]:
    """The screen with its colors, line by line."""
    # On what a dialog is drawn that was not drawn yet; without this, on another screen's own.
    visible_screen_stack.set(pilot.app._background_screens)
    return pilot.app.screen._compositor.render_strips()


async def at(pilot: Pilot[int], selector: str, *keys: str) -> None:
    """Keys at a field."""
    pilot.app.screen.query_one(selector).focus()
    await pilot.pause()
    await pilot.press(*keys)


def value(pilot: Pilot[int], selector: str) -> str:
    return pilot.app.screen.query_one(selector, TextField).value


def app_with(engine: RecordedEngine, *, silent_after: float = 30, **given: Endpoint) -> WizardApp:
    return WizardApp(
        engine,
        silent_after=silent_after,
        now=lambda: NOON + 3000,
        **given,  # type: ignore[arg-type]
    )
