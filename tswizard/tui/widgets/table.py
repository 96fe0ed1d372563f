"""A table that always fits the terminal: one column gives way, none is lost."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import ClassVar

from rich.text import Text
from textual.binding import Binding, BindingType
from textual.events import Resize
from textual.widgets import DataTable

from tswizard.tui.text import shortened


@dataclass(frozen=True, slots=True)
class Column:
    """`right` aligns to the right; columns need a terminal of `wide` columns to be shown; `help` is
    a sentence on what the figure means."""

    title: str
    help: str = field(kw_only=True)
    right: bool = False
    wide: int = 0
    flexible: bool = False


WIDE = 100
WIDEST = 140
"""Columns of a terminal from which on more is shown."""
_PADDING = 2


def columns_help(columns: Iterable[Column]) -> str:
    """What each column means, one a line."""
    return "\n".join(f"{column.title}: {column.help}" for column in columns)


class FittingTable(DataTable[Text], inherit_bindings=False):
    """Rows of text. The flexible column takes what is left; its middle gives way.

    There is nothing to the left or the right, so those keys stay free for the screen; and enter
    leads to the next screen, as everywhere.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "cursor_up", show=False),
        Binding("down", "cursor_down", show=False),
        Binding("pageup", "page_up", show=False),
        Binding("pagedown", "page_down", show=False),
        Binding("home", "scroll_top", show=False),
        Binding("end", "scroll_bottom", show=False),
    ]

    def __init__(self, columns: Sequence[Column], *, id: str | None = None) -> None:
        super().__init__(id=id, cursor_type="row", zebra_stripes=False)
        self._specs = tuple(columns)
        self._lines: list[tuple[str, ...]] = []
        self._made_for = (0, 0)
        """Widths of the table and of the terminal that its rows were made for."""

    def show(self, rows: Iterable[Sequence[str]]) -> None:
        """Replace all rows; the cursor stays on its line."""
        self._lines = [tuple(row) for row in rows]
        self._made_for = (0, 0)  # while it is hidden they wait
        self._rebuild()

    @property
    def figures(self) -> str:
        """Each figure of the row under the cursor with what it means, shown or not."""
        row = self._lines[self.cursor_row] if self._lines else [""] * len(self._specs)
        return "\n\n".join(
            f"{spec.title}  {value}\n{spec.help}"
            for spec, value in zip(self._specs, row, strict=True)
        )

    def on_resize(self, event: Resize) -> None:
        # It comes as well when a tab is shown again: there may be thousands of rows.
        if self._made_for != (self.scrollable_content_region.width, self.app.size.width):
            self._rebuild()

    def _rebuild(self) -> None:
        width = self.scrollable_content_region.width
        if not width:
            return
        self._made_for = (width, self.app.size.width)
        chosen = [i for i, c in enumerate(self._specs) if self.app.size.width >= c.wide]
        row_before, scroll_before = self.cursor_row, self.scroll_y
        self.clear(columns=True)
        cells = dict(zip(chosen, self._widths(chosen, width), strict=True))
        for index in chosen:
            title = self._cell(index, self._specs[index].title, cells[index])
            self.add_column(title, width=cells[index])
        for row in self._lines:
            self.add_row(*(self._cell(index, row[index], cells[index]) for index in chosen))
        if self._lines:
            self.move_cursor(row=min(row_before, len(self._lines) - 1), scroll=False)
            self.scroll_to(y=scroll_before, animate=False)

    def _widths(self, chosen: Sequence[int], width: int) -> list[int]:
        natural = [
            max([len(self._specs[i].title), *(Text(row[i]).cell_len for row in self._lines)])
            for i in chosen
        ]
        flexible = next(n for n, i in enumerate(chosen) if self._specs[i].flexible)
        rest = sum(natural) - natural[flexible] + _PADDING * len(chosen)
        natural[flexible] = max(8, width - rest)
        return natural

    def _cell(self, index: int, value: str, width: int) -> Text:
        spec = self._specs[index]
        text = value.rjust(width) if spec.right else value
        if spec.flexible:
            text = shortened(text, width)
        return Text(text, no_wrap=True, overflow="ellipsis")
