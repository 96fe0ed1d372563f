"""What the wizard says, as lines: wrapped where it is prose, as it is where it will be copied."""

import shutil
import sys
import textwrap
from collections.abc import Iterable
from typing import TextIO

from tswizard.core.model.finding import Finding, Level
from tswizard.wizard.method_questions import todo_here
from tswizard.wizard.text import one_line

_WIDEST = 100
"""Columns beyond which prose is tiring to read."""

_DETAILS = 5
"""Details of a finding before the rest is only counted."""


class Voice:
    """Writes lines and nothing but lines: no cursor is moved, no color is set."""

    def __init__(self, out: TextIO | None = None, columns: int | None = None) -> None:
        """`columns` to wrap at; None asks the terminal each time."""
        self._out = out or sys.stdout
        self._columns = columns
        self.gone = False
        """Nobody can read anymore: the terminal is closed."""

    def say(self, text: str = "", *, indent: int = 0) -> None:
        """A paragraph, wrapped at words; further lines of it stand two columns further in."""
        width = self._columns or max(30, min(_WIDEST, shutil.get_terminal_size().columns - 1))
        blank = " " * indent
        for line in text.split("\n"):
            lines = textwrap.wrap(
                one_line(line),
                width,
                initial_indent=blank,
                subsequent_indent=blank + ("  " if indent else ""),
                break_long_words=False,
                break_on_hyphens=False,
            )
            self._write(lines or [""])

    def copyable(self, text: str, *, indent: int = 0) -> None:
        """Commands, SQL, paths: every line as it is."""
        self._write(" " * indent + one_line(line) for line in text.split("\n"))

    def heading(self, text: str) -> None:
        self.say()
        self.say(text)

    def facts(self, facts: Iterable[tuple[str, str]], *, indent: int = 0) -> None:
        """`Title: text`, one a line."""
        for title, text in facts:
            self.say(f"{title}: {text}" if title else text, indent=indent)

    def finding(self, finding: Finding, *, details: int | None = _DETAILS) -> None:
        """Word and sentence; of one that did not pass also where, why, what to do and details."""
        self.say(f"{finding.level.upper()}: {finding.sentence}")
        if finding.level is Level.PASS and details is not None:
            return
        where = finding.where if finding.where not in finding.what else ""
        for title, text in (
            ("At", where),
            ("Why", finding.why),
            ("What to do", todo_here(finding)),
        ):
            if text:
                self.say(f"{title}: {text}", indent=2)
        self.some(finding.details, details)

    def some(self, lines: tuple[str, ...], most: int | None) -> None:
        """The first of them, and how many more there are."""
        for line in lines[:most]:
            self.copyable(f"- {line}", indent=4)
        if most is not None and len(lines) > most:
            self.say(f"- and {len(lines) - most:,} more", indent=4)

    def _write(self, lines: Iterable[str]) -> None:
        if self.gone:
            return
        try:
            for line in lines:
                self._out.write(f"{line}\n")
            self._out.flush()
        except OSError:
            self.gone = True
