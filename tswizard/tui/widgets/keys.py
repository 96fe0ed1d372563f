"""The footer: the keys that work right now.

One line drawn in one go. Textual's own footer is a widget for each key, recreated whenever the
focus moves, which is felt over a slow link.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from textual.binding import Binding
from textual.content import Content
from textual.events import Click
from textual.reactive import reactive
from textual.widget import Widget

if TYPE_CHECKING:
    from textual.screen import Screen

_GAP = 2
_PALETTE = Binding("ctrl+p", "command_palette", "Commands")
_PLACES = {"back": 0, "next": 1, "ask_quit": 8, "help": 9}


def _place(binding: Binding) -> int:
    """The keys of every screen are at the same end everywhere."""
    return _PLACES.get(binding.action, 5)


class Keys(Widget):
    """Key and word for each; a click on one is the key."""

    ALLOW_SELECT = False
    DEFAULT_CSS = """
    Keys {
        dock: bottom;
        height: 1;
        padding: 0 1;
        background: $footer-background;
        color: $footer-foreground;
        text-wrap: nowrap;
        text-overflow: ellipsis;
    }
    """

    shown: reactive[tuple[Binding, ...]] = reactive(())

    def on_mount(self) -> None:
        self.screen.bindings_updated_signal.subscribe(self, self._changed)

    def _changed(self, screen: "Screen[object]") -> None:
        first: dict[str, Binding] = {}
        for active in screen.active_bindings.values():
            if active.binding.show and active.enabled:
                first.setdefault(active.binding.action, active.binding)
        self.shown = tuple(sorted(first.values(), key=_place))

    def render(self) -> Content:
        return self._line(self._fitting)

    def _line(self, bindings: Sequence[Binding]) -> Content:
        return Content(" " * _GAP).join(
            Content.assemble(
                (self.app.get_key_display(binding), "bold $footer-key-foreground"),
                f" {binding.description}",
            )
            for binding in bindings
        )

    @property
    def _fitting(self) -> tuple[Binding, ...]:
        """With the palette at the end where there is room for it."""
        more = (*self.shown, _PALETTE)
        fits = self._line(more).cell_length <= self.content_region.width
        return more if fits else self.shown

    @property
    def needed_width(self) -> int:
        """Columns that all keys take."""
        return self._line(self.shown).cell_length

    def on_click(self, event: Click) -> None:
        event.stop()
        right = 1
        for binding in self._fitting:
            left = right
            right += len(self.app.get_key_display(binding)) + 1 + len(binding.description) + _GAP
            if left <= event.x < right:
                self.app.simulate_key(binding.key)
