"""Objects: what is ticked is what Review gets, and hundreds of lines stay quick."""

import time
from dataclasses import replace

import pytest
from rich.console import Console
from textual.pilot import Pilot
from textual.widgets import Static

from tests.support import many_objects
from tests.support.recorded_engine import RecordedEngine
from tests.support.wizard_pilot import notice, on_screen, settled, until
from tests.support.wizard_scenes import objects_of
from tests.support.wizard_world import INSPECTED, INVENTORY
from tswizard.core.model.answers import Answers
from tswizard.tui.app import WizardApp
from tswizard.tui.screens.objects import ObjectsScreen
from tswizard.tui.screens.review import ReviewScreen
from tswizard.tui.widgets.object_list import ObjectList


def app() -> WizardApp:
    return WizardApp(RecordedEngine())


def marks(pilot: Pilot[int]) -> dict[str, bool]:
    """Name -> ticked, as the lines show it."""
    found = {}
    for option in pilot.app.screen.query_one(ObjectList).options:
        text = str(option.prompt).strip()
        if text.startswith("["):
            found[text[4:].split("  ")[0]] = text.startswith("[x]")
    return found


def shown(pilot: Pilot[int], selector: str) -> str:
    return str(pilot.app.screen.query_one(selector, Static).render())


def facts_shown(pilot: Pilot[int]) -> str:
    """The facts of the line, without the breaks that the screen's width puts into them."""
    console = Console(width=400)
    with console.capture() as captured:
        console.print(pilot.app.screen.query_one("#object-facts", Static).content)
    return captured.get()


async def press(pilot: Pilot[int], *keys: str) -> None:
    await pilot.press(*keys)
    await pilot.pause()


def decided(pilot: Pilot[int]) -> Answers:
    screen = pilot.app.screen
    assert isinstance(screen, ReviewScreen)
    return screen._decided.answers


async def test_all_are_ticked_and_enter_leads_on() -> None:
    async with app().run_test(size=(80, 24)) as pilot:
        await objects_of(many_objects.few())(pilot)
        assert len(marks(pilot)) == 7
        assert all(marks(pilot).values())
        await press(pilot, "enter")
        await on_screen(pilot, "ReviewScreen")
        assert decided(pilot) == Answers()
        assert not pilot.app.screen.query("#choices")


async def test_with_a_parent_goes_what_stands_on_it_and_a_second_tick_undoes_that() -> None:
    async with app().run_test(size=(80, 24)) as pilot:
        await objects_of(many_objects.few())(pilot)
        await press(pilot, "space")
        assert [name for name, ticked in marks(pilot).items() if not ticked] == [
            "public.metrics_hourly",
            "public.metrics_daily",
            "1000 refresh",
        ]
        assert notice(pilot) == (
            "Left out with it: 1 continuous aggregate: public.metrics_daily; 1 view: "
            "public.daily_report; 1 policy."
        )
        await press(pilot, "space")
        assert all(marks(pilot).values())
        await press(pilot, "space", "down", "space")
        assert [name for name, ticked in marks(pilot).items() if not ticked] == ["1000 refresh"]
        assert "Ticked with it: 1 continuous aggregate: public.metrics_hourly" in notice(pilot)


async def test_what_is_unticked_is_in_the_answers_and_named_on_review() -> None:
    async with app().run_test(size=(80, 24)) as pilot:
        await objects_of(many_objects.few())(pilot)
        await press(pilot, "down", "space", "down", "down", "down", "space", "enter")
        await on_screen(pilot, "ReviewScreen")
        assert decided(pilot).caggs == ("public.metrics_hourly", "public.events_weekly")
        assert decided(pilot).policies == (1000, 1002, 1003)
        await until(pilot, lambda: pilot.app.screen.query("#choices"))
        assert shown(pilot, "#choices").splitlines() == [
            "Left out, as you chose: 1 continuous aggregate: public.metrics_daily",
            "Left out, as you chose: 1 view: public.daily_report",
            "Left out, as you chose: 1 policy: 1001 compression on public.metrics",
        ]
        await press(pilot, "escape")
        await on_screen(pilot, "ObjectsScreen")
        assert not marks(pilot)["public.metrics_daily"]


async def test_all_and_none_mean_what_is_found() -> None:
    async with app().run_test(size=(80, 24)) as pilot:
        await objects_of(many_objects.few())(pilot)
        await press(pilot, "n")
        assert not any(marks(pilot).values())
        await press(pilot, "/", *"hourly", "enter", "a")
        assert marks(pilot) == {"public.metrics_hourly": True, "1000 refresh": True}
        await press(pilot, "escape")
        assert [name for name, ticked in marks(pilot).items() if ticked] == [
            "public.metrics_hourly",
            "1000 refresh",
        ]
        await press(pilot, "a")
        assert all(marks(pilot).values())


