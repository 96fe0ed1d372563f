"""Lines of the checklist, in groups that fold."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding, BindingType
from textual.content import Content
from textual.events import Click
from textual.reactive import reactive
from textual.widgets import Static

from tswizard.core.model.finding import Level
from tswizard.core.model.wording import plural
from tswizard.tui.dialogs import Reader, text_reader
from tswizard.tui.sql import highlighted
from tswizard.tui.text import WORDS
from tswizard.tui.widgets.facts import Row

if TYPE_CHECKING:
    from tswizard.core.report.checklist import Checklist, ChecklistLine, File, Todo


class Entry(Row, can_focus=True):
    """One line of the checklist: it can be opened, copied, or ticked."""

    def __init__(self, left: Content, right: Content, copy: str = "") -> None:
        super().__init__(left, right)
        self.copy_text = copy

    def detail(self) -> tuple[str, Content] | None:
        """All there is to say about it, under a title; None when the line says it all."""
        return None

    def reader(self) -> Reader | None:
        detail = self.detail()
        return None if detail is None else text_reader(*detail, self.copy_text)

    def on_click(self, event: Click) -> None:
        event.stop()
        self.focus()


class CheckedEntry(Entry):
    """Something that tswizard checked."""

    def __init__(self, line: "ChecklistLine") -> None:
        word, style = WORDS[line.level]
        more = f"  (enter: {plural(len(line.details), 'line')})" if line.details else ""
        text = Content.assemble(line.text, (more, "$text 75%"))
        if line.todo:
            text = Content("\n").join([text, Content(f"→ {line.todo}")])
        details = "\n".join((line.text, *line.details))
        super().__init__(Content.styled(word, style), text, details)
        self._line = line

    @property
    def needs_a_look(self) -> bool:
        return self._line.level in (Level.LOOK, Level.FAIL)

    def detail(self) -> tuple[str, Content] | None:
        line = self._line
        parts = [Content.styled(line.text, "bold"), *map(Content, line.details)]
        if line.todo:
            parts.append(Content(f"→ {line.todo}"))
        return WORDS[line.level][0], Content("\n").join(parts)


class TodoEntry(Entry):
    """Something that only the user can do."""

    done: reactive[bool] = reactive(False, init=False)

    def __init__(self, todo: "Todo") -> None:
        hint = Content.styled("  (y copies)", "$text 75%") if todo.copy else Content("")
        super().__init__(Content("[ ]"), Content.assemble(todo.text, hint), todo.copy)
        self._todo = todo

    def watch_done(self, done: bool) -> None:
        self.query_one(".left", Static).update(Content("[x]" if done else "[ ]"))

    def detail(self) -> tuple[str, Content] | None:
        if not self._todo.copy:
            return None
        text = Content("\n\n").join([Content(self._todo.text), highlighted(self._todo.copy)])
        return "For you to do", text


class FileEntry(Entry):
    """A file or folder that the run left."""

    def __init__(self, file: "File") -> None:
        super().__init__(Content(file.what), Content(file.path), file.path)
        self.path = Path(file.path)


class Heading(Static, can_focus=True):
    """The title of a group, with the number of its lines; it folds and unfolds them."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("space", "fold", "Fold"),
        Binding("left", "fold(True)", show=False),
        Binding("right", "fold(False)", show=False),
    ]

    folded: reactive[bool] = reactive(False)

    def __init__(self, title: str, entries: Sequence[Entry], *, folded: bool) -> None:
        super().__init__(classes="section", markup=False)
        self._title, self._entries = title, tuple(entries)
        self.set_reactive(Heading.folded, folded)
        for entry in entries:
            entry.display = not folded

    def render(self) -> Content:
        mark = "▸" if self.folded else "▾"
        return Content.assemble(f"{mark} {self._title}", (f"  {len(self._entries)}", "dim"))

    def watch_folded(self, folded: bool) -> None:
        for entry in self._entries:
            entry.display = not folded

    def action_fold(self, folded: bool | None = None) -> None:
        self.folded = not self.folded if folded is None else folded

    def on_click(self, event: Click) -> None:
        event.stop()
        self.focus()
        self.action_fold()


def groups(checklist: "Checklist") -> Iterable[tuple[Heading, tuple[Entry, ...]]]:
    """What wants to be read first comes first. What passed is folded as long as something did
    not; then it is the number that tells."""
    wrong = checklist.result in (Level.FAIL, Level.LOOK)
    for title, entries, folded in (
        ("Failed", map(CheckedEntry, checklist.of(Level.FAIL)), False),
        ("Needs a look", map(CheckedEntry, checklist.of(Level.LOOK)), False),
        ("For you to do", map(TodoEntry, checklist.todo), False),
        ("Passed", map(CheckedEntry, checklist.of(Level.PASS)), wrong),
        ("Skipped, as you chose", map(CheckedEntry, checklist.of(Level.SKIP)), wrong),
        ("Files", map(FileEntry, checklist.files), False),
    ):
        lines: tuple[Entry, ...] = tuple(entries)
        if lines:
            yield Heading(title, lines, folded=folded), lines
