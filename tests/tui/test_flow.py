"""The way through the wizard, forward and back, by keys alone."""

from dataclasses import replace

import pytest
from textual.events import Key
from textual.pilot import Pilot
from textual.widgets import Static

from tests.support.recorded_engine import RecordedEngine
from tests.support.recordings import load_probe
from tests.support.wizard_pilot import (
    SMALL,
    app_with,
    at,
    notice,
    on_screen,
    settled,
    shown,
    type_text,
    until,
    value,
    wizard_app,
)
from tests.support.wizard_scenes import (
    SCENES,
    blocked,
    connect,
    connect_source,
    finished_run,
    passed_run,
    refused,
    review_is_there,
    source_refuses,
    split_possible,
    to_check,
    to_inspect,
    to_method,
    to_review,
    to_source,
    to_target,
)
from tests.support.wizard_world import (
    EMPTY,
    INSPECTED,
    INVENTORY,
    PAIR,
    REFUSED,
    SOURCE,
    TARGET,
    TARGET_URL,
    plan,
    preflight,
)
from tswizard.core.model.answers import Answers
from tswizard.core.model.finding import Level
from tswizard.core.probe.events import ProbeDone
from tswizard.exit_codes import Exit
from tswizard.tui.widgets.fields import Choices
from tswizard.tui.widgets.findings import FindingsView
from tswizard.wizard.state import Decided

READY = {
    "WelcomeScreen": "",
    "SourceScreen": "Connected",
    "TargetScreen": "Connected",
    "InspectScreen": "Enter continues",
    "MethodScreen": "",
    "ObjectsScreen": "",
}
"""The screens before Review, and what each says when enter leads on."""


async def walk_to_review(pilot: Pilot[int]) -> None:
    """By enter alone, both databases being given."""
    for screen, says in READY.items():
        await on_screen(pilot, screen)
        await until(pilot, lambda says=says: says in notice(pilot))  # type: ignore[misc]
        await pilot.press("enter")
    await review_is_there(pilot)


async def test_from_the_first_screen_to_the_last() -> None:
    engine = finished_run()
    app = app_with(engine)
    async with app.run_test(size=SMALL) as pilot:
        await connect_source(pilot)
        await pilot.press("enter")
        await on_screen(pilot, "TargetScreen")
        await connect(pilot, TARGET_URL, "")
        await until(pilot, lambda: "Connected" in notice(pilot))
        await pilot.press("enter")
        await on_screen(pilot, "InspectScreen")
        await until(pilot, lambda: "Enter continues" in notice(pilot))
        await pilot.press("enter")
        await on_screen(pilot, "MethodScreen")
        await at(pilot, "#jobs", "backspace", "2")
        await at(pilot, "#compress_first", "space", "enter")
        await on_screen(pilot, "ObjectsScreen")
        await pilot.press("enter")
        await on_screen(pilot, "ReviewScreen")
        await until(pilot, lambda: "Disk" in shown(pilot))
        await pilot.press(*"tsdb", "enter")
        await on_screen(pilot, "RunScreen")
        await until(pilot, lambda: "Finished" in notice(pilot))
        await pilot.press("enter")
        await on_screen(pilot, "CheckScreen")
        await pilot.press("ctrl+q")
    assert app.return_value == Exit.LOOK
    (decided,) = engine.started
    assert decided.answers == Answers(jobs=2, compress_first=True)
    assert decided.inspected.pair.source.endpoint.password == "mst-secret"
    assert decided.inspected.pair.target.endpoint.password is None


async def test_the_check_is_made_again_on_a_screen_of_its_own() -> None:
    first, second = finished_run(), passed_run()
    assert second.run is not None
    second.run.checks_again = True
    first.again = second.run
    app = app_with(first, source=SOURCE, target=TARGET)
    async with app.run_test(size=SMALL) as pilot:
        await to_check(pilot)
        assert "a Check again" in shown(pilot)
        await pilot.press("a")
        await on_screen(pilot, "RunScreen")
        await until(pilot, lambda: "Finished" in notice(pilot))
        await pilot.press("enter")
        await on_screen(pilot, "CheckScreen")
        assert "Everything arrived" in shown(pilot)
        await pilot.press("ctrl+q")
    assert app.return_value == Exit.PASSED
    assert first.checked_again == [(SOURCE, TARGET)]


