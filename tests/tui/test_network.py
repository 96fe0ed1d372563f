"""The cable pulled on each screen: a sentence and a way on, never a traceback or a frozen screen.

Both databases are reached through a relay that breaks off all connections and lets none come about.
"""

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
from tswizard.tui.screens.run import RunScreen
from tswizard.wizard.core_engine import CoreEngine

pytestmark = pytest.mark.native

SLOW = 120.0
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

    async def pull_both(self) -> None:
        for link in (self.source, self.target):
            link.pull()

    def plug_both(self) -> None:
        for link in (self.source, self.target):
            link.plug()

    async def alive(self) -> None:
        """Keys still do something, and nobody saw a traceback."""
        assert self.app._exception is None
        await self.pilot.press("f1")
        await on_screen(self.pilot, "Help")
        assert "Traceback" not in shown(self.pilot)
        await self.pilot.press("escape")

    async def to_inspect(self) -> None:
        await on_screen(self.pilot, "WelcomeScreen")
        for screen in ("SourceScreen", "TargetScreen"):
            await self.pilot.press("enter")
            await on_screen(self.pilot, screen)
            await self.says("Connected")
        await self.pilot.press("enter")
        await on_screen(self.pilot, "InspectScreen")

    async def to_method(self) -> None:
        await self.to_inspect()
        await self.says("Enter continues")
        await self.pilot.press("enter")
        await on_screen(self.pilot, "MethodScreen")

    async def to_review(self) -> None:
        await self.to_method()
        screen = self.app.screen
        assert isinstance(screen, MethodScreen)
        await until(self.pilot, lambda: not screen.busy, what="the probe", seconds=SLOW)
        await at(self.pilot, "#method", "up", "down")
        await self.pilot.press("enter")
        await on_screen(self.pilot, "ReviewScreen")


@asynccontextmanager
async def wired(monkeypatch: pytest.MonkeyPatch, folder: Path) -> AsyncIterator[Wired]:
    monkeypatch.setenv("TSWIZARD_STATE_DIR", str(folder))
    monkeypatch.setenv("PGCONNECT_TIMEOUT", "5")
    async with databases() as (source, target):
        async with connected(source) as connection:
            await connection.execute(ROWS)
        async with _link(source) as here, _link(target) as there:
            app = WizardApp(
                CoreEngine(), source=_behind(source, here), target=_behind(target, there)
            )
            async with app.run_test(size=SMALL) as pilot:
                yield Wired(app, pilot, here, there)


def _link(end: Endpoint):  # type: ignore[no-untyped-def]
    return slow_link(end.get("host"), int(end.get("port")), delay=0, rate=None)


def _behind(end: Endpoint, link: SlowLink) -> Endpoint:
    params = {**dict(end.params), "host": "127.0.0.1", "port": str(link.port)}
    return replace(end, params=tuple(sorted(params.items())))


async def test_source_and_target(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    async with wired(monkeypatch, tmp_path) as on:
        await on.pull_both()
        await on_screen(on.pilot, "WelcomeScreen")
        await on.pilot.press("enter")
        await on_screen(on.pilot, "SourceScreen")
        await until(on.pilot, lambda: "Connecting" not in notice(on.pilot), seconds=SLOW)
        assert notice(on.pilot) and "Connected" not in notice(on.pilot)
        await on.alive()
        on.plug_both()
        await on.pilot.press("ctrl+t")
        await on.says("Connected")
        await on.pilot.press("enter")
        await on_screen(on.pilot, "TargetScreen")


async def test_inspect(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    async with wired(monkeypatch, tmp_path) as on:
        await on.to_inspect()
        await on.says("Enter continues")
        await on.pull_both()
        await on.pilot.press("ctrl+r")
        await on.says("Ctrl+R")
        await on.alive()
        on.plug_both()
        await on.pilot.press("ctrl+r")
        await on.says("Enter continues")


async def test_method(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    async with wired(monkeypatch, tmp_path) as on:
        await on.to_inspect()
        await on.says("Enter continues")
        await on.pull_both()
        await on.pilot.press("enter")
        await on_screen(on.pilot, "MethodScreen")
        screen = on.app.screen
        assert isinstance(screen, MethodScreen)
        await until(on.pilot, lambda: not screen.busy, what="the probe's end", seconds=SLOW)
        assert "Recommended" in shown(on.pilot)
        await on.alive()
        on.plug_both()
        await on.pilot.press("r")
        await until(on.pilot, lambda: not screen.busy, what="the probe's end", seconds=SLOW)
        assert "/s" in shown(on.pilot)


async def test_review(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    async with wired(monkeypatch, tmp_path) as on:
        monkeypatch.chdir(tmp_path)
        await on.to_review()
        await until(on.pilot, lambda: "Disk" in shown(on.pilot) or "disk" in shown(on.pilot))
        await on.pull_both()
        await on.pilot.press("ctrl+r")
        await until(
            on.pilot,
            lambda: notice(on.pilot) and "Writing" not in notice(on.pilot),
            what="the runbook's refusal",
            seconds=SLOW,
        )
        await on.alive()
        on.plug_both()
        await on.pilot.press("ctrl+r")
        await on.says("runbook.md")


async def test_run_resume_and_check(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    async with wired(monkeypatch, tmp_path) as on:
        await on.to_review()
        await until(on.pilot, lambda: "disk" in shown(on.pilot).lower())
        name = on.app.given_target.get("dbname") if on.app.given_target else ""
        await on.pull_both()
        await on.pilot.press(*name, "enter")
        await on_screen(on.pilot, "RunScreen")
        screen = on.app.screen
        assert isinstance(screen, RunScreen)
        await on.says("Stopped")
        assert "tswizard resume" in notice(on.pilot)
        await on.alive()
        await on.pilot.press("r")
        await on_screen(on.pilot, "ResumeScreen")
        await on.pilot.press("enter")
        await until(
            on.pilot,
            lambda: notice(on.pilot) and "Checking" not in notice(on.pilot),
            what="why it cannot be resumed",
            seconds=SLOW,
        )
        await on.alive()
        on.plug_both()
        await on.pilot.press("enter")
        await on_screen(on.pilot, "RunScreen")
        await on.says("Finished")
        await on.pilot.press("enter")
        await on_screen(on.pilot, "CheckScreen")
        await on.pull_both()
        await on.pilot.press("a")
        await until(
            on.pilot,
            lambda: (
                "Stopped" in notice(on.pilot)
                or ("Connecting" not in notice(on.pilot) and bool(notice(on.pilot)))
            ),
            what="why it cannot be checked",
            seconds=SLOW,
        )
        await on.alive()
