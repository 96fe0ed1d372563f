"""Check: the verdict, groups that fold, what is ticked and copied, and the report."""

from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
from textual.pilot import Pilot
from textual.widgets import Button, Static

from tests.support.wizard_pilot import HUGE, LARGE, SMALL, app_with, notice, on_screen, shown, until
from tests.support.wizard_scenes import finished_run, lost_run, passed_run, to_check
from tests.support.wizard_story import outcome
from tswizard.core.model.finding import Level
from tswizard.core.model.outcome import TableRows
from tswizard.tui.dialogs import Reader
from tswizard.tui.pager import pager
from tswizard.tui.widgets.checklist import CheckedEntry, Entry, Heading, TodoEntry
from tswizard.tui.widgets.verdict import large
from tswizard.wizard.outcome_rows import row_counts


async def test_what_the_user_does_is_ticked_by_hand_and_copied() -> None:
    async with app_with(finished_run()).run_test(size=SMALL) as pilot:
        await to_check(pilot)
        todo = list(pilot.app.screen.query(TodoEntry))
        todo[0].focus()
        await pilot.press("space")
        await until(pilot, lambda: "[x]" in shown(pilot))
        await pilot.press("y")
        await until(pilot, lambda: pilot.app.clipboard == todo[0].copy_text)
        await pilot.press("space")
        await until(pilot, lambda: "[x]" not in shown(pilot))


async def test_the_report_can_be_read_and_its_absence_is_said() -> None:
    async with app_with(finished_run()).run_test(size=SMALL) as pilot:
        await to_check(pilot)
        pilot.app.screen.query("FileEntry").first().focus()
        await pilot.press("enter")
        await until(pilot, lambda: "cannot be read" in notice(pilot))


async def test_what_enter_opens_stands_beside_the_list_where_there_is_room() -> None:
    async with app_with(lost_run()).run_test(size=HUGE) as pilot:
        await to_check(pilot)
        pane = pilot.app.screen.query_one("#detail")
        entries = list(pilot.app.screen.query(CheckedEntry))
        assert "Cause unknown." in shown(pilot)
        await pilot.press("down")
        detail = entries[1].detail()
        assert detail is not None
        text = pane.query_one("#detail-text", Static)
        await until(pilot, lambda: str(text.render()) == str(detail[1]))
        await pilot.resize_terminal(*LARGE)
        await until(pilot, lambda: not pane.region)


async def test_rows_and_times_stand_beside_the_list_where_there_is_much_room() -> None:
    async with app_with(lost_run()).run_test(size=HUGE) as pilot:
        await to_check(pilot)
        assert not any(heading.folded for heading in pilot.app.screen.query(Heading))
        lines = [line.split("│")[-2].split() for line in shown(pilot).splitlines() if "│" in line]
        head = lines.index(["table", "source", "target", "rows"])
        assert lines[head + 1] == ["public.conditions", "178,620", "138,300", "DIFFERS"]
        assert all(line[-1:] == ["equal"] for line in lines[head + 2 : head + 10])
        assert ["step", "took", "estimated"] in lines
        [restored] = [line for line in lines if line[:3] == ["Restore", "the", "rows"]]
        assert restored[4] == "s"


async def test_of_thousands_of_tables_the_rest_is_counted() -> None:
    tables = tuple(
        TableRows(name=f"t{n}", source_rows=n, target_rows=n, equal=n != 1) for n in range(9)
    )
    rows = [*row_counts(replace(outcome(Level.PASS), tables=tables), 3)]
    assert [row[0] for row in rows] == ["t1", "t8", "t7", "… and 6 more in the report"]


async def test_groups_fold_and_what_passed_is_folded_where_something_did_not() -> None:
    async with app_with(lost_run()).run_test(size=SMALL) as pilot:
        await to_check(pilot)
        folded = {heading._title: heading.folded for heading in pilot.app.screen.query(Heading)}
        assert folded["Passed"] and not folded["Failed"]
        heading = next(h for h in pilot.app.screen.query(Heading) if h.folded)
        heading.focus()
        await pilot.press("enter")
        await until(pilot, lambda: all(entry.display for entry in pilot.app.screen.query(Entry)))
        await pilot.press("left")
        await until(pilot, lambda: not all(e.display for e in pilot.app.screen.query(Entry)))
        await pilot.press("space")
        await until(pilot, lambda: all(entry.display for entry in pilot.app.screen.query(Entry)))


async def test_everything_that_passed_is_shown_when_all_did() -> None:
    async with app_with(passed_run()).run_test(size=SMALL) as pilot:
        await to_check(pilot)
        assert not any(heading.folded for heading in pilot.app.screen.query(Heading))


@pytest.mark.parametrize(
    ("size", "locale", "letters"),
    [(LARGE, "C.UTF-8", True), (SMALL, "C.UTF-8", False), (LARGE, "C", False)],
)
async def test_the_verdict_is_in_large_letters_where_they_have_room(
    size: tuple[int, int], locale: str, letters: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LC_ALL", locale)
    async with app_with(lost_run()).run_test(size=size) as pilot:
        await to_check(pilot)
        assert (large("FAIL").splitlines()[0] in shown(pilot)) is letters
        assert ("FAIL   Finished" in shown(pilot)) is not letters


@pytest.mark.parametrize("level", Level)
def test_there_are_letters_for_every_result(level: Level) -> None:
    lines = large(level.upper()).splitlines()
    assert len(lines) == 5 and max(map(len, lines)) <= 46


def moved(pilot: Pilot[int], before: tuple[object, object]) -> bool:
    focused, screen = before
    return pilot.app.focused is not focused or pilot.app.screen is not screen


async def test_enter_alone_reads_line_by_line_and_comes_to_done() -> None:
    async with app_with(finished_run()).run_test(size=SMALL) as pilot:
        await to_check(pilot)
        read = 0
        while not isinstance(pilot.app.focused, Button):
            before = pilot.app.focused, pilot.app.screen
            await pilot.press("enter")
            await until(pilot, partial(moved, pilot, before))
            read += isinstance(pilot.app.screen, Reader)
            assert read < 50
        assert pilot.app.focused.id == "next" and read > 3
        await pilot.press("enter")
        await until(pilot, lambda: pilot.app.return_value is not None)


async def test_escape_leaves_a_detail_where_it_was_opened() -> None:
    async with app_with(finished_run()).run_test(size=SMALL) as pilot:
        await to_check(pilot)
        entry = pilot.app.focused
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, Reader))
        await pilot.press("escape")
        await until(pilot, lambda: pilot.app.focused is entry)


async def test_back_from_check_shows_the_log_and_forward_the_checklist() -> None:
    async with app_with(finished_run()).run_test(size=SMALL) as pilot:
        await to_check(pilot)
        await pilot.press("escape")
        await on_screen(pilot, "RunScreen")
        await pilot.press("enter")
        await on_screen(pilot, "CheckScreen")


def test_the_pager_is_the_users_own_then_less_then_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert pager({}) == []
    for name in ("more", "less", "most"):
        (tmp_path / name).touch(mode=0o755)
        assert pager({}) == [name if name == "more" else "less"]
    assert pager({"PAGER": "most -s"}) == ["most", "-s"]
    assert pager({"PAGER": "gone -x"}) == ["less"]
    assert pager({"PAGER": "'unclosed"}) == ["less"]
