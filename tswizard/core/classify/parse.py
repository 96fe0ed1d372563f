"""A streaming parser for the output of pg_dump, pg_restore and psql.

Formats: `pg_log_generic_v` (PostgreSQL's src/common/logging.c), `warn_or_exit_horribly`
(pg_backup_archiver.c), `ExecuteSqlCommand` (pg_backup_db.c); before version 12 `write_msg` with
a module's name in brackets. With -j the workers share one stream, and a line is written in several
pieces, so that lines of two workers can end up in one.
"""

import re
from dataclasses import replace

from tswizard.core.classify.command import belongs
from tswizard.core.classify.message import Block, Message, PlainLine, is_field
from tswizard.core.classify.toc import Recent, TocEntry, parse_toc
from tswizard.core.classify.translate import Translator
from tswizard.core.model.judged import Severity

_INFO = (
    r"(?P<named>creating [A-Z ]+ \".*\"$|processing data for table \".*\"$)"
    r"|(?P<entry>from TOC entry \d+;)"
    r"|(?P<mark>entering main parallel loop$|launching item \d+ |processing item \d+ )"
    r"|(?P<moves>processing |executing |dropping |setting owner and privileges for )"
    r"|(?P<plain>creating |reading |finding |flagging |identifying |saving "
    r"|dumping contents of table "
    r"|finished item \d+ |finished main parallel loop$|processing missed item |skipping item \d+ "
    r"|skipping tar member |restor(?:ed|ing) (?:\d+ )?large object|connecting to |disabling trigger"
    r"|enabling trigger|entering restore_|implied (?:data-only|no-schema) restore|last built-in OID"
    r"|while (?:INITIALIZING|PROCESSING TOC|FINALIZING):$|wrote \d+ byte|read TOC entry "
    r"|reducing dependencies for |transferring dependency |no item ready|allocating AH for "
    r"|attempting to ascertain archive format)"
)
# The hot path: one line of progress output.
_AT_WORK = re.compile(rf"(pg_dump|pg_restore): (?:\[[a-z ()]+\] )?(?:{_INFO})")
_INFO_TEXT = re.compile(rf"\s?(?:{_INFO})")
_PREFIX = re.compile(
    r"\s?(?:\S*/|[A-Za-z]:\\(?:[^\\:]{1,80}\\){0,20})?"
    r"(pg_dumpall|pg_dump|pg_restore|psql|vacuumdb|timescaledb-parallel-copy)(?:\.exe)?:"
)
_INNER = re.compile(
    r"(?<=[^/\\])(?:pg_dump|pg_restore): (?:error|warning|fatal): "
    r"|(?<=[^/\\\s])psql:[^:\n]{1,200}:\d+: (?:ERROR|FATAL|error): "
)
# How the text of an error begins, whatever precedes it.
_ERROR_TEXT = re.compile(r'could not execute query: |query failed: |COPY failed for table "')
# The rest of an error whose beginning is in another line.
_REST = re.compile(rf"\s*(?:(?:error|fatal): |{_ERROR_TEXT.pattern})")
_HEAD = re.compile(
    r"\s*(?:(?:\S*/)?(?:pg_dump|pg_restore)(?:\.exe)?:|(?P<word>error|fatal|warning): ?)\s*"
)
_TWO_HEADS = re.compile(
    r"\s*\S+?:\s*(?:(?:error|fatal|warning): \s*)?pg_(?:dump|restore):"
    r"|\s*\S+?:\s*(?:error|fatal|warning): \s*(?:error|fatal|warning): "
)
_MODULE = re.compile(r"\[[a-z][a-z ()]*\] ")
# A file's name may hold spaces, and on Windows a colon.
_PLACE = re.compile(r"(?:[A-Za-z]:[\\/])?[^:\n]*:\d+: ")
_TOOL_SEVERITY = re.compile(r"(error|fatal|warning|detail|hint): ")
_SERVER_SEVERITY = re.compile(r"(ERROR|FATAL|PANIC|WARNING|NOTICE|INFO|LOG|DEBUG\d?):(?:\s+|$)")
_WRAPPER = re.compile(r"(could not execute query|query failed): (?:(ERROR|FATAL|PANIC):\s+)?")
# Before version 12, errors had no `error:`.
_OLD_ERROR = re.compile(
    r"could not execute query: |query failed: |COPY failed for table "
    r"|Dumping the contents of table |error returned by PQ|(?:aborting|could not|connection to) "
)
_OLD_TAIL = re.compile(r"query was: |(?:The c|C)ommand was: |Error message from server: ")
_OLD_TOC = re.compile(r"Error (?:while (?:INITIALIZING|PROCESSING TOC|FINALIZING):|from TOC entry)")
_LISTS = ("there are circular foreign-key constraints", "could not resolve dependency loop")
_LIST_END = ("You might not be able to restore", "Consider using a full dump")
_SUM = "errors ignored on restore: "
_PSQL_TAG = re.compile(r"[A-Z][A-Z ]+(?: \d+)*$")
# What psql writes on its standard output, which may come between the lines of a message.
_PSQL_OUTPUT = re.compile(
    r"[A-Z][A-Z ]+(?: \d+)*$|-{2,}[-+]*$|\(\d+ \S{1,12}\)$|You are now connected to database "
    r"|(?:Time: |(?:Pager usage|Timing|Expanded display|Tuples only|Output format|Null display) )"
    r"|(?: [\w ?]+ ?(?:\|[\w ?|]*)?| +[\d.]+)$"
)
# What runs the tool says that it failed: a message of its own.
_SUMMARY = re.compile(
    r".{0,80}\bexit(?:ed)?(?: with)?(?: (?:code|status))?[: ]+'?[1-9]"
    r"|.{0,80}\b(?:pg_dump|pg_dumpall|pg_restore|psql|vacuumdb)\b.{0,40}\b(?:failed|exited|returned)\b"
    r"|make(?:\[\d+\])?: \*\*\*|Traceback |panic: |goroutine \d|command terminated"
    r"|(?:Error|error|FATAL|fatal): (?!  )"
)
_COLOUR = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
_COPY = re.compile(r'COPY failed for table "(?P<table>.*?)": ', re.DOTALL)