async def test_back_drops_later_answers_and_keeps_earlier_ones() -> None:
    app = app_with(RecordedEngine())
    async with app.run_test(size=SMALL) as pilot:
        await connect_source(pilot)
        await pilot.press("enter")
        await on_screen(pilot, "TargetScreen")
        await type_text(pilot, "#conninfo", "host=x7f0q.tsdb.example.com")
        await pilot.press("escape")
        await on_screen(pilot, "SourceScreen")
        assert "mst-2f1a.example.com" in value(pilot, "#conninfo")
        await pilot.press("enter")
        await on_screen(pilot, "TargetScreen")
        assert value(pilot, "#conninfo") == ""


async def test_escape_goes_back_through_every_screen_before_review() -> None:
    app = app_with(RecordedEngine(), source=SOURCE, target=TARGET)
    async with app.run_test(size=SMALL) as pilot:
        await walk_to_review(pilot)
        for screen in reversed(READY):
            await pilot.press("escape")
            await on_screen(pilot, screen)
        await pilot.press("escape")
        await settled(pilot)
        assert type(app.screen).__name__ == "WelcomeScreen"
        await walk_to_review(pilot)


# Source and Target


async def test_a_password_in_a_pasted_url_is_never_shown() -> None:
    engine = RecordedEngine()
    async with app_with(engine).run_test(size=SMALL) as pilot:
        await to_source(pilot)
        url = "postgresql://tsdbadmin:s3cr3t%21@mst-2f1a.example.com:20985/defaultdb"
        await type_text(pilot, "#conninfo", url)
        await until(pilot, lambda: value(pilot, "#password") == "s3cr3t!")
        assert "s3cr3t" not in shown(pilot)
        assert "s3cr3t" not in value(pilot, "#conninfo")
        await pilot.press("enter")
        await until(pilot, lambda: "Connected" in notice(pilot))
        assert "s3cr3t" not in shown(pilot)
    assert engine.asked_endpoints[0].password == "s3cr3t!"
    assert engine.asked_endpoints[0].get("port") == "20985"


async def test_a_typed_password_is_hidden_when_the_field_is_left() -> None:
    async with app_with(RecordedEngine()).run_test(size=SMALL) as pilot:
        await to_source(pilot)
        await pilot.press(*"host=h password=pw1", "tab")
        await until(pilot, lambda: value(pilot, "#password") == "pw1")
        assert value(pilot, "#conninfo") == "host=h"


async def test_the_parts_and_the_whole_follow_each_other() -> None:
    async with app_with(RecordedEngine()).run_test(size=SMALL) as pilot:
        await to_source(pilot)
        await type_text(pilot, "#conninfo", "host=a port=1 dbname=d user=u sslmode=verify-full")
        await until(pilot, lambda: value(pilot, "#host") == "a")
        assert [value(pilot, f"#{p}") for p in ("port", "dbname", "user")] == ["1", "d", "u"]
        await pilot.press("tab", "end", "b")
        await until(pilot, lambda: "host=ab" in value(pilot, "#conninfo"))
        assert "sslmode=verify-full" in value(pilot, "#conninfo")


async def test_changing_a_tested_connection_tests_it_again() -> None:
    engine = RecordedEngine()
    async with app_with(engine).run_test(size=SMALL) as pilot:
        await connect_source(pilot)
        await type_text(pilot, "#password", "x")
        await until(pilot, lambda: not notice(pilot))
        await pilot.press("enter")
        await until(pilot, lambda: "Connected" in notice(pilot))
        assert type(pilot.app.screen).__name__ == "SourceScreen"
    assert [e.password for e in engine.asked_endpoints] == ["mst-secret", "mst-secretx"]


async def test_a_refused_connection_says_one_sentence_and_where_to_fix_it() -> None:
    async with app_with(refused()).run_test(size=SMALL) as pilot:
        await source_refuses(pilot)
        assert notice(pilot) == str(REFUSED)
        assert pilot.app.focused is not None and pilot.app.focused.id == "password"
        assert "Traceback" not in shown(pilot)
        await pilot.press("enter")
        await until(pilot, lambda: notice(pilot) == str(REFUSED))
        assert type(pilot.app.screen).__name__ == "SourceScreen"


