"""A program in a real terminal: tmux draws what it writes."""

import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread

import pexpect

PYTHON = shlex.quote(sys.executable)


class Terminal:
    """One tmux server with one window of 80 by 24, in which one program runs in a shell."""

    def __init__(self, folder: Path) -> None:
        self._socket = folder / "tmux"
        self._status = folder / "status"
        self._state = folder / "state"
        self.pid_file = folder / "child"
        self._pid = folder / "pid"

    def _tmux(self, *args: str) -> str:
        command = ["tmux", "-S", str(self._socket), "-f", "/dev/null", *args]
        return subprocess.run(command, capture_output=True, text=True, check=False).stdout

    def run(self, command: str, *, env: str = "", size: tuple[int, int] = (80, 24)) -> None:
        """Run a command; its exit code and the terminal's state after it are kept."""
        script = (
            "unset COLUMNS LINES; "
            f"export TSWIZARD_STATE_DIR={shlex.quote(str(self._state))} {env}; "
            f"sh -c 'echo $$ > {self._pid}; exec {command}'; "
            f"echo $? > {self._status}.new; stty -a >> {self._status}.new; "
            f"mv {self._status}.new {self._status}; exec sleep 600"
        )
        width, height = map(str, size)
        self._tmux("new-session", "-d", "-x", width, "-y", height, "-c", str(Path.cwd()), script)

    @property
    def pid(self) -> int:
        return int(self._pid.read_text(encoding="utf-8"))

    def keys(self, *keys: str) -> None:
        self._tmux("send-keys", *keys)

    def resize(self, width: int, height: int) -> None:
        self._tmux("resize-window", "-x", str(width), "-y", str(height))

    def screen(self, *, escapes: bool = False) -> str:
        return self._tmux("capture-pane", "-p", *(["-e"] if escapes else []))

    @contextmanager
    def attached(self, width: int, height: int) -> Iterator[None]:
        """Somebody looks on from a terminal of that size, which is closed behind them."""
        command = ["-S", str(self._socket), "attach"]
        client = pexpect.spawn("tmux", command, dimensions=(height, width), timeout=600)
        reader = Thread(target=client.read, daemon=True)  # what nobody reads holds tmux up
        reader.start()
        try:
            until(lambda: self._size == f"{width}x{height}", "the terminal's size")
            yield
        finally:
            client.kill(signal.SIGHUP)
            reader.join()
            client.close(force=True)

    @property
    def _size(self) -> str:
        # One line is tmux's own.
        return self._tmux("display-message", "-p", "#{client_width}x#{client_height}").strip()

    def close(self) -> None:
        """As somebody closes the window: the terminal is gone under the program."""
        self._tmux("kill-server")

    @property
    def in_alternate_screen(self) -> bool:
        return self._tmux("display-message", "-p", "#{alternate_on}").strip() == "1"

    @property
    def has_mouse(self) -> bool:
        """Does the program in it get the mouse?"""
        return self._tmux("display-message", "-p", "#{mouse_any_flag}").strip() == "1"

    def exit_code(self) -> int:
        until(self._status.exists, "the program's end")
        return int(self._status.read_text(encoding="utf-8").split()[0])

    def assert_clean(self) -> None:
        """Echo and line mode are on, the shell's own screen is back, and so is its cursor."""
        settings = self._status.read_text(encoding="utf-8").split()
        assert {"echo", "icanon", "isig", "icrnl"} <= set(settings)
        assert not self.in_alternate_screen
        assert self._tmux("display-message", "-p", "#{cursor_flag}").strip() == "1"
        assert not self.has_mouse

    def see(self, text: str, *, gone: bool = False) -> None:
        """Wait until a text is on the screen, or is not anymore."""
        try:
            until(lambda: (text in self.screen()) != gone, text)
        except AssertionError as error:
            raise AssertionError(f"{error}; the screen was:\n{self.screen()}") from None


def until(holds: Callable[[], object], what: str, seconds: float = 600) -> None:
    limit = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > limit:
            raise AssertionError(f"waited in vain for {what}")
        time.sleep(0.02)


def stopped(pid: int) -> bool:
    """Suspended, as by ctrl+z."""
    state = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0]
    return state == "T"


def alive(pid: int) -> bool:
    """Not ended, or ended and not waited for."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"
