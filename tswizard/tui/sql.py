"""Commands and statements with their words in color."""

from pygments.token import Token  # type: ignore[import-untyped]
from textual.content import Content
from textual.highlight import HighlightTheme, highlight

_SHELL = ("/", "$", "psql", "pg_dump", "pg_restore")
"""How a line begins that is for a shell."""


class _Colors(HighlightTheme):
    """Textual's own, but a mark that SQL does not have (…, where a name stands) is no error, and
    names are plain: they are most of a statement, and blue on black in a terminal's own colors."""

    STYLES = {**HighlightTheme.STYLES, Token.Error: "", Token.Name: ""}  # noqa: RUF012 - as there


def highlighted(text: str) -> Content:
    """SQL, or a command for a shell, by what it begins with; the text itself stays as it is."""
    language = "bash" if text.lstrip().startswith(_SHELL) else "sql"
    # It is for code in a file: blank lines at either end are not part of that.
    return highlight(text.strip("\n"), language=language, theme=_Colors)
