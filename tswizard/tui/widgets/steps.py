"""The steps of a run with their times, and those to come with their estimates; the running one
stays in sight."""

from collections.abc import Mapping, Sequence
from itertools import accumulate
from textwrap import wrap
from typing import TYPE_CHECKING

from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Static

from tswizard.core.model.events import StepState
from tswizard.tui.text import STATES
from tswizard.wizard.text import clock

if TYPE_CHECKING:
    from textual.app import ComposeResult

    from tswizard.core.model.estimate import SecondsRange
    from tswizard.wizard.run_model import StepModel

_LEAST = 12
"""Columns that a title has in any case."""
_WIDEST = 90
"""Columns of a line in any case: a time that stands far from its step is hard to read."""
_ROOMY = 64
"""Columns from which on there is room for an estimate beside a time."""
_UNTIMED = (StepState.SKIPPED, StepState.STOPPED, StepState.FAILED)


class StepList(VerticalScroll, can_focus=False):
    """A line for each step, more where its title is long: mark, title, time; a word where the mark
    alone would not do."""

    def __init__(self, id: str | None = None) -> None:
        super().__init__(id=id)
        self._drawn: tuple[Sequence[StepModel], int, float] | None = None
        self.estimates: Mapping[str, SecondsRange] = {}
        """By step id, where it was estimated before the run."""
        self._ends: Sequence[int] = ()
        """How many lines there are down to each step."""

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
        width = min(_WIDEST, self.scrollable_content_region.width - 1)  # beside the scrollbar
        roomy = bool(self.estimates) and width >= _ROOMY
        shown = [self._lines(step, self._time(step, now, roomy=roomy), width) for step in steps]
        self._ends = [*accumulate(map(len, shown))]
        lines = [line for lines in shown for line in lines]
        self.query_one("#step-lines", Static).update(Content("\n").join(lines))
        self._follow()

    def _lines(self, step: "StepModel", time: str, width: int) -> list[Content]:
        mark, style = STATES[step.state]
        room = max(_LEAST, width - len(time) - 3)
        first, *more = wrap(step.title, room)
        lines = [f"{mark} {first:<{room}} {time}", *(f"  {line}" for line in more)]
        return [Content.styled(line, style) for line in lines]

    def _time(self, step: "StepModel", now: float, *, roomy: bool) -> str:
        if step.state in _UNTIMED:
            return str(step.state)
        seconds, estimate = step.elapsed(now), self.estimates.get(step.id)
        taken = "" if seconds is None else clock(seconds)
        if estimate is None or step.state is StepState.DONE:
            return taken
        if not roomy:
            return taken or estimate.at_most
        return f"{taken}, estimated {estimate.text}" if taken else estimate.text

    def _follow(self) -> None:
        """Keep the step after the running one in view, and begin with the first line of a step."""
        if self._drawn is None:
            return
        steps, current, _ = self._drawn
        if current:
            least = self._ends[min(current, len(steps) - 1)] - self.size.height
            top = next(start for start in (0, *self._ends) if start >= least)
            self.scroll_to(y=top, animate=False)