_SEVERITIES = {
    "error": Severity.ERROR,
    "fatal": Severity.ERROR,
    "warning": Severity.WARNING,
    "ERROR": Severity.ERROR,
    "FATAL": Severity.ERROR,
    "PANIC": Severity.ERROR,
    "WARNING": Severity.WARNING,
}


def is_output(text: str) -> bool:
    """Whether a line is what psql writes on its standard output: tags, and tables of results."""
    return _PSQL_OUTPUT.match(text) is not None


def is_progress(text: str) -> bool:
    """Whether a text (without its prefix) is what pg_dump and pg_restore say with --verbose."""
    return _INFO_TEXT.match(text) is not None


def _glued(line: str) -> bool:
    """Whether another message begins inside a line, or it is not progress output after all.

    Called for every line, so without a regular expression, which takes five times as long.
    """
    return (
        "rror:" in line
        or "ERROR" in line
        or "FATAL" in line
        or "PANIC" in line
        or "WARNING" in line
        or "warning:" in line
        or "could not" in line
        or "failed:" in line
        or "Segmentation fault" in line
        or "core dumped" in line
        or line.endswith(("Killed", "Terminated", "Aborted"))
    )


class Parser:
    """Turns lines into messages; a message is returned when the next one begins.

    `tool` is the tool that wrote lines without a prefix; by default the server.
    """

    def __init__(self, tool: str | None = None, translator: Translator | None = None) -> None:
        self._own = tool or ""
        self._translator = translator or Translator()
        self._written = ("", "")
        """The current line in English and as it was written."""
        self._level: Severity | None = None
        """What a wrapper rated the current line."""
        self._aside: list[PlainLine | Message] = []
        """Output of psql that came in between the lines of the message."""
        self._cut = False
        """The current line is the last one, and may be cut."""
        self._spoke = ""
        self._owed = 0
        """Severities whose text has not been seen yet."""
        self.number = 0
        """Lines read so far."""
        self._block: Block | None = None
        self._parallel = False
        self._open: list[TocEntry] = []
        """Entries announced since the last error."""
        self._last: TocEntry | None = None
        """The entry of the last error: a second error of the same entry is not announced again."""
        self._recent = Recent()

    def feed(
        self,
        line: str,
        *,
        ended: bool = True,
        number: int | None = None,
        level: Severity | None = None,
    ) -> list[PlainLine | Message]:
        """Take one line, with or without its line end.

        `ended=False` for a last line that may have been cut: its message is kept, but never counts
        as harmless. `number` is its number where lines are left out; `level` is what the program
        that wrote the log rated it.
        """
        self.number = self.number + 1 if number is None else number
        self._level = level
        line = line.rstrip("\r\n")
        if "\x1b" in line:
            line = _COLOUR.sub("", line)
        found = _AT_WORK.match(line)
        if found and not _glued(line):
            done = self._flush() if self._block is not None else []
            self._spoke = tool = found[1]
            if found.lastgroup != "plain":
                self._note(found.lastgroup, line)
            done.append(PlainLine(line, self.number, tool))
            return done
        self._cut = not ended
        english = self._translator.line(line)
        self._written = (english, line)
        done = self._other(english)
        if self._cut and self._block is not None:
            self._block.whole = False
        return done

    def close(self) -> list[PlainLine | Message]:
        """The last message. A pg_restore that reported errors ends with their number: an error at
        the very end of its log is truncated."""
        block = self._block
        if block is not None and block.tool == "pg_restore" and block.severity is Severity.ERROR:
            block.whole = False
        return [*self._flush(), *self._missing()]

    def _raw(self, line: str) -> str:
        """A line as it was written."""
        english, written = self._written
        return written if line is english else line

    def _note(self, group: str | None, line: str) -> None:
        """Note what a verbose line tells about errors that may follow."""
        if group == "entry":
            entry = parse_toc(line)
            if entry:
                self._open.append(self._recent.qualify(entry))
                del self._open[:-64]
            return
        if group == "mark":
            self._parallel = True
        elif group in ("named", "moves"):
            if group == "named":
                self._recent.add(line)
            if not self._parallel:
                self._open.clear()
                self._last = None

    def _other(self, line: str) -> list[PlainLine | Message]:
        inner = _INNER.search(line)
        if inner and line[: inner.start()].strip():
            head = self._other(line[: inner.start()])
            return [*head, *self._damaged(self._other(line[inner.start() :]))]
        found = _PREFIX.match(line)
        if not found:
            return self._bare(line)
        self._spoke = tool = found[1]
        if _TWO_HEADS.match(line):
            return self._mixed(tool, line)
        return self._prefixed(tool, line[found.end() :].removeprefix(" "), line)

    def _mixed(self, tool: str, line: str) -> list[PlainLine | Message]:
        """A line that begins like several: workers write prefix, severity and text one by one, so
        that another's can come in between. The texts themselves stay whole."""
        rest, words = line, 0
        while found := _HEAD.match(rest):
            rest, words = rest[found.end() :], words + (found["word"] is not None)
        known = _INFO_TEXT.match(rest)
        if known and not _glued(rest):
            self._owed += words
            done = self._flush()
            self._note(known.lastgroup, rest)
            return [*done, PlainLine(self._raw(line), self.number, tool)]
        if _SERVER_SEVERITY.match(rest):
            self._owed += words
            return self._prefixed(tool, rest, line)
        complete = self._parallel and self._owed + words > 0
        self._owed = max(self._owed + words - 1, 0)
        done = self._start(tool, Severity.ERROR, rest, line)
        if self._block is not None and not (complete and _ERROR_TEXT.match(rest)):
            self._block.whole = False
        return done

    def _damaged(self, done: list[PlainLine | Message]) -> list[PlainLine | Message]:
        """Lines are garbled in the message that has just begun."""
        if self._block is not None:
            self._block.whole = False
        return done

    def _prefixed(self, tool: str, rest: str, line: str) -> list[PlainLine | Message]:
        module = _MODULE.match(rest)
        if module:
            rest = rest[module.end() :]
        place = _PLACE.match(rest) if tool == "psql" else None
        if place:
            rest = rest[place.end() :]
        block = self._block if self._block and self._block.tool == tool else None
        if tool == "psql" and is_field(rest):
            # With --echo-errors the failed statement has the prefix of its error.
            if block:
                block.add(rest, self._raw(line))
                return []
            return self._start(tool, Severity.ORPHAN, rest, line)
        word = _TOOL_SEVERITY.match(rest)
        text = rest[word.end() :] if word else rest
        if word and word[1] in ("detail", "hint"):
            if block:
                block.add_part(word[1], text, self._raw(line))
                return []
            return self._start(tool, Severity.ORPHAN, text, line)
        if block and _OLD_TAIL.match(text):
            block.add_part("detail", text, self._raw(line))
            return []
        if not word and (found := _SERVER_SEVERITY.match(rest)):
            word, text = found, rest[found.end() :]
        if word:
            return self._start(tool, _SEVERITIES.get(word[1], Severity.NOTICE), text, line)
        if _OLD_TOC.match(text):
            self._note("entry", text)
            return [*self._flush(), PlainLine(self._raw(line), self.number, tool)]
        known = _INFO_TEXT.match(text)
        if known and not _glued(text):
            done = self._flush()
            self._note(known.lastgroup, line)
            return [*done, PlainLine(self._raw(line), self.number, tool)]
        if block and block.text.startswith(_LISTS) and not module:
            part = "hint" if text.startswith(_LIST_END) else "detail"
            block.add_part(part, text.strip(), self._raw(line))
            return []
        severity = Severity.ERROR if module or _OLD_ERROR.match(text) else Severity.UNKNOWN
        return self._start(tool, severity, text, line)

    def _bare(self, line: str) -> list[PlainLine | Message]:
        """A line without a prefix: the server's, the rest of a message, or anything else."""
        # A worker's notice that lost its prefix may still have the space after it.
        said = line.removeprefix(" ")
        found = _SERVER_SEVERITY.match(said)
        if found:
            text = said[found.end() :]
            severity = _SEVERITIES.get(found[1], Severity.NOTICE)
            tool = self._own or "server"
            if text.startswith(_SUM):
                # Before version 12 the sum had no prefix.
                tool = "pg_restore"
            elif severity is not Severity.ERROR and self._spoke:
                tool = self._spoke
            return self._start(tool, severity, text, line)
        if _REST.match(line):
            return self._mixed(self._own or self._spoke, line)
        block = self._block
        if block is not None and self._is_aside(block, line):
            self._aside.append(PlainLine(self._raw(line), self.number, "psql"))
            return []
        if block is not None and block.continues(line) and not self._ends(block, line):
            self._take_aside(block)
            block.add(line, self._raw(line))
            return []
        done = self._flush()
        if is_field(line):
            return [*done, *self._start(self._own, Severity.ORPHAN, line.strip(), line)]
        known = _INFO_TEXT.match(line)
        if known and not _glued(line):
            self._note(known.lastgroup, line)
            return [*done, PlainLine(self._raw(line), self.number, self._own)]
        if not line.strip():
            return [*done, PlainLine(self._raw(line), self.number, self._own)]
        return [
            *done,
            Message(
                tool=self._own,
                severity=self._level or Severity.UNKNOWN,
                text=line,
                lines=(self._raw(line),),
                number=self.number,
            ),
        ]

    def _is_aside(self, block: Block, line: str) -> bool:
        """Whether a line is psql's standard output, which is not part of the message."""
        if block.tool not in ("psql", "server") or (block.has_command and not block.complete):
            return False
        return _PSQL_OUTPUT.match(line) is not None

    def _take_aside(self, block: Block) -> None:
        """The message continues after output that came in between."""
        if self._aside:
            block.whole = False

    def _ends(self, block: Block, line: str) -> bool:
        """Lines that continue no message, although they have no prefix."""
        if block.tool == "pgcopydb":
            return not is_field(line)
        if block.has_command:
            return False
        if is_field(line):
            return False
        if self._aside or (self._level is not None and not line.startswith((" ", "\t"))):
            return True
        return bool(_INFO_TEXT.match(line) or _SUMMARY.match(line))

    def _start(
        self, tool: str, severity: Severity, text: str, line: str
    ) -> list[PlainLine | Message]:
        done = self._flush()
        wrapper = _WRAPPER.match(text)
        said = text[wrapper.end() :] if wrapper else text
        block = Block(tool, severity, said, self._raw(line), self.number)
        if severity is Severity.ERROR and tool == "pg_restore":
            block.wrapped = bool(wrapper) and text.startswith("could not execute")
            if self._parallel:
                block.entries = (*self._open, *((self._last,) if self._last else ()))
            else:
                block.entries = tuple(self._open[-1:]) or ((self._last,) if self._last else ())
        self._block = block
        if text.startswith(_SUM):
            block.whole = not self._cut
            done += [*self._flush(), *self._missing()]
            self._parallel, self._last, self._open = False, None, []
        return done

    def _missing(self) -> list[PlainLine | Message]:
        """Errors that began and never continued."""
        owed, self._owed = self._owed, 0
        text = "an error whose text is missing"
        return [
            Message(
                tool=self._spoke,
                severity=Severity.ORPHAN,
                text=text,
                lines=(text,),
                number=self.number,
            )
        ] * owed

    def _flush(self) -> list[PlainLine | Message]:
        block, self._block = self._block, None
        aside, self._aside = self._aside, []
        if block is None:
            return aside
        if block.text.startswith(_LISTS[0]) and _LIST_END[1] not in block.hint:
            block.whole = False
        message = block.finish()
        if not block.entries or (message.subject and message.subject.kind == "SESSION"):
            # A worker that connects names the entry that its leader was working on.
            return [message, *aside]
        entry = self._whose(block, message)
        if not self._parallel:
            self._open.clear()
        elif entry in self._open:
            self._open.remove(entry)
        self._last = entry or self._last
        # Without its command, only the name shows that the entry belongs to this error.
        sure = entry is not None and (bool(message.command) or entry.bare in message.text)
        return [replace(message, toc=entry, whole=message.whole and sure), *aside]

    def _whose(self, block: Block, message: Message) -> TocEntry | None:
        """The one entry that the error is about; None when unknown."""
        fitting = [e for e in dict.fromkeys(block.entries) if self._fits(e, message, block)]
        if len(fitting) > 1:
            fitting = [entry for entry in fitting if entry != self._last]
        return fitting[0] if len(fitting) == 1 else None

    def _fits(self, entry: TocEntry, message: Message, block: Block) -> bool:
        copy = _COPY.match(message.text)
        if copy:
            return entry.kind == "TABLE DATA" and entry.name == copy["table"]
        if message.subject is not None:
            return belongs(message.subject, entry.kind, entry.name)
        if message.command:
            return entry.bare in message.command
        # Every failed query comes with its command, unless another worker's line is between.
        return not (self._parallel and block.wrapped)
