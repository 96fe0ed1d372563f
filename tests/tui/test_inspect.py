"""Inspect: the order of findings, and where the bulk of a hypertable lies."""

import asyncio
from dataclasses import replace

from textual.widgets import TabbedContent

from tests.support.recorded_engine import RecordedEngine
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
from tests.support.wizard_scenes import to_inspect
from tests.support.wizard_world import INVENTORY, PAIR
from tswizard.tui.widgets.chunk_bars import ChunkBars
from tswizard.tui.widgets.facts import Row
from tswizard.tui.widgets.findings import FindingsView
from tswizard.tui.widgets.table import FittingTable
from tswizard.wizard.chunk_bars import bulk_lines, heights, percent, share_bar

MANY = 20_000
OWN = [table for table in INVENTORY.hypertables if table.cagg is None]


async def test_a_server_that_falls_silent_is_named_and_can_be_asked_again() -> None:
    engine = RecordedEngine(slow=asyncio.Event())
    app = app_with(engine, silent_after=0.1)
    async with app.run_test(size=SMALL, notifications=True) as pilot:
        await on_screen(pilot, "WelcomeScreen")
        app.show_inspect(PAIR)
        await until(pilot, lambda: app.screen.query("FindingsView"))
        await until(pilot, lambda: "The source has not answered for" in notice(pilot))
        assert "Ctrl+R starts again, Esc goes back" in notice(pilot)
        await pilot.press("enter")
        await until(pilot, lambda: "Enter continues when the checks are done" in notice(pilot))
        assert not app._notifications  # they would cover what is said
        engine.slow = None
        await pilot.press("ctrl+r")
        await until(pilot, lambda: "Review the LOOK items" in notice(pilot))
        await pilot.press("enter")
        await until(pilot, lambda: type(app.screen).__name__ == "MethodScreen")


async def test_what_passed_stands_beside_what_wants_to_be_read_where_there_is_room() -> None:
    for size, beside in ((SMALL, False), ((200, 60), True)):
        async with app_with(RecordedEngine()).run_test(size=size) as pilot:
            await to_inspect(pilot)
            look, passed = (
                pilot.app.screen.query_one(f"#findings-{name}").region for name in ("open", "fine")
            )
            assert (look.y == passed.y) is beside
            assert (look.right <= passed.x) is beside


async def test_findings_stand_by_weight_or_by_subject() -> None:
    app = app_with(RecordedEngine())
    async with app.run_test(size=SMALL) as pilot:
        await to_inspect(pilot)
        view = app.screen.query_one(FindingsView)
        assert view.findings[0].level != "pass"

        def passes() -> list[bool]:
            return [row.has_class("-pass") for row in view.query(Row)]

        weighed = passes()
        assert weighed == sorted(weighed) and len(set(weighed)) == 2
        await pilot.press("s")
        await until(pilot, lambda: len(passes()) == len(weighed) and passes() != weighed)
        await pilot.press("s")
        await until(pilot, lambda: passes() == weighed)


async def test_the_hypertable_with_the_cursor_is_drawn_and_materializations_are_not_there() -> None:
    app = app_with(RecordedEngine())
    async with app.run_test(size=LARGE) as pilot:
        await to_inspect(pilot)
        app.screen.query_one(TabbedContent).active = "tab-hypertables"
        await settled(pilot)
        assert app.screen.query_one("#hypertables", FittingTable).row_count == len(OWN)
        largest = max(OWN, key=lambda table: table.bytes)
        assert f"{largest.label}: " in shown(pilot)
        await pilot.press("down")
        second = sorted(OWN, key=lambda table: -table.bytes)[1]
        await until(pilot, lambda: f"{second.label}: " in shown(pilot))
        app.screen.query_one(TabbedContent).active = "tab-caggs"
        await until(
            pilot, lambda: "materialized only, " in shown(pilot) or "KiB in" in shown(pilot)
        )


async def test_many_chunks_are_no_more_widgets() -> None:
    big = max(OWN, key=lambda table: table.bytes)
    chunks = tuple(
        replace(big.chunks[0], name=f"c{n}", range_start=str(n), range_end=str(n + 1), bytes=n)
        for n in range(MANY)
    )
    many = replace(INVENTORY, hypertables=(replace(big, chunks=chunks),))
    app = app_with(RecordedEngine(inventory=many))
    async with app.run_test(size=SMALL) as pilot:
        await to_inspect(pilot)
        app.screen.query_one(TabbedContent).active = "tab-hypertables"
        await settled(pilot)
        bars = app.screen.query_one(ChunkBars)
        assert "20,000 chunks" in shown(pilot)
        assert not list(bars.children)
        assert len(list(app.screen.query("*"))) < 300


def test_lines_are_four_and_never_too_wide() -> None:
    for table in INVENTORY.hypertables:
        for width in (20, 76, 200):
            lines = list(bulk_lines(table, width))
            assert len(lines) == (4 if table.chunks else 1)
            if table.chunks:
                assert width / 2 < len(lines[1]) <= width or len(table.chunks) < width


def test_a_little_shows_and_only_all_is_all() -> None:
    assert share_bar(1, 1000, 5) == "█░░░░"
    assert share_bar(999, 1000, 5) == "████░"
    assert share_bar(0, 1000, 5) == "░░░░░"
    assert share_bar(0, 0, 5) == "░░░░░"
    assert share_bar(7, 7, 5) == "█████"
    assert heights([0, 1, 800]) == " ▁█"
    assert (percent(1, 1000), percent(999, 1000), percent(1, 1)) == ("1%", "99%", "100%")
