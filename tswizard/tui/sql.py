"""Commands and statements with their words in color."""

from textual.content import Content
from textual.highlight import highlight

_SHELL = ("/", "$", "psql", "pg_dump", "pg_restore")
"""How a line begins that is for a shell."""


def highlighted(text: str) -> Content:
    """SQL, or a command for a shell, by what it begins with; the text itself stays as it is."""
    language = "bash" if text.lstrip().startswith(_SHELL) else "sql"
    # It is for code in a file: blank lines at either end are not part of that.
    return highlight(text.strip("\n"), language=language)
