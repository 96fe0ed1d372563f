"""A streaming parser for the output of pg_dump, pg_restore and psql.

With -j the workers share one stream, and a line is written in several pieces, so that lines of two
workers can end up in one.
"""

from dataclasses import replace

from tswizard.core.classify.announced import Announced
from tswizard.core.classify.command import starts_statement
from tswizard.core.classify.forms import (
    AT_WORK,
    ECHOED_COPY,
    ERROR_TEXT,
    HEAD,
    INNER,
    LIST_END,
    LISTS,
    MODULE,
    OLD_ERROR,
    OLD_TAIL,
    OLD_TOC,
    PLACE,
    PREFIX,
    PROGRESS,
    REST,
    SERVER_SEVERITY,
    SEVERITIES,
    SUM,
    SUMMARY,
    TOOL_SEVERITY,
    TWO_HEADS,
    WRAPPER,
    is_glued,
    is_output,
)
from tswizard.core.classify.message import Block, Message, PlainLine, is_field
from tswizard.core.classify.terminal import without_controls
from tswizard.core.classify.translate import Translator
from tswizard.core.model.judged import Severity


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
        self._echoed = ""
        """The COPY that psql has written before running it (-e, -a), where no tag followed."""
        self._cut = False
        """The current line is the last one, and may be cut."""
        self._spoke = ""
        self._owed = 0
        """Severities whose text has not been seen yet."""
        self.number = 0
        """Lines read so far."""
        self._block: Block | None = None
        self._entries = Announced()

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
        line = without_controls(line)
        found = AT_WORK.match(line)
        if found and not is_glued(line):
            done = self._flush() if self._block is not None else []
            self._spoke = tool = found[1]
            if found.lastgroup != "plain":
                self._entries.note(found.lastgroup, line)
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

    def _other(self, line: str) -> list[PlainLine | Message]:
        inner = INNER.search(line)
        if inner and line[: inner.start()].strip():
            head = self._other(line[: inner.start()])
            return [*head, *self._damaged(self._other(line[inner.start() :]))]
        found = PREFIX.match(line)
        if not found:
            return self._bare(line)
        self._spoke = tool = found[1]
        if TWO_HEADS.match(line):
            return self._mixed(tool, line)
        return self._prefixed(tool, line[found.end() :].removeprefix(" "), line)

    def _mixed(self, tool: str, line: str) -> list[PlainLine | Message]:
        """A line that begins like several: workers write prefix, severity and text one by one, so
        that another's can come in between. The texts themselves stay whole."""
        rest, words = line, 0
        while found := HEAD.match(rest):
            rest, words = rest[found.end() :], words + (found["word"] is not None)
        known = PROGRESS.match(rest)
        if known and not is_glued(rest):
            self._owed += words
            done = self._flush()
            self._entries.note(known.lastgroup, rest)
            return [*done, PlainLine(self._raw(line), self.number, tool)]
        if SERVER_SEVERITY.match(rest):
            self._owed += words
            return self._prefixed(tool, rest, line)
        complete = self._entries.parallel and self._owed + words > 0
        self._owed = max(self._owed + words - 1, 0)
        done = self._start(tool, Severity.ERROR, rest, line)
        if self._block is not None and not (complete and ERROR_TEXT.match(rest)):
            self._block.whole = False
        return done

    def _damaged(self, done: list[PlainLine | Message]) -> list[PlainLine | Message]:
        """Lines are garbled in the message that has just begun."""
        if self._block is not None:
            self._block.whole = False
        return done

    def _prefixed(self, tool: str, rest: str, line: str) -> list[PlainLine | Message]:
        module = MODULE.match(rest)
        if module:
            rest = rest[module.end() :]
        place = PLACE.match(rest) if tool == "psql" else None
        if place:
            rest = rest[place.end() :]
        block = self._block if self._block and self._block.tool == tool else None
        if tool == "psql" and is_field(rest):
            # With --echo-errors the failed statement has the prefix of its error.
            if block:
                block.add(rest, self._raw(line))
                return []
            return self._start(tool, Severity.ORPHAN, rest, line)
        word = TOOL_SEVERITY.match(rest)
        text = rest[word.end() :] if word else rest
        if word and word[1] in ("detail", "hint"):
            if block:
                block.add_part(word[1], text, self._raw(line))
                return []
            return self._start(tool, Severity.ORPHAN, text, line)
        if block and OLD_TAIL.match(text):
            block.add_part("detail", text, self._raw(line))
            return []
        if not word and (found := SERVER_SEVERITY.match(rest)):
            word, text = found, rest[found.end() :]
        if word:
            return self._start(tool, SEVERITIES.get(word[1], Severity.NOTICE), text, line)
        if OLD_TOC.match(text):
            self._entries.note("entry", text)
            return [*self._flush(), PlainLine(self._raw(line), self.number, tool)]
        known = PROGRESS.match(text)
        if known and not is_glued(text):
            done = self._flush()
            self._entries.note(known.lastgroup, line)
            return [*done, PlainLine(self._raw(line), self.number, tool)]
        if block and block.text.startswith(LISTS) and not module:
            part = "hint" if text.startswith(LIST_END) else "detail"
            block.add_part(part, text.strip(), self._raw(line))
            return []
        severity = Severity.ERROR if module or OLD_ERROR.match(text) else Severity.UNKNOWN
        return self._start(tool, severity, text, line)

    def _bare(self, line: str) -> list[PlainLine | Message]:
        """A line without a prefix: the server's, the rest of a message, or anything else."""
        # A worker's notice that lost its prefix may still have the space after it.
        said = line.removeprefix(" ")
        found = SERVER_SEVERITY.match(said)
        if found:
            text = said[found.end() :]
            severity = SEVERITIES.get(found[1], Severity.NOTICE)
            tool = self._own or "server"
            if text.startswith(SUM):
                # Before version 12 the sum had no prefix.
                tool = "pg_restore"
            elif severity is not Severity.ERROR and self._spoke:
                tool = self._spoke
            return self._start(tool, severity, text, line)
        if REST.match(line):
            return self._mixed(self._own or self._spoke, line)
        block = self._block
        if block is not None and self._is_aside(block, line):
            self._echoed = ""
            self._aside.append(PlainLine(self._raw(line), self.number, "psql"))
            return []
        if block is not None and block.continues(line) and not self._ends(block, line):
            self._take_aside(block)
            block.add(line, self._raw(line))
            return []
        done = self._flush()
        if ECHOED_COPY.match(line):
            self._echoed = line
        elif is_output(line) or starts_statement(line):
            self._echoed = ""
        if is_field(line):
            return [*done, *self._start(self._own, Severity.ORPHAN, line.strip(), line)]
        known = PROGRESS.match(line)
        if known and not is_glued(line):
            self._entries.note(known.lastgroup, line)
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
        return is_output(line)

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
        return bool(PROGRESS.match(line) or SUMMARY.match(line) or ECHOED_COPY.match(line))

    def _start(
        self, tool: str, severity: Severity, text: str, line: str
    ) -> list[PlainLine | Message]:
        done = self._flush()
        wrapper = WRAPPER.match(text)
        said = text[wrapper.end() :] if wrapper else text
        block = Block(tool, severity, said, self._raw(line), self.number)
        if severity is Severity.ERROR and tool == "pg_restore":
            block.wrapped = bool(wrapper) and text.startswith("could not execute")
            block.entries = self._entries.now()
        if severity is Severity.ERROR and tool == "psql":
            block.echoed, self._echoed = self._echoed, ""
        self._block = block
        if text.startswith(SUM):
            block.whole = not self._cut
            done += [*self._flush(), *self._missing()]
            self._entries.end()
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
        if block.text.startswith(LISTS[0]) and LIST_END[1] not in block.hint:
            block.whole = False
        message = block.finish()
        if not block.entries or (message.subject and message.subject.kind == "SESSION"):
            # A worker that connects names the entry that its leader was working on.
            return [message, *aside]
        entry = self._entries.resolve(message, block.entries, wrapped=block.wrapped)
        # Without its command, only the name shows that the entry belongs to this error.
        sure = entry is not None and (bool(message.command) or entry.bare in message.text)
        return [replace(message, toc=entry, whole=message.whole and sure), *aside]
