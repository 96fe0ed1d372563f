"""The network gone on each screen: a sentence and a way on, never a traceback or a frozen screen.

Both databases are reached through a relay. It breaks off all connections and lets none come about,
as when a cable is pulled; or it falls silent: nothing comes through, and nothing is closed.
"""

from pathlib import Path

import pytest

from tests.support.wired_wizard import SLOW, wired
from tests.support.wizard_pilot import at, notice, on_screen, shown, until

pytestmark = pytest.mark.native

SOON = 0.5
"""Seconds after which silence is said here."""
FAR = 0.2
"""Seconds that the source is away, so that a moment in the middle of something lasts."""


async def test_source_and_target(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    async with wired(monkeypatch, tmp_path) as on:
        on.pull_both()
        await on_screen(on.pilot, "WelcomeScreen")
        await on.press("enter")
        await on_screen(on.pilot, "SourceScreen")
        assert "Connected" not in await on.answers("Connecting", what="why it cannot connect")
        await on.alive()
        on.plug_both()
        await on.press("ctrl+t")
        await on.says("Connected")
        await on.press("enter")
        await on_screen(on.pilot, "TargetScreen")


async def test_inspect_method_and_review(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    async with wired(monkeypatch, tmp_path) as on:
        monkeypatch.chdir(tmp_path)
        await on.to_inspect()
        await on.says("Enter continues")
        on.pull_both()
        await on.press("ctrl+r")
        await on.says("Ctrl+R")
        await on.alive()
        on.plug_both()
        await on.press("ctrl+r")
        await on.says("Enter continues")

        on.pull_both()
        await on.press("enter")
        await on_screen(on.pilot, "MethodScreen")
        await on.probed()
        assert "Recommended" in shown(on.pilot)
        await on.alive()
        on.plug_both()
        await on.press("r")
        await on.probed()
        assert "/s" in shown(on.pilot)

        await on.from_method_to_review()
        on.pull_both()
        await on.press("ctrl+r")
        await on.answers("Writing", what="the runbook's refusal")
        await on.alive()
        on.plug_both()
        await on.press("ctrl+r")
        await on.says("runbook.md")


async def test_run_resume_and_check(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    async with wired(monkeypatch, tmp_path) as on:
        await on.to_review()
        on.pull_both()
        await on.to_run()
        await on.says("Stopped")
        assert "tswizard resume" in notice(on.pilot)
        await on.alive()
        await on.press("r")
        await on_screen(on.pilot, "ResumeScreen")
        await on.press("enter")
        await on.answers("Checking", what="why it cannot be resumed")
        await on.alive()
        on.plug_both()
        await on.press("enter")
        await on_screen(on.pilot, "RunScreen")
        await on.says("Finished")
        await on.press("enter")
        await on_screen(on.pilot, "CheckScreen")
        on.pull_both()
        await on.press("a")
        await on.answers("Connecting", "The run ends", what="why it cannot be checked")
        await on.alive()


async def test_source_and_target_in_silence(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    async with wired(monkeypatch, tmp_path, silent_after=SOON) as on:
        on.hush_both()
        await on_screen(on.pilot, "WelcomeScreen")
        await on.press("enter")
        await on.says("has not answered for")
        await on.alive()
        await on.press("escape")
        await on_screen(on.pilot, "WelcomeScreen")
        on.speak_both()
        await on.press("enter")
        await on.says("Connected")


async def test_inspect_in_silence(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    async with wired(monkeypatch, tmp_path, silent_after=SOON) as on:
        on.source.delay = FAR
        await on.to_inspect()
        await on.says("Reading the source: hypertables")  # it is connected by then
        on.hush_both()
        await on.says("has not answered for")
        await on.alive()
        on.speak_both()
        await on.press("ctrl+r")
        await on.says("Enter continues")


async def test_method_and_review_in_silence(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    async with wired(monkeypatch, tmp_path, silent_after=SOON) as on:
        monkeypatch.chdir(tmp_path)
        await on.to_inspect()
        await on.says("problems found")
        on.hush_both()
        await on.press("enter")
        await on.sees("MethodScreen")
        await on.says("Nothing has been measured for")
        await on.alive()
        await on.press("s")
        await on.probed()
        assert "Recommended" in shown(on.pilot)
        await on.from_method_to_review()

        await on.press("ctrl+r")
        await on.says("No answer has come for")
        await on.alive()
        on.speak_both()
        await on.press("ctrl+r")
        await on.says("runbook.md")


async def test_run_resume_and_check_in_silence(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("tswizard.core.run.runner.RELEASED_WITHIN", 1.0)
    async with wired(monkeypatch, tmp_path, silent_after=SOON) as on:
        await on.to_review()
        on.source.delay = FAR
        await on.to_run()
        await until(on.pilot, lambda: "pg_dump: " in shown(on.pilot), what="the dump", seconds=SLOW)
        on.hush_both()
        on.source.delay = 0
        await on.says("Nothing new for")
        await on.alive()
        await on.press("s")
        await on.sees("Choose")
        await at(on.pilot, "#choice-now", "enter")
        await on.says("No answer has come for")
        await on.says("Stopped")
        await on.press("r")
        await on_screen(on.pilot, "ResumeScreen")
        await on.press("enter")
        await on.says("No answer has come for")
        await on.press("escape")
        await on_screen(on.pilot, "RunScreen")
        on.speak_both()
        await on.press("r")
        await on_screen(on.pilot, "ResumeScreen")
        await on.press("enter")
        await on_screen(on.pilot, "RunScreen")
        await on.says("Finished")
        await on.press("enter")
        await on_screen(on.pilot, "CheckScreen")
        on.hush_both()
        await on.press("a")
        await on.says("No answer has come for")
        await on.alive()
        await on.press("escape")
        await on_screen(on.pilot, "RunScreen")
