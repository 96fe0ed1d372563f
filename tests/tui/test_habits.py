"""What works on every screen: the palette, `?`, copying to a file, suggestions, any size."""

from pathlib import Path

import pytest
from textual.command import CommandPalette
from textual.pilot import Pilot
from textual.widgets import OptionList
from textual_fspicker import SelectDirectory
from textual_fspicker.parts import DirectoryNavigation

from tests.support.fitting import assert_fits
from tests.support.recorded_engine import RecordedEngine, RecordedRun
from tests.support.wizard_pilot import (
    LARGE,
    SMALL,
    app_with,
    notice,
    on_screen,
    shown,
    type_text,
    until,
)
from tests.support.wizard_scenes import (
    SCENES,
    large_source,
    to_check,
    to_inspect,
    to_method,
    to_review,
    to_source,
)
from tests.support.wizard_story import outcome, run_folder, whole
from tests.support.wizard_world import PAIR
from tswizard.core.model.finding import Level
from tswizard.tui.screens.review import StepCard
from tswizard.tui.themes import LIGHT
from tswizard.tui.widgets.checklist import TodoEntry
from tswizard.tui.widgets.fields import TextField
from tswizard.tui.widgets.findings import FindingsView


async def choose(pilot: Pilot[int], typed: str, wanted: str) -> None:
    """A command out of the palette."""
    await pilot.press("ctrl+p")
    await until(pilot, lambda: isinstance(pilot.app.screen, CommandPalette))
    await pilot.press(*typed)
    options = pilot.app.screen.query_one(OptionList)

    def first() -> str:
        return str(options.get_option_at_index(0).prompt) if options.option_count else ""

    await until(pilot, lambda: wanted in first(), what=wanted)
    await pilot.press("enter")
    await until(pilot, lambda: not isinstance(pilot.app.screen, CommandPalette))


async def test_the_palette_has_every_key_of_the_screen() -> None:
    app = app_with(RecordedEngine())
    async with app.run_test(size=SMALL) as pilot:
        await to_inspect(pilot)
        view = app.screen.query_one(FindingsView)
        await choose(pilot, "sort", "Sort")
        await until(pilot, lambda: not view._by_weight)


async def test_the_palette_leads_back_to_an_earlier_screen() -> None:
    app = app_with(RecordedEngine(), source=PAIR.source.endpoint, target=PAIR.target.endpoint)
    async with app.run_test(size=SMALL) as pilot:
        await on_screen(pilot, "WelcomeScreen")
        for screen in ("SourceScreen", "TargetScreen", "InspectScreen"):
            await pilot.press("enter")
            await on_screen(pilot, screen)
        await choose(pilot, "source", "Back to Source")
        await on_screen(pilot, "SourceScreen")


async def test_the_palette_leads_nowhere_from_a_run() -> None:
    scene = SCENES["run"]
    async with scene.app().run_test(size=SMALL) as pilot:
        await scene.drive(pilot)
        await pilot.press("ctrl+p")
        await until(pilot, lambda: "Pause" in shown(pilot))
        assert "Back to" not in shown(pilot)


async def test_a_theme_is_chosen_in_the_palette() -> None:
    app = app_with(RecordedEngine())
    async with app.run_test(size=SMALL) as pilot:
        await to_source(pilot)
        await choose(pilot, "light", "Theme: light")
        assert app.theme == LIGHT.name


async def test_what_the_figures_of_a_line_mean() -> None:
    async with app_with(large_source()).run_test(size=SMALL) as pilot:
        await to_inspect(pilot)
        await pilot.press("right", "?")
        await until(pilot, lambda: "What the figures mean" in shown(pilot))
        assert "rows (est.)  31.2 B" in shown(pilot)  # which has no room in the table


async def test_all_commands_of_a_step_are_shown() -> None:
    async with app_with(RecordedEngine()).run_test(size=LARGE) as pilot:
        await to_review(pilot)
        card = max(pilot.app.screen.query(StepCard), key=lambda card: len(card.step.commands))
        card.focus()
        await pilot.press("?")
        await until(pilot, lambda: f"─ {card.step.title}" in shown(pilot))


async def test_a_question_mark_is_typed_where_text_is_typed() -> None:
    async with app_with(RecordedEngine()).run_test(size=SMALL) as pilot:
        await to_source(pilot)
        await pilot.press(*"a?b")
        await until(pilot, lambda: "a?b" in shown(pilot))
        await on_screen(pilot, "SourceScreen")


