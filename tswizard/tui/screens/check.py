"""Check: what arrived, what did not, and what is left for the user."""

import asyncio
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from textual import work
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.events import Click
from textual.reactive import reactive
from textual.widget import Widget
from textual.widgets import Button, Markdown, Static

from tswizard.core.model.finding import Level
from tswizard.core.model.wording import duration, plural
from tswizard.tui.base import WizardScreen
from tswizard.tui.dialogs import Reader, text_reader
from tswizard.tui.text import WORDS
from tswizard.tui.widgets.facts import Row
from tswizard.wizard.ending import SENTENCES
from tswizard.wizard.text import date_and_time

if TYPE_CHECKING:
    from tswizard.core.model.outcome import Outcome
    from tswizard.core.report.checklist import Checklist, ChecklistLine, File, Todo


class Entry(Row, can_focus=True):
    """One line of the checklist: it can be opened, copied, or ticked."""

    def __init__(self, left: Content, right: Content, copy: str = "") -> None:
        super().__init__(left, right)
        self.copy_text = copy

    def reader(self) -> Reader | None:
        """All there is to say about it; None when the line says it all."""
        return None

    def on_click(self, event: Click) -> None:
        event.stop()
        self.focus()


class CheckedEntry(Entry):
    """Something that tswizard checked."""

    def __init__(self, line: "ChecklistLine") -> None:
        word, style = WORDS[line.level]
        more = f"  (enter: {plural(len(line.details), 'line')})" if line.details else ""
        text = Content.assemble(line.text, (more, "dim"))
        if line.todo:
            text = Content("\n").join([text, Content(f"→ {line.todo}")])
        details = "\n".join((line.text, *line.details))
        super().__init__(Content.styled(word, style), text, details)
        self._line = line

    @property
    def needs_a_look(self) -> bool:
        return self._line.level in (Level.LOOK, Level.FAIL)

    def reader(self) -> Reader | None:
        line = self._line
        parts = [Content.styled(line.text, "bold"), *map(Content, line.details)]
        if line.todo:
            parts.append(Content(f"→ {line.todo}"))
        return text_reader(WORDS[line.level][0], Content("\n").join(parts), self.copy_text)


class TodoEntry(Entry):
    """Something that only the user can do."""

    done: reactive[bool] = reactive(False, init=False)

    def __init__(self, todo: "Todo") -> None:
        hint = Content.styled("  (y copies)", "dim") if todo.copy else Content("")
        super().__init__(Content("[ ]"), Content.assemble(todo.text, hint), todo.copy)
        self._todo = todo

    def watch_done(self, done: bool) -> None:
        self.query_one(".left", Static).update(Content("[x]" if done else "[ ]"))

    def reader(self) -> Reader | None:
        if not self._todo.copy:
            return None
        text = Content("\n\n").join([Content(self._todo.text), Content(self._todo.copy)])
        return text_reader("For you to do", text, self.copy_text)


class FileEntry(Entry):
    """A file or folder that the run left."""

    def __init__(self, file: "File") -> None:
        super().__init__(Content(file.what), Content(file.path), file.path)
        self.path = Path(file.path)


