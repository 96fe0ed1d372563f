"""Where the bulk of a hypertable lies, under the table of hypertables."""

import re

from textual.content import Content
from textual.events import Resize
from textual.widgets import Static

from tswizard.core.catalog.hypertable_model import Hypertable
from tswizard.wizard.chunk_bars import bulk_lines

_BARS = re.compile("[\u2580-\u259f]+")
"""Block elements."""


class ChunkBars(Static):
    """Four lines about one hypertable, as wide as there is room."""

    def __init__(self, id: str) -> None:
        super().__init__(id=id, markup=False)
        self._table: Hypertable | None = None

    def show(self, table: Hypertable | None) -> None:
        """Another one, or none."""
        self._table = table
        self._draw()

    def on_resize(self, event: Resize) -> None:
        self._draw()

    def _draw(self) -> None:
        width = self.content_region.width
        if self._table is None or not width:
            self.update("")
            return
        lines = Content("\n".join(bulk_lines(self._table, width)))
        self.update(lines.highlight_regex(_BARS, style="$accent"))
