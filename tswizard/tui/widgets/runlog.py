"""The run's log: Textual's `Log` with words in color, a cursor and an explanation behind it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from rich.cells import cell_len, set_cell_size
from rich.text import Text
from textual.binding import Binding, BindingType
from textual.events import Click
from textual.message import Message
from textual.reactive import reactive
from textual.strip import Strip
from textual.widgets import Log

from tswizard.tui.log_model import HARMLESS, MAX_LINES, WORD
from tswizard.tui.text import ending

_STYLES = dict.fromkeys(HARMLESS, "runlog--safe") | {
    "LOOK": "runlog--look",
    "LOST": "runlog--lost",
    "FAIL": "runlog--lost",
}


class RunLog(Log, inherit_bindings=False):
    """Follows the end until somebody moves the cursor; `end` follows again."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "explain", "Explain", key_display="enter"),
        Binding("y", "copy_line", "Copy"),
        Binding("up", "move(-1)", show=False),
        Binding("down", "move(1)", show=False),
        Binding("pageup", "page(-1)", show=False),
        Binding("pagedown", "page(1)", show=False),
        Binding("home", "move(-1000000)", show=False),
        Binding("end", "follow", show=False),
    ]
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "runlog--safe",
        "runlog--look",
        "runlog--lost",
        "runlog--cursor",
    }
    DEFAULT_CSS = """
    RunLog {
        overflow-x: hidden;
        & > .runlog--safe { color: $text-success; text-style: bold; }
        & > .runlog--look { color: $text-warning; text-style: bold; }
        & > .runlog--lost { color: $text-error; text-style: bold; }
        & > .runlog--cursor { text-style: reverse; }
    }
    """

    cursor: reactive[int | None] = reactive(None)
    """Index of the line under the cursor; None while the log follows its end."""

    @dataclass
    class Explain(Message):
        """Somebody wants to know more about a line; -1 is the newest that can be explained."""

        number: int

    @dataclass
    class CopyLine(Message):
        number: int
        text: str

    def __init__(self, id: str | None = None) -> None:
        super().__init__(id=id, max_lines=MAX_LINES)
        self._first = 0
        """Number of the first line that was shown, and the count since."""
        self._written = 0

    def show(self, lines: Sequence[str], first: int) -> None:
        """Replace everything; `first` is the number of the first of these lines."""
        self.clear()
        self.cursor = None
        self._first, self._written = first, len(lines)
        self.write_lines(lines)
        self.scroll_end(animate=False)

    def append(self, lines: Sequence[str]) -> None:
        """Add a frame's worth of lines, in one go."""
        before = len(self.lines)
        self._written += len(lines)
        self.write_lines(lines)
        if self.cursor is not None:
            dropped = before + len(lines) - len(self.lines)
            self.cursor = max(0, self.cursor - dropped)

    @property
    def cursor_number(self) -> int:
        """The number, since the first line of the run, of the line under the cursor; or -1."""
        if self.cursor is None:
            return -1
        return self._first + self._written - len(self.lines) + self.cursor

    def render_line(self, y: int) -> Strip:
        index = self.scroll_offset.y + y
        width = self.scrollable_content_region.width
        if index >= len(self.lines):
            return Strip.blank(width, self.rich_style)
        line = self.lines[index]
        text = Text(shortened(line, width), no_wrap=True, end="")
        text.truncate(width, pad=True)
        text.stylize(self.rich_style)
        style = _STYLES.get(line[WORD].strip())
        if style:
            text.stylize(self.get_component_rich_style(style, partial=True), WORD.start, WORD.stop)
        if index == self.cursor:
            text.stylize(self.get_component_rich_style("runlog--cursor", partial=True))
        self._select(text, index)
        return Strip(text.render(self.app.console), width).apply_offsets(0, index)

    def _select(self, text: Text, index: int) -> None:
        """What the mouse has marked."""
        selection = self.text_selection
        span = selection.get_span(index) if selection else None
        if span is not None:
            start, end = span
            style = self.screen.get_component_rich_style("screen--selection")
            text.stylize(style, start, len(text) if end == -1 else end)

    def watch_cursor(self) -> None:
        self.auto_scroll = self.cursor is None
        self.refresh()

    def action_move(self, by: int) -> None:
        if not self.lines:
            return
        last = len(self.lines) - 1
        start = last + 1 if self.cursor is None else self.cursor
        self.cursor = min(max(0, start + by), last)
        self._keep_in_sight(self.cursor)

    def action_page(self, direction: int) -> None:
        self.action_move(direction * max(1, self.size.height - 1))

    def action_follow(self) -> None:
        self.cursor = None
        self.scroll_end(animate=False)

    def action_explain(self) -> None:
        self.post_message(self.Explain(self.cursor_number))

    def action_copy_line(self) -> None:
        index = len(self.lines) - 1 if self.cursor is None else self.cursor
        if index >= 0:
            self.post_message(self.CopyLine(self.cursor_number, self.lines[index]))

    def on_resize(self) -> None:
        if self.cursor is None:
            self.scroll_end(animate=False)

    def on_click(self, event: Click) -> None:
        index = self.scroll_offset.y + event.y
        if index < len(self.lines):
            self.cursor = index

    def _keep_in_sight(self, index: int) -> None:
        top, height = self.scroll_offset.y, self.size.height
        if index < top:
            self.scroll_to(y=index, animate=False)
        elif index >= top + height:
            self.scroll_to(y=index - height + 1, animate=False)


def shortened(line: str, width: int) -> str:
    """A line that fits, cut in its middle: what it is about is at its end."""
    if cell_len(line) <= width:
        return line
    room = width // 3
    return f"{set_cell_size(line, width - room - 1)}…{ending(line[-room:], room)}"
