"""tswizard in a pseudo-terminal that can do no more than print, or a little more."""

import os
import re
import signal
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pexpect

_ESCAPE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\x1b[=>]")

SLOW = float(os.environ.get("TSWIZARD_TEST_PATIENCE", "600"))
"""Seconds that a step of the real thing may take on a busy machine."""


class LineTerminal:
    """One call of a program; everything that it wrote is kept."""

    def __init__(self, child: "pexpect.spawn[str]") -> None:
        self._child = child
        self._seen: list[str] = []

    @property
    def pid(self) -> int:
        return int(self._child.pid)

    @property
    def raw(self) -> str:
        """Everything so far, as it was written."""
        return "".join(self._seen)

    @property
    def text(self) -> str:
        """Everything so far, without escape sequences, paragraphs on one line."""
        plain = _ESCAPE.sub("", self.raw).replace("\r", "")
        return re.sub(r"\n +", " ", plain)

    def see(self, text: str, seconds: float = SLOW) -> None:
        """Wait until it writes this."""
        try:
            self._child.expect_exact(text, timeout=seconds)
        except (pexpect.TIMEOUT, pexpect.EOF):
            self._seen.append(str(self._child.before))
            raise AssertionError(f"waited in vain for {text!r}; it said:\n{self.text}") from None
        self._seen += [str(self._child.before), str(self._child.after)]

    def type(self, text: str) -> None:
        self._child.send(text)

    def answer(self, asked: str, text: str = "") -> None:
        """Wait for a question and type an answer with Enter."""
        self.see(asked)
        self.type(f"{text}\r")

    def choose(self, last: str, text: str) -> None:
        """Once a list was written up to its last line, type the key of one of its lines."""
        self.see(last)
        key = re.findall(rf"(\w+)\) {re.escape(text)}", self.text)
        assert key, f"there is no {text!r} in it:\n{self.text}"
        self.type(f"{key[-1]}\r")

    def interrupt(self) -> None:
        self._child.sendintr()

    def end_input(self) -> None:
        self._child.sendeof()

    def kill(self) -> None:
        os.kill(self.pid, signal.SIGKILL)
        self.ended()

    def hang_up(self) -> None:
        """The terminal is gone."""
        self._child.close(force=False)

    def ended(self, seconds: float = SLOW) -> int:
        """Wait for its end: the exit code, or the signal's number below 0."""
        try:
            self._child.expect(pexpect.EOF, timeout=seconds)
        except pexpect.TIMEOUT:
            self._seen.append(str(self._child.before))
            raise AssertionError(f"it does not end; it said:\n{self.text}") from None
        self._seen.append(str(self._child.before))
        self._child.close()
        code = self._child.exitstatus
        return int(code) if code is not None else -int(self._child.signalstatus or 0)


@contextmanager
def line_terminal(
    *args: str | Path,
    env: Mapping[str, str] | None = None,
    module: str = "tswizard",
    columns: int = 100,
    term: str = "xterm-256color",
) -> Iterator[LineTerminal]:
    """A program of ours in a terminal of its own; ended at the end."""
    child = pexpect.spawn(
        sys.executable,
        ["-m", module, *map(str, args)],
        env={**(os.environ if env is None else env), "TERM": term},
        encoding="utf-8",
        dimensions=(40, columns),
        timeout=SLOW,
        echo=True,
    )
    try:
        yield LineTerminal(child)
    finally:
        child.close(force=True)
