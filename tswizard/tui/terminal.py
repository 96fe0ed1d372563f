"""The terminal as a thing that can vanish: hung up, closed, its connection lost."""

import io
import os
import sys
from typing import TYPE_CHECKING, Any, Protocol, cast

from textual.drivers.linux_driver import LinuxDriver

if TYPE_CHECKING:
    from textual.app import App


class _Lost(Protocol):
    def terminal_lost(self) -> None: ...


class _Forgiving(io.TextIOBase):
    """Writes until the terminal is gone, then to nobody.

    The writer thread must outlive the terminal: without it the application would wait for room
    in its queue and never come to ending the run.
    """

    def __init__(self, file: Any) -> None:
        self._file = file
        self._gone = False

    def write(self, text: str) -> int:
        if not self._gone:
            try:
                self._file.write(text)
            except OSError:
                self._gone = True
        return len(text)

    def flush(self) -> None:
        if not self._gone:
            try:
                self._file.flush()
            except OSError:
                self._gone = True

    def fileno(self) -> int:
        return cast("int", self._file.fileno())


class TerminalDriver(LinuxDriver):
    """Textual's own driver, for a terminal that may go away while a run is under way."""

    def __init__(self, app: "App[Any]", **options: Any) -> None:
        super().__init__(app, **options)
        self._file = cast("Any", _Forgiving(self._file))

    def _sigcont_application(self, *args: Any) -> None:
        # Only behind a suspend. Whoever hangs up sends SIGCONT as well (tty_vhangup, tmux), and
        # Textual would start threads once more that nothing ends.
        if self._must_signal_resume:
            super()._sigcont_application(*args)

    def run_input_thread(self) -> None:
        try:
            super().run_input_thread()
        except OSError:
            self._app.call_later(cast("_Lost", self._app).terminal_lost)

    def let_go(self) -> None:
        """Read no more: a hung-up terminal answers every read at once with nothing."""
        self.exit_event.set()


def still_there() -> bool:
    """Is the terminal that the program was started in still open?"""
    stdin = sys.__stdin__
    return stdin is not None and os.isatty(stdin.fileno())
