"""Check: what arrived, what did not, and what is left for the user."""

import asyncio
import os
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from textual import work
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.events import DescendantFocus
from textual.widget import Widget
from textual.widgets import Button, Markdown, Static

from tswizard.core.model.wording import duration
from tswizard.tui.ascii import wants_ascii
from tswizard.tui.base import HIGH, WizardScreen, panel
from tswizard.tui.dialogs import Reader
from tswizard.tui.run_tables import MOST
from tswizard.tui.widgets.checklist import (
    CheckedEntry,
    Entry,
    FileEntry,
    Heading,
    TodoEntry,
    groups,
)
from tswizard.tui.widgets.table import Column, FittingTable
from tswizard.tui.widgets.verdict import Verdict
from tswizard.wizard.ending import counted
from tswizard.wizard.outcome_rows import row_counts, step_rows
from tswizard.wizard.text import date_and_time

if TYPE_CHECKING:
    from tswizard.core.model.outcome import Outcome
    from tswizard.core.report.checklist import Checklist

_ROWS = (
    Column(title="table", flexible=True, help="Schema and name."),
    Column(title="source", right=True, help="Rows there."),
    Column(title="target", right=True, help="Rows there."),
    Column(title="rows", help="Whether they are the same on both."),
)
_TIMES = (
    Column(title="step", flexible=True, help="In the order in which they ran."),
    Column(title="took", right=True, help="How long it took, over every resume."),
    Column(
        title="estimated", right=True, rare=True, help="What was estimated for it before the run."
    ),
)


