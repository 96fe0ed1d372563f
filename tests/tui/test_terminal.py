"""In a real terminal: the start, a resize, quitting, signals, a terminal that goes away."""

import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

pytestmark = [
    pytest.mark.terminal,
    pytest.mark.skipif(shutil.which("tmux") is None, reason="tmux is not installed"),
]

SGR = re.compile(r"\x1b\[([0-9;]*)m")
PYTHON = shlex.quote(sys.executable)
WIZARD = f"{PYTHON} -m tswizard"


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

    def close(self) -> None:
        """As somebody closes the window: the terminal is gone under the program."""
        self._tmux("kill-server")

    @property
    def in_alternate_screen(self) -> bool:
        return self._tmux("display-message", "-p", "#{alternate_on}").strip() == "1"

    def exit_code(self) -> int:
        until(self._status.exists, "the program's end")
        return int(self._status.read_text(encoding="utf-8").split()[0])

    def assert_clean(self) -> None:
        """Echo and line mode are on, the shell's own screen is back, and so is its cursor."""
        settings = self._status.read_text(encoding="utf-8").split()
        assert {"echo", "icanon", "isig", "icrnl"} <= set(settings)
        assert not self.in_alternate_screen
        assert self._tmux("display-message", "-p", "#{cursor_flag}").strip() == "1"
        assert self._tmux("display-message", "-p", "#{mouse_any_flag}").strip() == "0"

    def see(self, text: str, *, gone: bool = False) -> None:
        """Wait until a text is on the screen, or is not any more."""
        try:
            until(lambda: (text in self.screen()) != gone, text)
        except AssertionError as error:
            raise AssertionError(f"{error}; the screen was:\n{self.screen()}") from None


def until(holds: Callable[[], object], what: str, seconds: float = 120) -> None:
    limit = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > limit:
            raise AssertionError(f"waited in vain for {what}")
        time.sleep(0.02)


def alive(pid: int) -> bool:
    """Not ended, or ended and not waited for."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[Terminal]:
    window = Terminal(tmp_path)
    yield window
    window.close()


def begin_run(terminal: Terminal) -> int:
    """Start a run with a child; the child's process id."""
    terminal.run(f"{PYTHON} -m tests.support.wizard_in_terminal {terminal.pid_file}")
    until(terminal.pid_file.exists, "the run's child")
    terminal.see("Restore the rows")
    return int(terminal.pid_file.read_text(encoding="utf-8"))


def test_start_resize_and_quit_through_a_question(terminal: Terminal) -> None:
    terminal.run(WIZARD)
    terminal.see("Start a new migration")
    terminal.keys("Enter")
    terminal.see("Source ▸")
    terminal.resize(120, 35)
    terminal.see("tswizard  1 Source ▸")
    terminal.resize(80, 24)
    terminal.see("tswizard", gone=True)
    terminal.see("F1 Help")
    terminal.keys("F10")
    terminal.see("Nothing has been changed")
    terminal.keys("Escape")
    terminal.see("Nothing has been changed", gone=True)
    terminal.keys("C-q")
    terminal.see("Nothing has been changed")
    terminal.keys("Right", "Enter")
    assert terminal.exit_code() == 0
    terminal.assert_clean()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_a_signal_ends_the_run_its_child_and_leaves_the_terminal_clean(
    terminal: Terminal, number: signal.Signals
) -> None:
    child = begin_run(terminal)
    os.kill(terminal.pid, number)
    assert terminal.exit_code() == 3
    assert not alive(child)
    terminal.assert_clean()
    assert "tswizard resume" in terminal.screen()


def test_a_signal_before_a_run_ends_with_the_signals_own_code(terminal: Terminal) -> None:
    terminal.run(WIZARD)
    terminal.see("Start a new migration")
    os.kill(terminal.pid, signal.SIGTERM)
    assert terminal.exit_code() == 128 + signal.SIGTERM
    terminal.assert_clean()


def test_a_closed_terminal_ends_the_run_and_its_child(terminal: Terminal) -> None:
    child = begin_run(terminal)
    wizard = terminal.pid
    terminal.close()
    until(lambda: not alive(wizard), "the wizard's end")
    until(lambda: not alive(child), "the child's end")


def test_a_terminal_that_vanishes_without_a_signal_is_noticed(tmp_path: Path) -> None:
    """As when the connection is cut and nobody tells the program."""
    import fcntl
    import pty
    import termios

    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, b"\x18\x00\x50\x00\x00\x00\x00\x00")
    pid_file = tmp_path / "child"
    program = subprocess.Popen(
        [sys.executable, "-m", "tests.support.wizard_in_terminal", str(pid_file)],
        stdin=slave,
        stdout=slave,
        stderr=slave,
        env={**os.environ, "TERM": "xterm-256color"},
        start_new_session=True,  # no controlling terminal: no SIGHUP either
    )
    os.close(slave)
    os.set_blocking(master, False)

    def child_started() -> bool:
        with suppress(BlockingIOError):
            os.read(master, 1 << 16)
        return pid_file.exists()

    until(child_started, "the run's child")
    child = int(pid_file.read_text(encoding="utf-8"))
    os.close(master)
    assert program.wait(60) == 3
    assert not alive(child)


def test_without_colours_the_focus_still_shows(terminal: Terminal) -> None:
    terminal.run(WIZARD, env="NO_COLOR=1")
    terminal.see("Start a new migration")
    codes = terminal.screen(escapes=True)
    styles = {code for codes_ in SGR.findall(codes) for code in codes_.split(";")}
    assert styles <= {"", "0", "1", "2", "4", "7", "39", "49"}, "there are colours"
    line = next(line for line in codes.splitlines() if "Start a new migration" in line)
    assert any("4" in codes_.split(";") for codes_ in SGR.findall(line)), "no focus"


def test_not_a_terminal_is_refused() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tswizard"],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
    )
    assert done.returncode == 2
