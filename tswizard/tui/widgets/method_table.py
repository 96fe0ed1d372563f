"""The methods side by side; it fits 80 columns."""

from collections.abc import Iterable
from dataclasses import astuple

from textual.content import Content
from textual.widgets import Static

from tswizard.wizard.estimate_words import HEADS, MethodRow

_WIDTHS = (6, 10, 17, 14, 9, 0)


class MethodTable(Static):
    """One line for each method below a line of heads."""

    DEFAULT_CSS = "MethodTable { padding: 0 1; height: auto; }"

    def show(self, rows: Iterable[MethodRow], recommended: str) -> None:
        """Replace all of it; the recommended one stands out."""
        lines = [Content.styled(_line(HEADS), "dim")]
        for row in rows:
            style = "bold" if row.name.lower() == recommended else ""
            lines.append(Content.styled(_line(row), style))
        self.update(Content("\n").join(lines))


def _line(row: MethodRow) -> str:
    return " ".join(
        f"{cell:<{width}}" for cell, width in zip(astuple(row), _WIDTHS, strict=True)
    ).rstrip()
