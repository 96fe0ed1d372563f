"""Each screen as it was accepted; `--snapshot-update` accepts it again, after a look at the diff.

On the way each is measured: in 80 columns by 24 lines nothing may be cut off, and every key that
is shown has something to do. The pictures show the colors too.
"""

import pytest
from syrupy.assertion import SnapshotAssertion
from syrupy.extensions.single_file import SingleFileSnapshotExtension, WriteMode
from textual.pilot import Pilot

from scripts.screenshots import FOLDER, PICTURES, drawn, path_of
from tests.support.fitting import assert_fits
from tests.support.wizard_pilot import LARGE, SMALL, at_rest, settled, shown
from tests.support.wizard_scenes import ALL, SCENES
from tswizard.tui.widgets.keys import Keys

RESIZED = {name for name, scene in SCENES.items() if scene.sizes == ALL} | {
    "check-detail",
    "figures",
    "help",
    "method-help",
    "run-stop",
}
"""Each screen and each kind of dialog. Other scenes show other words in the same places."""


class ScreenText(SingleFileSnapshotExtension):
    """A file of plain text for each screen."""

    _write_mode = WriteMode.TEXT
    _file_extension = "txt"


@pytest.mark.parametrize(
    ("name", "size"),
    [(name, size) for name, scene in SCENES.items() for size in scene.sizes],
    ids=lambda value: value if isinstance(value, str) else f"{value[0]}x{value[1]}",
)
async def test_screen(snapshot: SnapshotAssertion, name: str, size: tuple[int, int]) -> None:
    scene = SCENES[name]
    async with scene.app().run_test(size=size) as pilot:
        await scene.drive(pilot)
        await at_rest(pilot)
        assert_fits(pilot)
        assert_keys_work(pilot)
        assert with_focus(pilot) == snapshot(extension_class=ScreenText)
        if name in PICTURES and size == LARGE:
            stale = f"{path_of(name)} is stale: python -m scripts.screenshots {name}"
            assert drawn(pilot, name) == path_of(name).read_text(encoding="utf-8"), stale
        if size == SMALL and name in RESIZED:
            await takes_any_size(pilot, fits=name != "palette")  # which is Textual's own


async def takes_any_size(pilot: Pilot[int], *, fits: bool) -> None:
    """Resized while it shows whatever it shows, it holds together, and fits again in the end."""
    for size in ((200, 60), (30, 8), (160, 24), SMALL):
        await pilot.resize_terminal(*size)
        await settled(pilot)
    if fits:
        assert_fits(pilot)


def test_every_picture_of_the_docs_is_compared() -> None:
    assert {path.stem for path in FOLDER.glob("*.svg")} == set(PICTURES)
    assert all(LARGE in SCENES[name].sizes for name in PICTURES)


def with_focus(pilot: Pilot[int]) -> str:
    focused = pilot.app.focused
    name = f"{type(focused).__name__} {focused.id or ''}".strip() if focused else "nothing"
    return f"{shown(pilot)}\nFocus: {name}\n"


@pytest.mark.parametrize("name", ["source-connected", "inspect", "review", "run", "check"])
async def test_a_terminal_that_is_too_small_breaks_nothing(name: str) -> None:
    scene = SCENES[name]
    async with scene.app().run_test(size=(30, 8)) as pilot:
        await scene.drive(pilot)
        await pilot.resize_terminal(80, 24)
        await settled(pilot)
        assert_fits(pilot)


def assert_keys_work(pilot: Pilot[int]) -> None:
    """Every key in the footer leads to a method of the widget that it is bound on."""
    shown = [key for keys in pilot.app.screen.query(Keys).results(Keys) for key in keys.shown]
    for active in pilot.app.screen.active_bindings.values():
        if active.binding not in shown:
            continue
        action = active.binding.action.partition("(")[0]
        node = pilot.app if action.startswith("app.") else active.node
        method = f"action_{action.removeprefix('app.').removeprefix('screen.')}"
        assert hasattr(node, method), f"{active.binding.key} does nothing"
