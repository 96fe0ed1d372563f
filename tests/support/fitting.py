"""Whether all of a screen has room."""

from textual.pilot import Pilot
from textual.widgets import Button

from tswizard.tui.widgets.keys import Keys
from tswizard.tui.widgets.runlog import RunLog


def assert_fits(pilot: Pilot[int]) -> None:
    """No button or key is cut off, and nothing scrolls sideways."""
    screen = pilot.app.screen
    for button in screen.query(Button).results(Button):
        if all(node.display for node in button.ancestors_with_self if hasattr(node, "display")):
            assert screen.region.contains_region(button.region), f"{button!r} is cut off"
            assert button.region.width >= len(str(button.label)), f"{button!r} is too narrow"
    for widget in screen.query("*"):
        cuts_by_itself = isinstance(widget, RunLog)
        if widget.is_scrollable and widget.size and not cuts_by_itself:
            assert widget.max_scroll_x == 0, f"{widget!r} hides something to its right"
    for keys in screen.query(Keys).results(Keys):
        assert keys.shown, "no key is shown"
        assert keys.needed_width <= keys.content_region.width, "a key is cut off"
