"""The steps of a run with their times; the running one stays in sight."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Static

from tswizard.tui.text import STATES
from tswizard.wizard.text import clock

if TYPE_CHECKING:
    from textual.app import ComposeResult

    from tswizard.wizard.run_model import StepModel

_TIME = 9


class StepList(VerticalScroll, can_focus=False):
    """One line a step: mark, title, time; a word where the mark alone would not do."""

    def __init__(self, id: str | None = None) -> None:
        super().__init__(id=id)
        self._drawn: tuple[Sequence[StepModel], int, float] | None = None

    def compose(self) -> "ComposeResult":
        yield Static(id="step-lines")

    def on_mount(self) -> None:
        # The lines' new height is known only once they are laid out.
        self.watch(self, "virtual_size", self._follow, init=False)

    def on_resize(self) -> None:
        if self._drawn is not None:
            self.show(*self._drawn)

    def show(self, steps: "Sequence[StepModel]", current: int, now: float) -> None:
        """Draw all steps; `current` is the place of the running one, from 1."""
        self._drawn = (steps, current, now)
        room = max(12, self.scrollable_content_region.width - _TIME - 2)
        lines = [_line(step, room, now) for step in steps]
        self.query_one("#step-lines", Static).update(Content("\n").join(lines))
        self._follow()

    def _follow(self) -> None:
        """Keep the step after the running one in view."""
        if self._drawn is None:
            return
        steps, current, _ = self._drawn
        if current:
            top = min(current + 1, len(steps)) - self.size.height
            self.scroll_to(y=max(0, top), animate=False)


def _line(step: "StepModel", room: int, now: float) -> Content:
    mark, style = STATES[step.state]
    title = Content(step.title).truncate(room, ellipsis=True).pad_right(0)
    title = title.pad_right(room - title.cell_length)
    seconds = step.elapsed(now)
    if step.state in ("skipped", "stopped", "failed"):
        time = str(step.state)
    else:
        time = "" if seconds is None else clock(seconds)
    return Content.assemble((f"{mark} ", style), title.stylize(style), (f"{time:>{_TIME}}", style))
