"""One message of a client tool, and the block of lines that it is assembled from."""

import re
from dataclasses import dataclass

from tswizard.core.classify.command import Statements, Subject, subject
from tswizard.core.classify.toc import TocEntry
from tswizard.core.model.judged import Severity

MAX_MESSAGE_CHARS = 64 * 1024
"""Characters kept of one message; a restored function or INSERT can be of any length."""


@dataclass(frozen=True, slots=True)
class PlainLine:
    """A line that needs no verdict: progress output of a tool, or nothing known to be wrong."""

    text: str
    """The whole line, without its end."""
    number: int
    tool: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """A message of a tool, assembled from its lines.

    `text` is the primary message, without the prefix of the tool, severity and `could not execute
    query`. `lines` are the raw lines, `number` is the line number of the first one, from 1.
    """

    tool: str
    """pg_dump, pg_restore, psql, server (a message without a prefix) or empty."""
    severity: Severity
    text: str
    lines: tuple[str, ...]
    number: int
    toc: TocEntry | None = None
    subject: Subject | None = None
    detail: str = ""
    hint: str = ""
    context: str = ""
    statement_line: str = ""
    """`LINE 1: …`, the position in the statement."""
    command: str = ""
    """The SQL that failed, cut at 64 KiB."""
    whole: bool = True
    """False when lines are missing or garbled, so that it must not be called harmless."""
    strays: tuple[str, ...] = ()
    """Lines in it that belong to no message and suggest an error."""


_TROUBLE = re.compile(
    r"error|fatal|panic|fail|could not|couldn't|cannot|can't|unable|denied|refused|invalid(?!ation)"
    r"|unrecognized|unexpected|not found|no such|does not exist|not supported|no space|abort"
    r"|terminat|killed|crash|corrupt|\blost\b|out of memory|segmentation|traceback|exception"
    r"|violat|mismatch|timed? ?out|not recognized|closed by|reset by|broken pipe|hang ?up"
    r"|suppressed \d+ (?:lines|messages)|(?:lines?|messages?) (?:omitted|skipped|removed|dropped)\b"
    r"|\bexit(?:ed)?\b.{0,20}\b(?:code|status)\W{0,3}[1-9]"
    r"|\bERR!|quota|exceed|incomplete|truncated|\bpanic|\bgave up",
    re.IGNORECASE,
)
"""Words that make a line in no known format worth a look."""

# Names of options in commands, and of methods in a stack: none of it is said of a database.
_NAMES = re.compile(
    r"--(?:exit-on|on)-error[-\w]*|--echo-errors|\bON_ERROR_(?:STOP|ROLLBACK)\b"
    r"|^\s+at [\w.$<>]+\([\w.:$ ]*\)$"
)


def is_trouble(text: str) -> bool:
    """Whether a line suggests an error, other than by a name."""
    return _TROUBLE.search(_NAMES.sub("", text)) is not None


# Even in the body of a function, this is more likely output of a shell.
_DIED = re.compile(
    r"Segmentation fault|core dumped|^\s*(?:Killed|Terminated|Aborted)\b"
    r"|^(?:/bin/)?(?:ba|da|z)?sh: "
)

_FIELD = re.compile(
    r"\s*(?:(?P<field>DETAIL|HINT|CONTEXT|QUERY|LOCATION):\s+(?P<rest>.*)"
    r"|(?P<line>LINE \d+: .*)"
    r"|(?:(?:Command|Query|The command|query) was: |STATEMENT:\s+|SQL query: |Context: )"
    r"(?P<command>.*))$",
    re.DOTALL,
)
_FIELD_PARTS = {"DETAIL": "detail", "HINT": "hint", "CONTEXT": "context"}


def is_field(line: str) -> bool:
    """Whether a line without a prefix continues a message (`DETAIL:  …`, `LINE 1: …`)."""
    return _FIELD.match(line) is not None