async def test_what_cannot_be_read_as_a_connection_is_said_at_its_field() -> None:
    async with app_with(RecordedEngine()).run_test(size=SMALL) as pilot:
        await to_source(pilot)
        await type_text(pilot, "#conninfo", "host=")
        await pilot.press("enter")
        await until(pilot, lambda: notice(pilot))
        assert pilot.app.focused is not None and pilot.app.focused.id == "conninfo"


async def test_the_wizard_answers_while_a_server_does_not() -> None:
    import asyncio

    engine = RecordedEngine(slow=asyncio.Event())
    async with app_with(engine).run_test(size=SMALL) as pilot:
        await to_source(pilot)
        await type_text(pilot, "#conninfo", "host=mst-2f1a.example.com")
        await pilot.press("enter")
        await until(pilot, lambda: "Connecting" in notice(pilot))
        await pilot.press("escape")
        await on_screen(pilot, "WelcomeScreen")
        assert not [w for w in pilot.app.workers if w.is_running]


async def test_the_source_is_no_target() -> None:
    async with app_with(RecordedEngine()).run_test(size=SMALL) as pilot:
        await to_target(pilot)
        await type_text(pilot, "#conninfo", SOURCE.conninfo)
        await pilot.press("enter")
        await until(pilot, lambda: "source itself" in notice(pilot))
        await pilot.press("enter")
        await settled(pilot)
        assert type(pilot.app.screen).__name__ == "TargetScreen"


async def test_ends_that_are_given_are_tested_without_asking() -> None:
    engine = RecordedEngine()
    app = app_with(engine, source=SOURCE, target=TARGET)
    async with app.run_test(size=SMALL) as pilot:
        await to_source(pilot)
        await until(pilot, lambda: "Connected" in notice(pilot))
        await pilot.press("enter")
        await on_screen(pilot, "TargetScreen")
        await until(pilot, lambda: "Connected" in notice(pilot))
        assert "secret" not in shown(pilot)
    assert engine.asked_endpoints == [SOURCE, TARGET]


# Inspect


async def test_a_failed_check_stops_until_the_offer_is_taken() -> None:
    async with app_with(blocked()).run_test(size=SMALL) as pilot:
        await to_inspect(pilot)
        assert "FAIL items" in notice(pilot)
        await pilot.press("enter")
        await settled(pilot)
        assert type(pilot.app.screen).__name__ == "InspectScreen"
        await pilot.press("space")  # the offer has the focus
        await until(pilot, lambda: "Enter continues" in notice(pilot))
        await pilot.press("enter")
        await on_screen(pilot, "MethodScreen")
        await pilot.press("enter")
        await on_screen(pilot, "ObjectsScreen")
        await pilot.press("enter")
        await on_screen(pilot, "ReviewScreen")
        screen = pilot.app.screen
        decided = getattr(screen, "_decided", None)
        assert isinstance(decided, Decided) and decided.answers.recreate_extension


async def test_what_forbids_one_method_leaves_the_other() -> None:
    (version,) = (f for f in preflight("other version") if f.level is Level.FAIL)
    engine = split_possible()
    async with app_with(engine).run_test(size=SMALL) as pilot:
        await to_inspect(pilot)
        await until(pilot, lambda: "Only the split method is possible" in notice(pilot))
        assert version.sentence in " ".join(shown(pilot).split())
        await pilot.press("enter")
        await on_screen(pilot, "MethodScreen")
        await pilot.press("enter")
        await on_screen(pilot, "ObjectsScreen")
        await pilot.press("enter")
        await on_screen(pilot, "ReviewScreen")
        decided = getattr(pilot.app.screen, "_decided", None)
        assert isinstance(decided, Decided)
        assert decided.answers == Answers(method="split", jobs=8)  # the target is far away
        assert decided.findings
        assert all(finding.concerns("split") for finding in decided.findings)
        assert decided.examined


