"""A table that always fits the terminal: one column gives way, none is lost."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import ClassVar

from rich.text import Text
from textual.binding import Binding, BindingType
from textual.events import Resize
from textual.widgets import DataTable

from tswizard.tui.text import shortened


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """`right` aligns to the right; `help` is a sentence on what the figure means.

    The flexible column takes what the others leave. A column that is not that important is shown
    as long as the flexible one `keeps` so many cells, or all that it needs; one that is `rare` is
    shown when a row has a figure there."""

    title: str
    help: str = field(kw_only=True)
    right: bool = False
    flexible: bool = False
    keeps: int = 0
    rare: bool = False


NO_FIGURE = "–"
"""What a cell says that has none."""
_PADDING = 2
_ENOUGH = 60
"""Cells that the flexible column takes of what is left, if it needs no more: figures that stand too
far from their name are hard to read."""
_LEAST = 8
"""Cells that the flexible column has in any case."""


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
        self._made_for = 0
        """Width that its rows were made for."""

    def show(self, rows: Iterable[Sequence[str]]) -> None:
        """Replace all rows; the cursor stays on its line."""
        self._lines = [tuple(row) for row in rows]
        self._made_for = 0  # while it is hidden they wait
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
        if self._made_for != self.scrollable_content_region.width:
            self._rebuild()

    def _rebuild(self) -> None:
        width = self.scrollable_content_region.width
        if not width:
            return
        self._made_for = width
        row_before, scroll_before = self.cursor_row, self.scroll_y
        self.clear(columns=True)
        cells = self._widths(width)
        for index in cells:
            title = self._cell(index, self._specs[index].title, cells[index])
            self.add_column(title, width=cells[index])
        for row in self._lines:
            self.add_row(*(self._cell(index, row[index], cells[index]) for index in cells))
        if self._lines:
            self.move_cursor(row=min(row_before, len(self._lines) - 1), scroll=False)
            self.scroll_to(y=scroll_before, animate=False)

    def _widths(self, width: int) -> dict[int, int]:
        """Cells of each column that is shown, by its place."""
        cells = {
            place: max([len(spec.title), *(Text(row[place]).cell_len for row in self._lines)])
            for place, spec in enumerate(self._specs)
            if not spec.rare or any(row[place] not in ("", NO_FIGURE) for row in self._lines)
        }
        flexible = next(place for place in cells if self._specs[place].flexible)
        needed = cells[flexible]

        def left() -> int:
            return width - sum(cells.values()) + cells[flexible] - _PADDING * len(cells)

        spared = [place for place in cells if self._specs[place].keeps]
        for place in sorted(spared, key=lambda place: -self._specs[place].keeps):
            if left() < min(self._specs[place].keeps, needed):
                del cells[place]
        cells[flexible] = max(_LEAST, min(left(), max(needed, _ENOUGH)))
        return cells

    def _cell(self, index: int, value: str, width: int) -> Text:
        spec = self._specs[index]
        text = value.rjust(width) if spec.right else value
        if spec.flexible:
            text = shortened(text, width)
        return Text(text, no_wrap=True, overflow="ellipsis")
