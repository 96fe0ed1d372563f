"""A run on the screen: what is shown, paused, stopped, explained, and how it ends."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from rich.cells import cell_len
from textual.pilot import Pilot
from textual.widgets import Button

from tests.support.recorded_engine import RecordedEngine, RecordedRun
from tests.support.wizard_pilot import (
    LARGE,
    SMALL,
    app_with,
    notice,
    on_screen,
    settled,
    shown,
    until,
)
from tests.support.wizard_scenes import (
    failed_run,
    finished_run,
    held_run,
    lost_run,
    passed_run,
    resume_asks,
    split_run,
    to_check,
    to_end,
    to_resume,
    to_run,
    unfinished,
)
from tests.support.wizard_story import ROLE_MISSING, RUN, SAFE, run_folder, whole
from tests.support.wizard_world import REFUSED, SOURCE, TARGET
from tswizard.core.model.estimate import SecondsRange
from tswizard.core.model.events import Paused, RunFinished, StepFinished, StepStarted
from tswizard.core.model.finding import Level
from tswizard.core.run.run_folder import RunFolder
from tswizard.exit_codes import Exit
from tswizard.tui.screens.run import RunScreen
from tswizard.tui.text import shortened
from tswizard.tui.widgets.fields import TextField
from tswizard.tui.widgets.runlog import RunLog
from tswizard.tui.widgets.steps import StepList
from tswizard.tui.widgets.table import FittingTable

WIDEST = (160, 40)


def log(pilot: Pilot[int]) -> RunLog:
    return pilot.app.screen.query_one(RunLog)


async def test_each_error_has_its_word_and_its_reason_under_it() -> None:
    async with app_with(finished_run()).run_test(size=SMALL) as pilot:
        await to_run(pilot)
        await until(pilot, lambda: any(" LOOK " in line for line in log(pilot).lines))
        await settled(pilot)
        lines = list(log(pilot).lines)
        at = next(n for n, line in enumerate(lines) if " LOOK " in line)
        assert ROLE_MISSING.message in lines[at]
        assert "└ role-missing:" in lines[at + 1]
        assert max(map(len, lines[at : at + 5])) <= SMALL[0]


async def test_filters_show_what_they_say() -> None:
    async with app_with(finished_run()).run_test(size=SMALL) as pilot:
        await to_run(pilot)
        await until(pilot, lambda: pilot.app.screen.query_one("#buttons").display)
        await settled(pilot)
        everything = len(log(pilot).lines)
        await pilot.press("f")
        await settled(pilot)
        assert {line[9:14] for line in log(pilot).lines if line[0] != " "} == {"LOOK "}
        await pilot.press("f")
        await settled(pilot)
        assert {line[9:14] for line in log(pilot).lines if line[0] != " "} == {"SAFE ", "PASS "}
        await pilot.press("f")
        await settled(pilot)
        assert len(log(pilot).lines) == everything


async def test_enter_explains_the_line_under_the_cursor() -> None:
    async with app_with(held_run()).run_test(size=SMALL) as pilot:
        await to_run(pilot)
        lines = list(log(pilot).lines)
        safe = next(n for n, line in enumerate(lines) if " SAFE " in line)
        # From the nearer end: each key is a redrawn screen.
        from_end = ["up"] * (len(lines) - safe)
        from_start = ["home", *["down"] * safe]
        await pilot.press(*min(from_end, from_start, key=len), "enter")
        await until(pilot, lambda: type(pilot.app.screen).__name__ == "Reader")
        text = shown(pilot)
        assert SAFE.message[:40] in text and SAFE.rule in text
        await pilot.press("y")
        await until(pilot, lambda: SAFE.detail[0] in pilot.app.clipboard)
        await pilot.press("escape")
        await on_screen(pilot, "RunScreen")


async def test_the_log_follows_its_end_until_somebody_reads() -> None:
    engine = held_run()
    run = engine.run
    assert run is not None
    run.recorded = [*run.recorded[: run.hold_at[-1]], *whole("interrupted")[-3:]]
    async with app_with(engine).run_test(size=SMALL) as pilot:
        await to_run(pilot)
        await pilot.press("up", "up", "up")
        await settled(pilot)
        before = log(pilot).scroll_offset.y
        run.go.set()
        await until(pilot, lambda: pilot.app.screen.query_one("#buttons").display)
        assert log(pilot).cursor is not None
        assert abs(log(pilot).scroll_offset.y - before) <= 1
        log(pilot).focus()
        await pilot.press("end")
        await until(pilot, lambda: log(pilot).is_vertical_scroll_end)


async def test_pause_and_continue() -> None:
    engine = held_run()
    run = engine.run
    assert run is not None
    run.recorded = [
        *run.recorded[: run.hold_at[-1]],
        Paused(run.now + 10, True),
        Paused(run.now + 20, False),
        RunFinished(run.now + 20, result=None, seconds=1410),
    ]
    async with app_with(engine).run_test(size=SMALL) as pilot:
        await to_run(pilot)
        await pilot.press("p")
        assert run.asked == ["pause"]
        run.hold_at = (run.hold_at[-1] + 1,)
        run.go.set()
        await until(pilot, lambda: "PAUSED" in shown(pilot) and "Continue" in shown(pilot))
        await pilot.press("s")
        await until(pilot, lambda: "Leave it paused" in shown(pilot))
        await pilot.press("escape")
        await on_screen(pilot, "RunScreen")
        await pilot.press("p")
        assert run.asked == ["pause", "continue"]


@pytest.mark.parametrize(
    ("keys", "asked"),
    [
        (("s", "enter"), []),
        (("s", "escape"), []),
        (("s", "down", "enter"), ["pause"]),
        (("s", "down", "down", "enter"), ["stop after step"]),
        (("q", "down", "down", "down", "enter"), ["stop now"]),
        (("ctrl+c", "enter"), []),
        (("ctrl+c", "down", "down", "down", "enter"), ["stop now"]),
    ],
)
async def test_stop_asks_how(keys: tuple[str, ...], asked: list[str]) -> None:
    engine = held_run()
    async with app_with(engine).run_test(size=SMALL) as pilot:
        await to_run(pilot)
        for key in keys:
            await pilot.press(key)
            await pilot.pause()
        await on_screen(pilot, "RunScreen")
        assert engine.run is not None
        assert engine.run.asked == asked
        if asked == ["stop after step"]:
            assert "STOPPING AFTER THIS" in shown(pilot)


async def test_tab_leads_from_the_log_to_the_tables() -> None:
    async with app_with(split_run()).run_test(size=SMALL) as pilot:
        await to_run(pilot)
        assert pilot.app.focused is log(pilot)
        await pilot.press("tab")
        assert isinstance(pilot.app.focused, FittingTable)
        await pilot.press("tab")
        assert pilot.app.focused is log(pilot)


@pytest.mark.parametrize("size", [SMALL, LARGE, WIDEST])
async def test_tables_of_a_split_run_tell_pieces_rows_rate_retries_and_what_failed(
    size: tuple[int, int],
) -> None:
    async with app_with(split_run()).run_test(size=size) as pilot:
        await to_run(pilot)
        table = pilot.app.screen.query_one(FittingTable)
        assert table.max_scroll_x == 0
        lines = [[str(cell).strip() for cell in table.get_row_at(n)] for n in range(5)]
        titles = [str(column.label).strip() for column in table.ordered_columns]
        if size == WIDEST:
            assert titles.pop(1) == "progress"
            bars = [line.pop(1) for line in lines]
            assert [bar.count("━") for bar in bars] == [11, 0, 2, 0, 12]
        assert titles == [
            "table",
            "pieces",
            "rows",
            "rate",
            "retries",
            "state",
        ]
        names = [line.pop(0) for line in lines]
        assert lines == [
            ["95/97", "47.0 M", "–", "10", "✗ 2 FAILED"],
            ["4/1024", "900,000", "51.0 MiB/s", "3", "! retrying"],
            ["80/412", "36.4 M", "118.0 MiB/s", "–", "working"],
            ["0/97", "0", "–", "–", "waiting"],
            ["12/12", "48,102", "–", "–", "✓ done"],
        ]
        assert names[0].startswith("messwerte.") and names[0].endswith("№7")
        assert names[1].startswith("plant_nort") and names[1].endswith("_plants")
        steps = pilot.app.screen.query_one(StepList)
        await until(pilot, lambda: "▸ Copy hypertables" in shown(pilot))
        assert steps.region.height >= 3


@pytest.mark.parametrize(
    ("keys", "asked"),
    [
        (("s", "down", "down", "enter"), ["stop after step"]),
        (("s", "down", "down", "down", "enter"), ["stop now"]),
    ],
)
async def test_a_split_run_stops_after_the_piece_or_now(
    keys: tuple[str, ...], asked: list[str]
) -> None:
    engine = split_run()
    async with app_with(engine).run_test(size=SMALL) as pilot:
        await to_run(pilot)
        await pilot.press("s")
        await until(pilot, lambda: "Stop after this piece" in shown(pilot))
        assert "Stop now" in shown(pilot)
        for key in keys[1:]:
            await pilot.press(key)
            await pilot.pause()
        await on_screen(pilot, "RunScreen")
        assert engine.run is not None
        assert engine.run.asked == asked
        assert ("STOPPING AFTER THIS PIECE" in shown(pilot)) == (asked == ["stop after step"])


async def test_a_run_that_was_stopped_says_so_and_of_its_tables_too() -> None:
    engine = split_run()
    run = engine.run
    assert run is not None
    run.recorded = [
        *run.recorded[: run.hold_at[-1]],
        RunFinished(run.now, result=None, seconds=101),
    ]
    async with app_with(engine).run_test(size=SMALL) as pilot:
        await to_run(pilot)
        run.go.set()
        await until(pilot, lambda: "STOPPED   " in shown(pilot))
        assert " left" not in shown(pilot)
        table = pilot.app.screen.query_one(FittingTable)
        await until(pilot, lambda: "■ stopped" in str(table.get_row_at(2)[-1]))
        assert "MiB/s" not in shown(pilot)
        assert "FAILED" in str(table.get_row_at(0)[-1])


@pytest.mark.parametrize(
    ("text", "room", "found"),
    [
        ("public.metrics", 14, "public.metrics"),
        ("public.metrics_of_north", 12, "publi…_north"),
        ("測定値測定値測定値", 9, "測定…定値"),
        ("測定値測定値", 4, "測…"),
        ("metrics", 0, ""),
    ],
)
def test_a_name_gives_way_in_its_middle(text: str, room: int, found: str) -> None:
    assert shortened(text, room) == found
    assert cell_len(shortened(text, room)) <= room


async def test_quitting_stops_the_run_and_says_it_can_be_resumed() -> None:
    engine = held_run()
    app = app_with(engine)
    async with app.run_test(size=SMALL) as pilot:
        await to_run(pilot)
        await pilot.press("ctrl+q")
        await until(pilot, lambda: pilot.app.screen.id == "quit")
        await pilot.press("right", "enter")
    assert app.return_value == Exit.STOPPED
    assert engine.run is not None
    assert engine.run.asked == ["stop now"]
    assert engine.run.closed
    assert f"tswizard resume {RUN}" in app.farewell


async def test_nothing_is_left_running_when_the_screens_end_without_asking() -> None:
    engine = held_run()
    async with app_with(engine).run_test(size=SMALL) as pilot:
        await to_run(pilot)
    assert engine.run is not None
    assert engine.run.closed


@pytest.mark.parametrize(
    ("engine", "code"),
    [
        (passed_run(), Exit.PASSED),
        (finished_run(), Exit.LOOK),
        (lost_run(), Exit.LOOK),
    ],
)
async def test_the_exit_code_says_what_it_came_to(engine: RecordedEngine, code: Exit) -> None:
    app = app_with(engine)
    async with app.run_test(size=SMALL) as pilot:
        await to_check(pilot)
        await pilot.press("ctrl+q")
    assert app.return_value == code


async def test_a_failed_step_says_why_and_offers_to_resume() -> None:
    engine = failed_run()
    app = app_with(engine)
    async with app.run_test(size=SMALL) as pilot:
        await to_end(pilot)
        (failed,) = (e for e in whole("interrupted") if isinstance(e, StepFinished) and e.why)
        assert failed.why.splitlines()[0] in " ".join(notice(pilot).split())
        assert f"tswizard resume {RUN}" in notice(pilot)
        assert isinstance(app.focused, Button) and app.focused.id == "resume"
        await pilot.press("enter")
        await on_screen(pilot, "ResumeScreen")
        password = app.screen.query_one("#source-password", TextField)
        assert password.value == SOURCE.password  # typed once, known until the end
        assert "secret" not in shown(pilot)
        await pilot.press("escape")
        await on_screen(pilot, "RunScreen")
        await pilot.press("ctrl+q")
    assert app.return_value == Exit.STOPPED


async def test_a_broken_engine_ends_in_a_sentence(
    tmp_path: Path,
) -> None:
    class Broken(RecordedRun):
        def events(self):  # type: ignore[no-untyped-def]
            raise OSError("No space left on device")

    run = Broken(run_folder(tmp_path), [])
    app = app_with(RecordedEngine(run=run))
    async with app.run_test(size=SMALL) as pilot:
        await on_screen(pilot, "WelcomeScreen")
        app.show_run(run, (SOURCE, TARGET))
        await until(pilot, lambda: pilot.app.screen.query("#buttons"))
        await until(pilot, lambda: "No space left on device." in notice(pilot))


# Resume


async def test_resume_asks_for_the_name_before_it_removes_anything() -> None:
    engine = unfinished()
    engine.run = held_run().run
    async with app_with(engine).run_test(size=SMALL) as pilot:
        await resume_asks(pilot)
        assert not engine.reopened
        await pilot.press(*"tsd", "enter")
        await settled(pilot)
        assert not engine.reopened
        await pilot.press("b", "enter")
        await on_screen(pilot, "RunScreen")
    assert [confirm for _, _, confirm in engine.reopened] == ["tsdb"]


async def test_resume_goes_straight_on_when_nothing_has_to_go() -> None:
    engine = unfinished()
    engine.confirmation = None
    engine.run = held_run().run
    async with app_with(engine).run_test(size=SMALL) as pilot:
        await to_resume(pilot)
        await pilot.press(*"mst-pw", "tab", *"cloud-pw", "enter")
        await on_screen(pilot, "RunScreen")
        assert "mst-pw" not in shown(pilot)
    ((source, target, confirm),) = engine.reopened
    assert (source.password, target.password, confirm) == ("mst-pw", "cloud-pw", None)
    assert source.host == SOURCE.host


async def test_resume_says_what_stands_in_its_way() -> None:
    class Refusing(RecordedEngine):
        async def needs_confirmation(self, run_folder: RunFolder, target: object) -> str | None:
            raise REFUSED

    engine = Refusing(run_folders=unfinished().run_folders)
    async with app_with(engine).run_test(size=SMALL) as pilot:
        await to_resume(pilot)
        await pilot.press("enter")
        await until(pilot, lambda: REFUSED.what in notice(pilot))


async def test_runs_of_a_demo_and_finished_runs_are_not_offered() -> None:
    from dataclasses import replace

    demo = run_folder(demo=True)
    over = run_folder()
    over.record = replace(over.record, result=Level.PASS)
    engine = RecordedEngine(run_folders=(demo, over))
    async with app_with(engine).run_test(size=SMALL) as pilot:
        await on_screen(pilot, "WelcomeScreen")
        assert "Resume" not in shown(pilot)


async def test_steps_to_come_show_what_was_estimated_for_them() -> None:
    app = app_with(held_run())
    async with app.run_test(size=SMALL) as pilot:
        await to_run(pilot)
        assert app.feed is not None
        advice = app.feed.run.run_folder.record.advice
        assert advice is not None
        phases = {phase.name: phase for phase in advice.estimate("full").phases}
        post = phases["restore-post-data"]
        [line] = [line for line in shown(pilot).splitlines() if "· Restore post-data" in line]
        assert post.seconds.text in line
        screen = app.screen
        assert isinstance(screen, RunScreen)
        pending = [step.id for step in screen.model.steps if step.state == "pending"]
        total = SecondsRange.sum(phases[id].seconds for id in pending if id in phases)
        assert f"Steps · after this one: {total.text}" in shown(pilot)


async def test_a_run_without_an_estimate_shows_none() -> None:
    engine = held_run()
    assert engine.run is not None
    folder = engine.run.run_folder
    folder.record = replace(folder.record, advice=None)
    async with app_with(engine).run_test(size=SMALL) as pilot:
        await to_run(pilot)
        assert "after this one" not in shown(pilot)


async def test_no_time_is_left_where_nobody_knows_how_much_there_is() -> None:
    engine = held_run()
    run = engine.run
    assert run is not None
    first = next(n for n, event in enumerate(run.recorded) if isinstance(event, StepStarted))
    run.hold_at = (first + 1,)
    async with app_with(engine).run_test(size=SMALL) as pilot:
        await to_run(pilot)
        await until(pilot, lambda: "1 of 14" in shown(pilot))
        assert "--%" not in shown(pilot) and " left" not in shown(pilot)


@pytest.mark.parametrize(
    ("engine", "size", "cells"),
    [(split_run, SMALL, 0), (split_run, LARGE, 0), (split_run, WIDEST, 12), (held_run, SMALL, 12)],
)
async def test_each_table_has_a_bar_where_names_leave_room(
    engine: Callable[[], RecordedEngine], size: tuple[int, int], cells: int
) -> None:
    async with app_with(engine()).run_test(size=size) as pilot:
        await to_run(pilot)
        await until(pilot, lambda: "✓ done" in shown(pilot))
        line = next(line for line in shown(pilot).splitlines() if "✓ done" in line)
        assert line.count("━") == cells