async def test_leaving_before_a_run_is_no_success() -> None:
    app = app_with(passed_run())
    async with app.run_test(size=SMALL) as pilot:
        await to_inspect(pilot)
        await pilot.press("ctrl+q")
        await until(pilot, lambda: pilot.app.screen.id == "quit")
        await pilot.press("right", "enter")
    assert app.return_value == Exit.REFUSED


async def test_leaving_with_a_failed_check_means_refused() -> None:
    app = app_with(blocked())
    async with app.run_test(size=SMALL) as pilot:
        await to_inspect(pilot)
        await pilot.press("ctrl+q")
        await until(pilot, lambda: pilot.app.screen.id == "quit")
        await pilot.press("right", "enter")
    assert app.return_value == Exit.REFUSED


async def test_the_gravest_finding_is_first_and_passed_ones_are_short() -> None:
    async with app_with(blocked()).run_test(size=SMALL) as pilot:
        await to_inspect(pilot)
        levels = [f.level for f in pilot.app.screen.query_one(FindingsView).findings]
        assert levels == sorted(levels, key=[Level.FAIL, Level.LOOK, Level.PASS].index)
        assert set(levels) == {Level.FAIL, Level.LOOK, Level.PASS}


async def test_check_again_sees_what_was_fixed() -> None:
    engine = blocked()
    async with app_with(engine).run_test(size=SMALL) as pilot:
        await to_inspect(pilot)
        engine.situation = "nothing wrong"
        await pilot.press("ctrl+r")
        await until(pilot, lambda: "No problems found" in notice(pilot))


# Method and Review


async def test_a_bad_answer_is_refused_at_its_field() -> None:
    async with app_with(RecordedEngine()).run_test(size=SMALL) as pilot:
        await to_method(pilot)
        await at(pilot, "#jobs", "9", "9", "enter")
        await until(pilot, lambda: "between 1 and 64" in notice(pilot))
        assert pilot.app.focused is not None and pilot.app.focused.id == "jobs"
        await pilot.press("ctrl+u", "4")
        await type_text(pilot, "#staging", "/nonexistent/folder")
        await pilot.press("enter")
        await until(pilot, lambda: "is not a folder" in notice(pilot))
        assert pilot.app.focused.id == "staging"


async def test_every_question_can_be_answered_with_arrows_and_space() -> None:
    engine = RecordedEngine()
    async with app_with(engine).run_test(size=SMALL) as pilot:
        await to_method(pilot)
        await at(pilot, "#staging", "down")  # the limit
        for _ in range(2):  # probe, the way in
            await pilot.press("down", "space")
        for _ in range(4):  # compress first, pause, snapshot, enable
            await pilot.press("down", "space")
        await pilot.press("down", "down")  # rows: count only
        await pilot.press("down", "space")  # keep the dump
        await pilot.press("enter")
        await on_screen(pilot, "ObjectsScreen")
        await pilot.press("enter")
        await on_screen(pilot, "ReviewScreen")
        decided = getattr(pilot.app.screen, "_decided", None)
        assert isinstance(decided, Decided)
        assert decided.answers == replace(
            INSPECTED.answers,
            probe=False,
            probe_upload=True,
            compress_first=True,
            pause_source_jobs=False,
            snapshot=False,
            enable_jobs=False,
            verify="count",
            keep_dumps=True,
        )


def about(pilot: Pilot[int]) -> str:
    """What Method says of the chosen method, also where it is scrolled out of sight."""
    return " ".join(str(line.render()) for line in pilot.app.screen.query("#about Static"))


async def test_method_recommends_and_says_what_each_does_and_cannot() -> None:
    server = replace(EMPTY.server, timescaledb="2.24.0")
    newer = replace(PAIR, target=replace(PAIR.target, server=server))
    there = replace(EMPTY, server=server)
    inspected = replace(INSPECTED, pair=newer, target_inventory=there)
    async with app_with(RecordedEngine()).run_test(size=SMALL) as pilot:
        await to_method(pilot, inspected)
        text = " ".join(shown(pilot).split())
        here = INVENTORY.server.timescaledb
        assert f"Split: the versions of TimescaleDB differ (source {here}, target 2.24.0)" in text
        method = pilot.app.screen.query_one("#method", Choices)
        assert method.value == "split", "the choice follows the recommendation"
        text = about(pilot)
        assert "Cannot migrate publications and subscriptions: each is named at the end." in text
        assert "equal versions" not in text
        await pilot.press("up")
        await until(pilot, lambda: "Cannot resume in the middle" in about(pilot))
        assert f"source {here}, target 2.24.0" in about(pilot)
        await pilot.press("f1")
        await settled(pilot)
        assert "FULL  One pg_dump" in shown(pilot)


