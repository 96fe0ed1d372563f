"""Nothing but the screens' own sequences reaches the terminal, whatever a name holds."""

from typing import TYPE_CHECKING

from rich.segment import Segment
from textual.filter import LineFilter

from tswizard.wizard.text import CONTROL

if TYPE_CHECKING:
    from textual.color import Color


class NoControls(LineFilter):
    """Takes out of every text what a terminal would obey. The layout has given it no cell."""

    def apply(self, segments: list[Segment], background: "Color") -> list[Segment]:
        return [
            segment
            if segment.control or segment.text.isprintable()
            else Segment(CONTROL.sub("", segment.text), segment.style)
            for segment in segments
        ]