class Block:
    """A message that is being assembled."""

    def __init__(self, tool: str, severity: Severity, text: str, line: str, number: int) -> None:
        self.tool = tool
        self.severity = severity
        self.number = number
        self.whole = True
        self.wrapped = False
        """It is about a failed command, which pg_restore prints after it."""
        self.echoed = ""
        """The statement that psql had written before."""
        self.entries: tuple[TocEntry, ...] = ()
        """TOC entries that it may be about."""
        self._parts: dict[str, list[str]] = {"text": [text[:MAX_MESSAGE_CHARS]]}
        self._part = "text"
        self._command: Statements | None = None
        self._lines = [line[:MAX_MESSAGE_CHARS]]
        self._room = MAX_MESSAGE_CHARS - len(self._lines[0])
        self._cut = len(line) - len(self._lines[0])
        self._strays: list[str] = []

    @property
    def text(self) -> str:
        """Its first line."""
        return self._parts["text"][0]

    @property
    def hint(self) -> str:
        return self._join("hint")

    @property
    def has_command(self) -> bool:
        return self._command is not None

    def continues(self, line: str) -> bool:
        """Whether a line without any prefix can belong to this message."""
        return self._command is None or self._command.continues(line)

    @property
    def complete(self) -> bool:
        """Whether the failed command is there as a whole."""
        return self._command is not None and self._command.complete

    def add(self, line: str, raw: str) -> None:
        """Take a further line without a prefix, and how it was written."""
        self._keep(raw)
        found = _FIELD.match(line)
        if self._command is not None:
            if found and found["command"] is not None:
                # A second command: a line of another worker came in between.
                self.whole = False
            if _DIED.search(line):
                self._strays.append(line)
            self._command.add(line)
            self._append("command", line)
            return
        if not found:
            if line.strip() and is_trouble(line):
                self._strays.append(line)
            self._append(self._part, line)
        elif found["line"] is not None:
            self._part = "statement_line"
            self._append("statement_line", found["line"])
        elif found["command"] is not None:
            self._start_command(found["command"])
        else:
            self._part = _FIELD_PARTS.get(found["field"], "rest")
            self._append(self._part, found["rest"])

    def add_part(self, part: str, text: str, raw: str) -> None:
        """Take a line with the prefix `detail:` or `hint:`, and how it was written."""
        self._keep(raw)
        found = _FIELD.match(text)
        if found and found["command"] is not None:
            self._start_command(found["command"])
        else:
            self._command = None
            self._part = part
            self._append(part, text)

    def finish(self) -> Message:
        """The message."""
        lines = list(self._lines)
        if self._cut:
            lines.append(f"… ({self._cut} more characters not kept)")
        command = self._join("command").strip()[:MAX_MESSAGE_CHARS]
        about = command or self._position() or self.echoed
        # pg_restore prints whole statements: an open one has swallowed other lines.
        open_end = self._command is not None and not self._command.complete
        whole = self.whole and not (open_end and self.tool == "pg_restore")
        return Message(
            tool=self.tool,
            severity=self.severity,
            text=self._join("text").rstrip(),
            lines=tuple(lines),
            number=self.number,
            toc=None,
            subject=subject(about)
            if (about := command or self._position() or self.echoed)
            else None,
            detail=self._join("detail").rstrip(),
            hint=self._join("hint").rstrip(),
            context=self._join("context").rstrip(),
            statement_line=self._join("statement_line").rstrip(),
            command=command,
            whole=whole,
            strays=tuple(self._strays),
        )

    def _position(self) -> str:
        """What `LINE 1: INSERT INTO …` shows of the command, where that is all there is of it."""
        return self._join("statement_line").partition("LINE 1: ")[2]

    def _start_command(self, first: str) -> None:
        self._command = Statements()
        self._command.add(first)
        self._append("command", first)

    def _append(self, part: str, text: str) -> None:
        if self._room > 0:
            self._parts.setdefault(part, []).append(text[:MAX_MESSAGE_CHARS])

    def _join(self, part: str) -> str:
        return "\n".join(self._parts.get(part, ()))

    def _keep(self, line: str) -> None:
        kept = line[: max(self._room, 0)]
        self._room -= len(line) + 1
        self._cut += len(line) - len(kept)
        if kept or not line:
            self._lines.append(kept)