class CheckScreen(WizardScreen):
    """The last screen. Nothing is running anymore."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "next", "Open", priority=True, key_display="enter"),
        Binding("space", "tick", "Tick"),
        Binding("y", "copy", "Copy"),
        Binding("o", "report", "Report"),
        Binding("a", "again", "Check again"),
        Binding("escape", "back", "Log"),
        Binding("ctrl+q,f10", "done", "Done", priority=True, key_display="^q"),
    ]
    AUTO_FOCUS = ""  # what needs a look comes first
    STEP: ClassVar[str | None] = "Check"
    NEXT: ClassVar[str | None] = "Done"
    BACK: ClassVar[str | None] = "< Log"
    HELP: ClassVar[str] = (
        "What tswizard compared on source and target, the gravest first: Enter shows the details "
        "of a line, and Enter again moves to the next one, at last to Done. Ctrl+Q leaves at "
        "once. FAIL: it did not arrive or differs, and the line says what to do. LOOK: read "
        "it and decide. PASS: equal. SKIP: you chose to skip it. Space folds and unfolds a group; "
        "what passed is folded as long as something did not and there is little room.\n\n"
        "What only you can do: Space ticks an item, y copies the text that belongs to it. The "
        "report holds the same, for later; o opens it in your pager ($PAGER, less).\n\n"
        "When you have repaired something, a compares both databases again, as often as you want: "
        "grants of a role that is there now are applied first, and jobs that had stayed paused are "
        "enabled once nothing fails. Later and elsewhere: tswizard check."
    )

    def __init__(self, outcome: "Outcome", report: str) -> None:
        super().__init__()
        self._outcome = outcome
        self._report = report

    def compose_frame(self) -> Iterable[Widget]:
        checklist = self.wizard.engine.checklist(self._outcome, self._report)
        yield Verdict(
            checklist.result,
            checklist.sentence,
            self._sum(checklist),
            ascii=wants_ascii(os.environ),
            id="check-sum",
        )
        with Horizontal(id="check-panes"):
            with VerticalScroll(id="checklist", can_focus=False):
                for heading, entries in groups(checklist):
                    yield heading
                    yield from entries
            with Vertical(id="beside"):
                detail = VerticalScroll(Static(id="detail-text", markup=False), can_focus=False)
                detail.id = "detail"
                yield panel(detail, "Detail")
                yield panel(FittingTable(_ROWS, id="rows"), "Rows")
                yield panel(FittingTable(_TIMES, id="times"), "Steps")

    def _sum(self, checklist: "Checklist") -> Content:
        outcome = self._outcome
        lines = [Content("   ".join(counted(checklist)))]
        took = f"Took {duration(outcome.seconds)}."
        if outcome.checked:
            took += f" Checked {date_and_time(outcome.checked)}."
        lines.append(Content.styled(took, "dim"))
        if checklist.next:
            lines.append(Content.assemble(("First  ", "bold"), checklist.next))
        return Content("\n").join(lines)

    def on_mount(self) -> None:
        self.say("")
        methods = self.wizard.engine.methods()
        for id, rows in (
            ("#rows", row_counts(self._outcome, MOST)),
            ("#times", step_rows(self._outcome, methods)),
        ):
            table = self.query_one(id, FittingTable)
            table.can_focus = table.show_cursor = False
            table.show(rows)
        if self.app.size.height >= HIGH:
            for heading in self.query(Heading):
                heading.folded = False
        entries = list(self.query(Entry))
        wrong = [e for e in entries if isinstance(e, CheckedEntry) and e.needs_a_look]
        first = (wrong or entries)[0]
        first.focus(scroll_visible=False)

    def on_descendant_focus(self, event: DescendantFocus) -> None:
        """Where there is room, what enter would open is beside the list, above what the report
        has of rows and times."""
        if isinstance(event.widget, Entry):
            detail = event.widget.detail()
            title, text = detail or ("Detail", Content(event.widget.copy_text))
            panel(self.query_one("#detail"), title)
            self.query_one("#detail-text", Static).update(text)

    @property
    def figure_help(self) -> tuple[str, str]:
        entry = self.focused
        return ("Detail", entry.copy_text) if isinstance(entry, Entry) else super().figure_help

    # Keys

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        focused = self.focused
        match action:
            case "tick":
                return isinstance(focused, TodoEntry)
            case "copy":
                return isinstance(focused, Entry) and bool(focused.copy_text)
            case "next":
                return isinstance(focused, Entry | Heading | Button)
            case "report":
                return bool(self._report)
        return True

    def action_next(self) -> None:
        if isinstance(self.focused, Entry):
            self._open(self.focused)
        elif isinstance(self.focused, Heading):
            self.focused.action_fold()
        else:
            super().action_next()

    def _open(self, entry: Entry) -> None:
        if isinstance(entry, FileEntry) and entry.path.suffix == ".md":
            self._read(entry.path)
        elif (reader := entry.reader()) is not None:
            self.app.push_screen(reader, self._reader_closed)
        else:
            self._go_down()

    def _reader_closed(self, onward: bool | None) -> None:
        if onward:
            self._go_down()

    def _go_down(self) -> None:
        """To the next line that is shown; behind the last one, to the button that leaves."""
        entries = [entry for entry in self.query(Entry) if entry.display]
        following = entries[entries.index(self.focused) + 1 :] if self.focused in entries else []
        (following[0] if following else self.query_one("#next", Button)).focus()

    @work
    async def _read(self, path: Path) -> None:
        try:
            text = await asyncio.to_thread(path.read_text, encoding="utf-8")
        except OSError as error:
            self.say(f"{path} cannot be read: {error.strerror}.")
            self._go_down()
            return
        self.app.push_screen(Reader(path.name, [Markdown(text)], text), self._reader_closed)

    def action_report(self) -> None:
        """In the user's pager; on this screen where there is none."""
        path = Path(self._report)
        if not (path.is_file() and self.wizard.page(path)):
            self._read(path)

    def action_tick(self) -> None:
        if isinstance(self.focused, TodoEntry):
            self.focused.done = not self.focused.done

    def action_again(self) -> None:
        self.check_again()

    def action_copy(self) -> None:
        if isinstance(self.focused, Entry):
            self.wizard.copy(self.focused.copy_text, "Text")

    def action_done(self) -> None:
        self.go_on()

    def go_on(self) -> None:
        self.app.exit(self.wizard.exit_code)
