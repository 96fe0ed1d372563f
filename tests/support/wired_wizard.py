"""The wizard on two servers, each behind a cable that can be pulled or fall silent."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from textual.pilot import Pilot

from tests.support.native import databases
from tests.support.slow_link import SlowLink, slow_link
from tests.support.wizard_pilot import SMALL, at, notice, on_screen, shown, until
from tswizard.core.db.connection import connected
from tswizard.core.db.endpoint import Endpoint
from tswizard.tui.app import WizardApp
from tswizard.tui.screens.method import MethodScreen
from tswizard.wizard.core_engine import CoreEngine

SLOW = 600.0
"""Seconds that a step of the real thing may take on a busy machine."""

ROWS = """
CREATE TABLE public.readings (time timestamptz NOT NULL, device int, value double precision);
SELECT public.create_hypertable('public.readings', 'time', chunk_time_interval => interval '1 day');
INSERT INTO public.readings
SELECT '2026-01-01'::timestamptz + n * interval '1 minute', n % 7, random()
FROM generate_series(0, 20000) n;
"""


@dataclass
class Wired:
    """The wizard on two databases, each behind a cable of its own."""

    app: WizardApp
    pilot: Pilot[int]
    source: SlowLink
    target: SlowLink

    async def says(self, text: str) -> None:
        """Wait for a text above the buttons."""
        try:
            await until(self.pilot, lambda: text in notice(self.pilot), what=text, seconds=SLOW)
        except AssertionError as error:
            raise AssertionError(f"{error}; it says {notice(self.pilot)!r}") from None

    async def answers(self, *busy: str, what: str) -> str:
        """Wait until something is said, and none of these anymore: the sentence."""

        def said() -> bool:
            sentence = notice(self.pilot)
            return bool(sentence) and not any(word in sentence for word in busy)

        await until(self.pilot, said, what=what, seconds=SLOW)
        return notice(self.pilot)

    async def press(self, *keys: str) -> None:
        await self.pilot.press(*keys)

    def pull_both(self) -> None:
        for link in (self.source, self.target):
            link.pull()

    def plug_both(self) -> None:
        for link in (self.source, self.target):
            link.plug()

    def hush_both(self) -> None:
        for link in (self.source, self.target):
            link.hush()

    def speak_both(self) -> None:
        for link in (self.source, self.target):
            link.speak()

    async def alive(self) -> None:
        """Keys still do something, and nobody saw a traceback."""
        assert self.app._exception is None
        await self.pilot.press("f1")
        await self.sees("Help")
        await until(self.pilot, lambda: "esc close" in shown(self.pilot), what="its text")
        assert "Traceback" not in shown(self.pilot)
        await self.pilot.press("escape")
        await until(self.pilot, lambda: "esc close" not in shown(self.pilot), what="its end")

    async def sees(self, screen: str) -> None:
        """Wait for a screen by its class's name, whatever it is at."""
        await until(self.pilot, lambda: type(self.app.screen).__name__ == screen, what=screen)

    async def to_inspect(self) -> None:
        """Where it begins to read."""
        await on_screen(self.pilot, "WelcomeScreen")
        for screen in ("SourceScreen", "TargetScreen"):
            await self.pilot.press("enter")
            await on_screen(self.pilot, screen)
            await self.says("Connected")
        await self.pilot.press("enter")
        await self.sees("InspectScreen")

    async def to_method(self) -> None:
        await self.to_inspect()
        await self.says("Enter continues")
        await self.pilot.press("enter")
        await on_screen(self.pilot, "MethodScreen")

    async def to_review(self) -> None:
        await self.to_method()
        await self.probed()
        await self.from_method_to_review()

    async def from_method_to_review(self) -> None:
        await at(self.pilot, "#method", "up", "down")
        await self.pilot.press("enter")
        await on_screen(self.pilot, "ReviewScreen")
        await until(self.pilot, lambda: "disk" in shown(self.pilot).lower(), what="the cost")

    async def to_run(self) -> None:
        """From Review."""
        given = self.app.given_target
        await self.pilot.press(*(given.get("dbname") if given else ""), "enter")
        await on_screen(self.pilot, "RunScreen")

    async def probed(self) -> None:
        """Wait until Method has timed what it wants to."""
        screen = self.app.screen
        assert isinstance(screen, MethodScreen)
        await until(self.pilot, lambda: not screen.busy, what="the probe's end", seconds=SLOW)


@asynccontextmanager
async def wired(
    monkeypatch: pytest.MonkeyPatch, folder: Path, *, silent_after: float = 30
) -> AsyncIterator[Wired]:
    monkeypatch.setenv("TSWIZARD_STATE_DIR", str(folder))
    monkeypatch.setenv("PGCONNECT_TIMEOUT", "20")
    async with databases() as (source, target):
        async with connected(source) as connection:
            await connection.execute(ROWS)
        async with _link(source) as here, _link(target) as there:
            app = WizardApp(
                CoreEngine(),
                source=_behind(source, here),
                target=_behind(target, there),
                silent_after=silent_after,
            )
            async with app.run_test(size=SMALL) as pilot:
                yield Wired(app, pilot, here, there)


def _link(end: Endpoint):  # type: ignore[no-untyped-def]
    return slow_link(end.get("host"), int(end.get("port")), delay=0, rate=None)


def _behind(end: Endpoint, link: SlowLink) -> Endpoint:
    params = {**dict(end.params), "host": "127.0.0.1", "port": str(link.port)}
    return replace(end, params=tuple(sorted(params.items())))
