"""Names of a database's objects are text on every screen: no markup, no command to the terminal."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

from textual.pilot import Pilot

from tests.support.hostile_names import CLOSING, STYLED, with_hostile_names
from tests.support.many_objects import few
from tests.support.recorded_engine import RecordedEngine, RecordedRun
from tests.support.wizard_pilot import HUGE, app_with, on_screen, settled, shown
from tests.support.wizard_scenes import (
    objects_of,
    run_engine,
    to_check,
    to_end,
    to_inspect,
    to_method,
)
from tests.support.wizard_story import outcome, run_folder, whole
from tests.support.wizard_world import INSPECTED, INVENTORY
from tswizard.core.model.finding import Level
from tswizard.wizard.text import CONTROL

HOSTILE = with_hostile_names(INVENTORY)
HOSTILE_INSPECTED = replace(with_hostile_names(INSPECTED), inventory=HOSTILE)


@asynccontextmanager
async def wizard(engine: RecordedEngine) -> AsyncIterator[Pilot[int]]:
    async with app_with(engine).run_test(size=HUGE) as pilot:
        yield pilot


async def seen(pilot: Pilot[int], *keys: str) -> str:
    """What the screen shows, before and behind each key."""
    texts = [shown(pilot)]
    for key in keys:
        await pilot.press(key)
        await settled(pilot)
        texts.append(shown(pilot))
    assert pilot.app._exception is None
    for text in texts:
        assert not CONTROL.search(text.replace("\n", ""))
    return "\n".join(texts)


async def test_inspect() -> None:
    async with wizard(RecordedEngine(inventory=HOSTILE)) as pilot:
        await to_inspect(pilot)
        text = await seen(pilot, *["right"] * 7)
        assert f"{CLOSING}_hourly" in text
        assert f"{STYLED}_daily" in text
        assert "]2;PWNED" in text
        await seen(pilot, "question_mark")


async def test_objects_and_review() -> None:
    inventory = with_hostile_names(few())
    engine = RecordedEngine(inventory=inventory)
    async with wizard(engine) as pilot:
        await objects_of(inventory, "split")(pilot)
        assert STYLED in await seen(pilot, "down", "space", "down", "question_mark", "escape")
        await pilot.press("enter")
        await on_screen(pilot, "ReviewScreen")
        await seen(pilot, "tab", "question_mark")


async def test_method() -> None:
    async with wizard(RecordedEngine(inventory=HOSTILE)) as pilot:
        await to_method(pilot, HOSTILE_INSPECTED)
        await seen(pilot, "w", "escape", "ctrl+p")


async def test_run_and_check() -> None:
    engine = run_engine([])
    events, end = with_hostile_names((whole("lost"), outcome(Level.FAIL)))
    engine.run = RecordedRun(run_folder(), events, end)
    async with wizard(engine) as pilot:
        await to_end(pilot)
        assert CLOSING in await seen(pilot, "f", "tab", "enter", "escape")
    engine.run = RecordedRun(run_folder(), events, end)
    async with wizard(engine) as pilot:
        await to_check(pilot)
        assert CLOSING in await seen(pilot, *["enter", "escape", "down"] * 4)
