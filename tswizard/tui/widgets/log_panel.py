"""The log of a run with its filters, and what explains a line."""

from typing import TYPE_CHECKING, cast

from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Static

from tswizard.core.model.wording import short_number
from tswizard.tui.dialogs import text_reader
from tswizard.tui.log_model import Filter, LogModel
from tswizard.tui.widgets.runlog import RunLog

if TYPE_CHECKING:
    from tswizard.core.model.events import Event
    from tswizard.tui.app_protocol import App


class LogPanel(Vertical):
    """Takes events and shows the lines of them that pass the filter."""

    def __init__(self) -> None:
        super().__init__(id="log-panel")
        self._model = LogModel()
        self._filter = Filter.ALL
        self._shown = 0

    def compose(self) -> ComposeResult:
        yield Static(id="log-title", markup=False)
        yield RunLog(id="log")

    def on_mount(self) -> None:
        self._show_title()

    @property
    def line_width(self) -> int:
        """Cells of a line."""
        return self.query_one(RunLog).scrollable_content_region.width

    def add(self, event: "Event", width: int) -> None:
        """Take an event, for lines of that width; `draw` shows what came of it."""
        self._model.add(event, width)

    def draw(self) -> None:
        """Append what is new."""
        filtered = self._model.by_filter[self._filter]
        number = filtered.dropped + len(filtered.lines)
        fresh = number - self._shown
        if fresh:
            self.query_one(RunLog).append(filtered.lines[-fresh:])
            self._shown = number
        self._model.trim()
        self._show_title()

    def _show_title(self) -> None:
        parts: list[Content] = []
        for filter in Filter:
            chosen = filter is self._filter
            text = f"{filter} {short_number(self._model.counts[filter])}"
            if filter is Filter.LOOK and self._model.lost:
                text += f" ({self._model.lost} LOST)"
            parts.append(
                Content.styled(f"[{text}]" if chosen else f" {text} ", "bold" if chosen else "")
            )
        self.query_one("#log-title", Static).update(Content("").join(parts))

    def next_filter(self) -> None:
        filters = list(Filter)
        self._filter = filters[(filters.index(self._filter) + 1) % len(filters)]
        filtered = self._model.by_filter[self._filter]
        self.query_one(RunLog).show(filtered.lines, filtered.dropped)
        self._shown = filtered.dropped + len(filtered.lines)
        self._show_title()

    @on(RunLog.Explain)
    def _explain(self, event: RunLog.Explain) -> None:
        filtered = self._model.by_filter[self._filter]
        number = event.number if event.number >= 0 else max(filtered.explanations, default=-1)
        explanation = filtered.explanations.get(number)
        if explanation is None:
            self.notify("This line is not an error. Press f to show only those that need a look.")
            return
        parts = (explanation.title, explanation.reason, explanation.todo, explanation.raw)
        text = Content("\n\n").join(Content(part) for part in dict.fromkeys(parts) if part)
        self.app.push_screen(text_reader(explanation.word, text, str(text)))

    @on(RunLog.CopyLine)
    def _copy_line(self, event: RunLog.CopyLine) -> None:
        explanation = self._model.by_filter[self._filter].explanations.get(event.number)
        text = explanation.raw if explanation else event.text
        cast("App", self.app).copy(text, "Line")