async def test_what_goes_along_with_those_that_are_found_is_said() -> None:
    async with app().run_test(size=(80, 24)) as pilot:
        await objects_of(many_objects.few())(pilot)
        await press(pilot, "/", *"hourly", "enter", "n")
        assert "Left out with them: 1 continuous aggregate: public.metrics_daily" in notice(pilot)


async def test_facts_and_sql_are_those_of_the_line_and_can_be_copied() -> None:
    async with app().run_test(size=(80, 24)) as pilot:
        await objects_of(many_objects.few())(pilot)
        facts = facts_shown(pilot)
        assert "real-time, reads public.metrics" in facts
        assert "2025-04-13 08:00 UTC; 1 invalidated range, from 2024-01-11 00:00 UTC on" in facts
        assert "8,760 buckets from 2023-01-01 00:00 UTC to 2024-01-01 00:00 UTC" in facts
        await press(pilot, "down", "down", "down", "down", "down")
        await until(pilot, lambda: "add_retention_policy" in shown(pilot, "#object-sql"))
        assert "2026-03-14 02:30:00+00" in facts_shown(pilot)
        await press(pilot, "y")
        assert "drop_after => INTERVAL '90 days'" in pilot.app.clipboard


async def test_recomputing_tells_the_loss_before() -> None:
    async with app().run_test(size=(80, 24)) as pilot:
        await objects_of(many_objects.few(), "split")(pilot)
        await press(pilot, "h")
        await on_screen(pilot, "Ask")
        text = " ".join(str(w.render()) for w in pilot.app.screen.query(Static))
        assert "public.metrics_hourly: 8,760 buckets from 2023-01-01" in text
        await press(pilot, "escape")
        await on_screen(pilot, "ObjectsScreen")
        assert "recomputed" not in str(pilot.app.screen.query_one(ObjectList).options[1].prompt)
        await press(pilot, "h")
        await on_screen(pilot, "Ask")
        await press(pilot, "right", "enter")
        await on_screen(pilot, "ObjectsScreen")
        options = pilot.app.screen.query_one(ObjectList).options
        assert "recomputed" in str(options[1].prompt)
        assert "recomputed" in str(options[2].prompt)  # it is built on the other
        await press(pilot, "down", "h")
        assert "It is built on public.metrics_hourly" in notice(pilot)
        await press(pilot, "enter")
        await on_screen(pilot, "ReviewScreen")
        assert decided(pilot).history == ("public.metrics_hourly",)
        await until(pilot, lambda: pilot.app.screen.query("#choices"))
        assert "This loses: public.metrics_hourly: 8,760 buckets" in shown(pilot, "#choices")


async def test_what_cannot_be_read_is_not_taken_for_no_loss() -> None:
    async with app().run_test(size=(80, 24)) as pilot:
        await objects_of(many_objects.few(), "split")(pilot)
        await press(pilot, "down", "down", "h")
        await on_screen(pilot, "Ask")
        text = " ".join(str(w.render()) for w in pilot.app.screen.query(Static))
        assert "public.events_weekly: unknown" in text


async def test_the_full_method_asks_for_no_history() -> None:
    async with app().run_test(size=(80, 24)) as pilot:
        await objects_of(many_objects.few())(pilot)
        await press(pilot, "h")
        assert isinstance(pilot.app.screen, ObjectsScreen)
        assert "dropped on the target after the restore" in notice(pilot)


async def test_a_source_with_nothing_to_choose_has_no_such_screen() -> None:
    async with app().run_test(size=(80, 24)) as pilot:
        await on_screen(pilot, "WelcomeScreen")
        application = pilot.app
        assert isinstance(application, WizardApp)
        bare = replace(INVENTORY, caggs=(), jobs=())
        application.show_objects(replace(INSPECTED, inventory=bare).decided(Answers()))
        await on_screen(pilot, "ReviewScreen")


async def test_hundreds_of_objects_are_no_widget_each() -> None:
    async with app().run_test(size=(80, 24)) as pilot:
        await objects_of(many_objects.many())(pilot)
        assert len(marks(pilot)) == 380
        assert len(pilot.app.screen.query("*")) < 40


@pytest.mark.timing
async def test_hundreds_of_objects_stay_quick() -> None:
    """The quickest of three presses of each key: other programs on the machine are not ours."""
    keys = ("n", "a", "space", "down", "end", "home")
    took: dict[str, list[float]] = {key: [] for key in keys}
    async with app().run_test(size=(80, 24)) as pilot:
        await objects_of(many_objects.many())(pilot)
        for _ in range(3):
            for key in keys:
                began = time.process_time()
                await press(pilot, key)
                took[key].append(time.process_time() - began)
        await settled(pilot)
    assert max(map(min, took.values())) < 0.3, took
