"""Label and value, line by line, as a connection test shows them."""

from collections.abc import Iterable

from rich.table import Table
from rich.text import Text
from textual.app import ComposeResult
from textual.containers import HorizontalGroup, VerticalGroup
from textual.content import Content, ContentText
from textual.widgets import Static


class Row(HorizontalGroup):
    """A narrow left column and a text that wraps beside it."""

    def __init__(self, left: ContentText, right: ContentText, classes: str = "") -> None:
        super().__init__(classes=classes)
        self._left = left
        self._right = right

    def compose(self) -> ComposeResult:
        yield Static(self._left, classes="left", markup=False)
        yield Static(self._right, classes="right", markup=False)


class Facts(VerticalGroup):
    """Rows that are replaced as a whole."""

    async def show(self, rows: Iterable[tuple[ContentText, ContentText]]) -> None:
        widgets = [Row(left, right) for left, right in rows]
        async with self.batch():
            await self.remove_children()
            await self.mount_all(widgets)

    async def clear(self) -> None:
        await self.remove_children()


def fact_table(rows: Iterable[tuple[str, str]], width: int, style: str) -> Table:
    """Labels of that width and style, and texts that wrap beside them; for one `Static`."""
    table = Table.grid(padding=0)
    table.add_column(width=width, no_wrap=True)
    table.add_column()
    for name, text in rows:
        table.add_row(Text(name, style=style), Text(text))
    return table


def label(text: str) -> Content:
    return Content.styled(text, "dim")