class CheckScreen(WizardScreen, inherit_bindings=False):
    """The last screen. Nothing is running any more."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "next", "Detail", priority=True, key_display="enter"),
        Binding("space", "tick", "Tick"),
        Binding("y", "copy", "Copy"),
        Binding("a", "again", "Check again"),
        Binding("escape", "back", "Log"),
        Binding("up", "app.focus_previous", show=False),
        Binding("down", "app.focus_next", show=False),
    ]
    AUTO_FOCUS = ""  # what needs a look comes first
    STEP: ClassVar[str | None] = "Check"
    NEXT: ClassVar[str | None] = "Done"
    BACK: ClassVar[str | None] = "< Log"
    HELP: ClassVar[str] = (
        "What tswizard compared on source and target, line by line: Enter shows the details of a "
        "line. PASS: equal. LOOK: read it and decide. FAIL: it did not arrive or differs, and the "
        "line says what to do. SKIP: you chose to skip it.\n\n"
        "Below that, what only you can do: Space ticks an item, y copies the text that belongs to "
        "it. The report holds the same, for later.\n\n"
        "When you have repaired something, a compares both databases again, as often as you want: "
        "grants of a role that is there now are applied first, and jobs that had stayed paused are "
        "enabled when nothing fails any more. Later and elsewhere: tswizard check."
    )

    def __init__(self, outcome: "Outcome", report: str) -> None:
        super().__init__()
        self._outcome = outcome
        self._report = report

    def compose_frame(self) -> Iterable[Widget]:
        checklist = self.wizard.engine.checklist(self._outcome, self._report)
        yield Static(self._sum(checklist), id="check-sum", markup=False)
        with VerticalScroll(id="checklist", can_focus=False):
            yield Static("Checked by tswizard", classes="section")
            yield from map(CheckedEntry, checklist.lines)
            if checklist.todo:
                yield Static("For you to do", classes="section")
                yield from map(TodoEntry, checklist.todo)
            if checklist.files:
                yield Static("Files", classes="section")
                yield from map(FileEntry, checklist.files)

    def _sum(self, checklist: "Checklist") -> Content:
        word, style = WORDS[checklist.result]
        outcome, looks = self._outcome, checklist.count(Level.LOOK)
        text = f"  {SENTENCES[checklist.result]}  Took {duration(outcome.seconds)}."
        if outcome.checked:
            text += f"  Checked {date_and_time(outcome.checked)}."
        head = Content.assemble((word, f"bold {style}"), text)
        parts = [
            f"{checklist.count(level)} {text}"
            for level, text in (
                (Level.PASS, "passed"),
                (Level.LOOK, "needs a look" if looks == 1 else "need a look"),
                (Level.FAIL, "failed"),
                (Level.SKIP, "skipped"),
            )
            if checklist.count(level)
        ]
        parts.append(f"{len(checklist.todo)} for you to do")
        return Content("\n").join([head, Content("   ".join(parts))])

    def on_mount(self) -> None:
        self.say("")
        entries = list(self.query(Entry))
        wrong = [e for e in entries if isinstance(e, CheckedEntry) and e.needs_a_look]
        first = (wrong or entries)[0]
        first.focus(scroll_visible=bool(wrong))

    # Keys

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        focused = self.focused
        match action:
            case "tick":
                return isinstance(focused, TodoEntry)
            case "copy":
                return isinstance(focused, Entry) and bool(focused.copy_text)
            case "next":
                return isinstance(focused, Entry | Button)
        return True

    def action_next(self) -> None:
        if isinstance(self.focused, Entry):
            self._open(self.focused)
        else:
            super().action_next()

    def _open(self, entry: Entry) -> None:
        if isinstance(entry, FileEntry):
            self._read(entry.path)
        elif (reader := entry.reader()) is not None:
            self.app.push_screen(reader)

    @work
    async def _read(self, path: Path) -> None:
        """Show a file's text; of a folder only where it is."""
        if path.suffix != ".md":
            self.notify(str(path))
            return
        try:
            text = await asyncio.to_thread(path.read_text, encoding="utf-8")
        except OSError as error:
            self.say(f"{path} cannot be read: {error.strerror}.")
            return
        self.app.push_screen(Reader(path.name, [Markdown(text)], text))

    def action_tick(self) -> None:
        if isinstance(self.focused, TodoEntry):
            self.focused.done = not self.focused.done

    def action_again(self) -> None:
        self.check_again()

    def action_copy(self) -> None:
        if isinstance(self.focused, Entry):
            self.wizard.copy(self.focused.copy_text, "Text")

    def go_on(self) -> None:
        self.app.exit(self.wizard.exit_code)