async def test_every_figure_of_method_is_explained() -> None:
    async with app_with(RecordedEngine()).run_test(size=SMALL) as pilot:
        await to_method(pilot)
        await pilot.press("question_mark")
        await until(pilot, lambda: "Recommended:" in shown(pilot))
        await pilot.press("y")
        copied = " ".join(pilot.app.clipboard.split())
        for told in (
            "FULL ",
            "SPLIT ",
            "Check everything: ",
            "round trips of",
            "pg_dump of public.",
        ):
            assert told in copied


def recommended(pilot: Pilot[int]) -> str:
    """Also where it is scrolled out of sight."""
    return str(pilot.app.screen.query_one("#recommended", Static).render())


async def test_the_limit_changes_the_recommendation_and_a_choice_by_hand_stays() -> None:
    engine = finished_run()
    async with app_with(engine).run_test(size=SMALL) as pilot:
        await to_method(pilot)
        await pilot.press("l", "ctrl+u", *"1s")
        await until(pilot, lambda: "limit of 1.0 s" in recommended(pilot))
        assert pilot.app.screen.query_one("#method", Choices).value == "split"
        await at(pilot, "#method", "up")
        await pilot.press("enter")
        await on_screen(pilot, "ObjectsScreen")
        await pilot.press("enter")
        await on_screen(pilot, "ReviewScreen")
        await until(pilot, lambda: "Disk" in shown(pilot))
        await pilot.press(*"tsdb", "enter")
        await on_screen(pilot, "RunScreen")
    (decided,) = engine.started
    assert (decided.answers.method, decided.answers.time_limit) == ("full", "1s")
    assert decided.advice is not None
    assert decided.advice.recommendation.reasons[0].id == "time-limit"


async def test_the_probe_stops_is_repeated_and_times_the_way_in() -> None:
    engine = RecordedEngine(hold_probe_at=3)
    async with app_with(engine).run_test(size=SMALL) as pilot:
        await on_screen(pilot, "WelcomeScreen")
        wizard_app(pilot).show_method(INSPECTED)
        await on_screen(pilot, "MethodScreen")
        await until(pilot, lambda: "s Stop" in shown(pilot))
        # The methods are compared before all is timed: the probe is still held.
        await until(pilot, lambda: "Recommended" in shown(pilot))
        await pilot.press("s")
        await until(pilot, lambda: "r times pg_dump on real data" in shown(pilot))
        engine.hold_probe_at = None
        await pilot.press("u")
        await until(pilot, lambda: "copy to target" in shown(pilot) and "r Probe" in shown(pilot))
    assert [answers.probe_upload for answers in engine.probed] == [False, True]


async def test_an_earlier_probe_of_the_pair_is_used_again() -> None:
    (done,) = (e for e in load_probe().events if isinstance(e, ProbeDone))
    engine = RecordedEngine(kept=done.probe)
    async with app_with(engine).run_test(size=SMALL) as pilot:
        await to_method(pilot)
        assert "2026-11-24" in shown(pilot) and "r times again" in shown(pilot)
        assert "y copies" not in shown(pilot)  # nothing was timed in this process
    assert engine.probed == []


async def test_nothing_starts_without_the_targets_name() -> None:
    engine = finished_run()
    async with app_with(engine).run_test(size=SMALL) as pilot:
        await to_review(pilot)
        await pilot.press("enter")
        await until(pilot, lambda: "tsdb" in notice(pilot))
        await pilot.press(*"defaultdb", "enter")
        await until(pilot, lambda: "tsdb" in notice(pilot))
        assert not engine.started
        await pilot.press("ctrl+u", *"tsdb", "enter")
        await on_screen(pilot, "RunScreen")
    assert len(engine.started) == 1


