"""Separates lines that parallel workers wrote into each other.

pg_dump and pg_restore write `pg_dump:`, a space, perhaps `error: ` and the text one by one; with
-j several processes write into one stream, so that pieces of their lines get mixed:

    pg_dump:pg_dump: dumping contents of table "app.sensors"
     NOTICE:  hypertable data are in the chunks, no data will be copied

(`pg_log_generic_v` in PostgreSQL's src/common/logging.c; each text by itself stays whole.)
"""

import re

_PIECES = re.compile(r"(?:(?:pg_dump|pg_restore):| |(?:error|warning|detail|hint): )+")
_PREFIX = re.compile(r"pg_dump:|pg_restore:")
_SEVERITY = re.compile(r"(?:error|warning|detail|hint): ")
# Belongs to the text before it, since a text is written in one piece.
_CONTINUED = re.compile(r"(?:DETAIL|HINT|CONTEXT|QUERY|STATEMENT|LOCATION|LINE \d+|Command was):|$")
_INFO = re.compile(
    r"dumping contents of|finished item|processing|launching item|creating|executing|"
    r"NOTICE:|entering main|finished main"
)


class OutputUnmixer:
    """Takes lines as they come and gives each text its own prefix back."""

    def __init__(self) -> None:
        self._tool = ""
        self._owed = 0
        """Prefixes seen without their text."""
        self._severities: list[str] = []

    def feed(self, line: str) -> str:
        """The line as it was meant; unchanged where nothing is mixed."""
        pieces = _PIECES.match(line)
        head = pieces[0] if pieces else ""
        prefixes = _PREFIX.findall(head)
        if not prefixes and (not self._owed or self._continues(line, head)):
            return line
        if len(prefixes) == 1 and not self._owed and line.startswith(prefixes[0]):
            return line
        self._tool = prefixes[0] if prefixes else self._tool
        self._owed += len(prefixes) - 1
        self._severities += _SEVERITY.findall(head)
        text = line[len(head) :]
        # A severity belongs to a text that can have one; a line of progress cannot.
        severity = self._severities.pop(0) if self._severities and not _INFO.match(text) else ""
        return f"{self._tool} {severity}{text}"

    def _continues(self, line: str, head: str) -> bool:
        """Is this a continuation of the text before, rather than a text that lost its prefix?

        A lost prefix leaves at most its space: what is indented more is a statement.
        """
        return bool(_CONTINUED.match(line)) or len(head) - len(head.lstrip()) > self._owed
