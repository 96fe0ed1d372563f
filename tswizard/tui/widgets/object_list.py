"""A long list of things to tick under headings: one widget, of which only what is seen is drawn."""

from collections.abc import Iterable

from rich.cells import cell_len
from textual.content import Content
from textual.events import Resize
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from tswizard.tui.text import shortened
from tswizard.wizard.object_rows import ObjectRow
from tswizard.wizard.text import one_line

_UNKNOWN_WIDTH = 76


class ObjectList(OptionList):
    """`[x] name` with a few words to the right; the middle of a long name gives way."""

    def __init__(self, id: str) -> None:
        super().__init__(id=id, compact=True)
        self._rows: tuple[ObjectRow, ...] = ()

    def show(self, rows: Iterable[ObjectRow]) -> None:
        """Replace all lines; the cursor stays on its object."""
        before, self._rows = self._rows, tuple(rows)
        if [row.id for row in before] == [row.id for row in self._rows]:
            for index, (old, new) in enumerate(zip(before, self._rows, strict=True)):
                if old != new:
                    self.replace_option_prompt_at_index(index, self._line(new))
            return
        at = self.current
        self.set_options(
            Option(self._line(row), id=row.id or None, disabled=not row.id) for row in self._rows
        )
        reachable = [index for index, row in enumerate(self._rows) if row.id]
        if reachable:
            same = (index for index in reachable if self._rows[index].id == at)
            self.highlighted = next(same, reachable[0])

    @property
    def current(self) -> str:
        """Id of the object under the cursor; empty for none."""
        option = self.highlighted_option
        return (option.id or "") if option is not None else ""

    def on_resize(self, event: Resize) -> None:
        for index, row in enumerate(self._rows):
            self.replace_option_prompt_at_index(index, self._line(row))

    def _line(self, row: ObjectRow) -> Content:
        width = (self.scrollable_content_region.width or _UNKNOWN_WIDTH) - 1
        text = one_line(row.text)
        if not row.id:
            return Content.styled(shortened(text, width), "bold")
        mark = "  " * row.depth + ("[x] " if row.ticked else "[ ] ")
        name = shortened(text, max(8, width - len(mark) - len(row.right) - 2))
        gap = width - len(mark) - cell_len(name) - len(row.right)
        right = Content.styled(" " * max(2, gap) + row.right, "dim") if row.right else Content("")
        return Content.assemble(mark, name, right)