async def test_answers_are_checked_again_before_the_start() -> None:
    (no_room,) = (f for f in preflight("no room") if f.level is Level.FAIL)
    engine = finished_run()
    async with app_with(engine).run_test(size=SMALL) as pilot:
        await to_method(pilot)
        engine.situation = "no room"
        await at(pilot, "#compress_first", "space", "enter")
        await on_screen(pilot, "ObjectsScreen")
        await pilot.press("enter")
        await on_screen(pilot, "ReviewScreen")
        await until(pilot, lambda: no_room.what in notice(pilot))
        await pilot.press(*"tsdb", "enter")
        await settled(pilot)
        assert type(pilot.app.screen).__name__ == "ReviewScreen"
    assert not engine.started


async def test_room_for_the_dump_is_for_method_to_settle() -> None:
    engine = RecordedEngine(situation="no room")
    async with app_with(engine).run_test(size=SMALL) as pilot:
        await to_inspect(pilot)
        await until(pilot, lambda: "on Method" in notice(pilot))
        await pilot.press("enter")
        await on_screen(pilot, "MethodScreen")


async def test_the_commands_can_be_copied() -> None:
    async with app_with(RecordedEngine()).run_test(size=SMALL) as pilot:
        await to_review(pilot)
        await pilot.press("ctrl+y")
        await until(pilot, lambda: "pg_dump" in pilot.app.clipboard)
        for step in plan(Answers()).steps:
            for command in step.commands:
                assert command in pilot.app.clipboard
        await pilot.press("shift+tab", "y")
        await until(pilot, lambda: "pg_dump" not in pilot.app.clipboard)


async def test_the_plan_scrolls_while_the_name_is_typed() -> None:
    async with app_with(RecordedEngine()).run_test(size=SMALL) as pilot:
        await to_review(pilot)
        plan = pilot.app.screen.query_one("#plan")
        await pilot.press("t", "pagedown", "s")
        await until(pilot, lambda: plan.scroll_offset.y > 0)
        await pilot.press("pageup")
        await until(pilot, lambda: plan.scroll_offset.y == 0)
        assert value(pilot, "#confirm") == "ts"


# Keys that mean the same everywhere


@pytest.mark.parametrize("name", ["welcome", "source", "inspect", "run", "check"])
async def test_help_and_quit_work_on_every_screen(name: str) -> None:
    scene = SCENES[name]
    async with scene.app().run_test(size=SMALL) as pilot:
        await scene.drive(pilot)
        screen = type(pilot.app.screen)
        await pilot.press("f1")
        await until(pilot, lambda: type(pilot.app.screen).__name__ == "Help")
        assert len(shown(pilot).split()) > 40, "help says nothing"
        await pilot.press("escape")
        await until(pilot, lambda: type(pilot.app.screen) is screen)
        if name == "check":
            return  # nothing is at stake there: it just ends
        # In a run these two ask whether to pause or to stop it; in a field a q is typed.
        more = {"run": (), "source": ("ctrl+c",)}.get(name, ("ctrl+c", "q"))
        for key in ("ctrl+q", "f10", *more):
            await pilot.press(key)
            await until(pilot, lambda: pilot.app.screen.id == "quit")
            await pilot.press("enter")  # the harmless answer has the focus
            await until(pilot, lambda: type(pilot.app.screen) is screen)


async def test_enter_comes_after_what_was_typed_before_it() -> None:
    """Also when all of it comes at once, as over a slow line."""
    engine = passed_run()
    async with app_with(engine).run_test(size=SMALL) as pilot:
        await to_review(pilot)
        for key in (*"tsdb", "enter"):
            pilot.app.post_message(Key(key, key if len(key) == 1 else "\r"))
        await on_screen(pilot, "RunScreen")


async def test_a_wrong_name_with_its_enter_is_complained_of() -> None:
    async with app_with(RecordedEngine()).run_test(size=SMALL) as pilot:
        await to_review(pilot)
        for key in (*"tsd", "enter"):
            pilot.app.post_message(Key(key, key if len(key) == 1 else "\r"))
        await until(pilot, lambda: "type the name" in notice(pilot))