async def test_what_is_copied_is_in_the_runs_folder_too(tmp_path: Path) -> None:
    end = outcome(Level.LOOK)
    engine = RecordedEngine(run=RecordedRun(run_folder(tmp_path), whole(), end))
    app = app_with(engine)
    async with app.run_test(size=SMALL, notifications=True) as pilot:
        await to_check(pilot)
        entry = next(entry for entry in app.screen.query(TodoEntry) if entry.copy_text)
        entry.focus()
        await pilot.press("y")
        path = tmp_path / "copied" / "text.txt"
        await until(pilot, path.exists)
        assert path.read_text(encoding="utf-8").rstrip("\n") == entry.copy_text.rstrip("\n")
        said = [notification.message for notification in app._notifications]
        assert any(str(path) in message for message in said)


async def test_what_cannot_be_written_is_copied_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("TSWIZARD_STATE_DIR", str(tmp_path / "file"))
    app = app_with(RecordedEngine())
    async with app.run_test(size=SMALL, notifications=True) as pilot:
        await on_screen(pilot, "WelcomeScreen")
        app.copy("SELECT 1;", "Text")
        assert app.clipboard == "SELECT 1;"
        await until(pilot, lambda: len(app._notifications) > 0)
        [notification] = app._notifications
        assert "could not be written" in notification.message


async def test_a_known_server_is_offered_and_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "passwords").write_text("mst.example.com:20985:defaultdb:tsdbadmin:geheim\n")
    monkeypatch.setenv("PGPASSFILE", str(tmp_path / "passwords"))
    monkeypatch.setenv("PGSERVICEFILE", str(tmp_path / "none"))
    async with app_with(RecordedEngine()).run_test(size=SMALL) as pilot:
        await to_source(pilot)
        field = pilot.app.screen.query_one("#conninfo", TextField)
        await pilot.press(*"postg")
        await until(pilot, lambda: "//tsdbadmin@mst.example.com" in shown(pilot))
        await pilot.press("right")
        whole_url = "postgresql://tsdbadmin@mst.example.com:20985/defaultdb"
        await until(pilot, lambda: field.value == whole_url)
        assert "geheim" not in shown(pilot)


async def test_the_staging_folder_is_picked(tmp_path: Path) -> None:
    (tmp_path / "large disk").mkdir()
    async with app_with(RecordedEngine()).run_test(size=SMALL) as pilot:
        await to_method(pilot)
        field = pilot.app.screen.query_one("#staging", TextField)
        field.value = str(tmp_path / "not there" / "nor this")
        field.focus()
        await pilot.press("ctrl+o")
        await until(pilot, lambda: "large disk" in shown(pilot))
        picker = pilot.app.screen
        assert isinstance(picker, SelectDirectory)
        await pilot.press("down", "enter")
        inside = picker.query_one(DirectoryNavigation)
        await until(pilot, lambda: inside.location == tmp_path / "large disk")
        await pilot.press("tab", "enter")
        await until(pilot, lambda: field.value == str(tmp_path / "large disk"))
        await on_screen(pilot, "MethodScreen")


@pytest.mark.parametrize("typed", ["~nobodyx/foo", "/" + "x" * 300])
async def test_a_staging_folder_that_cannot_even_be_looked_for(typed: str) -> None:
    async with app_with(RecordedEngine()).run_test(size=SMALL) as pilot:
        await to_method(pilot)
        field = pilot.app.screen.query_one("#staging", TextField)
        field.value = typed
        field.focus()
        await pilot.press("enter")
        await until(pilot, lambda: "is not a folder" in notice(pilot))
        await pilot.press("ctrl+o")
        await until(pilot, lambda: isinstance(pilot.app.screen, SelectDirectory))
        assert pilot.app._exception is None


async def test_a_number_that_is_far_too_long() -> None:
    async with app_with(RecordedEngine()).run_test(size=SMALL) as pilot:
        await to_method(pilot)
        await type_text(pilot, "#jobs", "9" * 5000)
        await pilot.press("enter")
        await until(pilot, lambda: "Parallel jobs: a whole number" in notice(pilot))
        assert pilot.app._exception is None


@pytest.mark.parametrize("name", ["welcome", "source-connected", "method", "review", "check-lost"])
async def test_in_a_very_wide_terminal_nothing_is_too_wide_to_read(name: str) -> None:
    scene = SCENES[name]
    async with scene.app().run_test(size=(260, 60)) as pilot:
        await scene.drive(pilot)
        assert_fits(pilot)
        read = pilot.app.screen.query("TextField, Row > .right, #intro, #notice, .step-what")
        assert read
        assert max(widget.size.width for widget in read) <= 160
