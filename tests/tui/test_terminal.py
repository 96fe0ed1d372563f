"""In a real terminal: the start, a resize, quitting, signals, a terminal that goes away."""

import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.support.tmux_terminal import PYTHON, Terminal, alive, stopped, until

pytestmark = [
    pytest.mark.terminal,
    pytest.mark.skipif(shutil.which("tmux") is None, reason="tmux is not installed"),
]

SGR = re.compile(r"\x1b\[([0-9;]*)m")
WIZARD = f"{PYTHON} -m tswizard"


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
    assert terminal.exit_code() == 4
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


def test_who_hangs_up_sends_two_signals(terminal: Terminal) -> None:
    """SIGCONT behind SIGHUP: the program has to end all the same, and not to read for ever."""
    terminal.run(WIZARD)
    terminal.see("Start a new migration")
    wizard = terminal.pid
    os.kill(wizard, signal.SIGCONT)
    os.kill(wizard, signal.SIGHUP)
    os.kill(wizard, signal.SIGCONT)
    assert terminal.exit_code() == 128 + signal.SIGHUP
    assert not alive(wizard)
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


def test_without_colors_the_focus_still_shows(terminal: Terminal) -> None:
    terminal.run(WIZARD, env="NO_COLOR=1")
    terminal.see("Start a new migration")
    codes = terminal.screen(escapes=True)
    styles = {code for codes_ in SGR.findall(codes) for code in codes_.split(";")}
    assert styles <= {"", "0", "1", "2", "4", "7", "39", "49"}, "there are colors"
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


def test_suspended_the_terminal_is_the_shells_and_continued_the_screens_are_back(
    terminal: Terminal,
) -> None:
    child = begin_run(terminal)
    terminal.keys("C-z")
    until(lambda: stopped(terminal.pid), "the program to be suspended")
    until(lambda: not terminal.in_alternate_screen, "the shell's screen")
    assert alive(child)
    os.kill(terminal.pid, signal.SIGCONT)
    until(lambda: terminal.in_alternate_screen, "the wizard's screen")
    terminal.see("Restore the rows")
    terminal.keys("C-q")
    terminal.see("Stop the run and quit?")
    terminal.keys("Right", "Enter")
    assert terminal.exit_code() == 3
    assert not alive(child)
    terminal.assert_clean()


@pytest.mark.parametrize(("flag", "wanted"), [("", True), ("--no-mouse", False)])
def test_the_mouse_is_the_terminals_where_it_was_asked_for(
    terminal: Terminal, flag: str, wanted: bool
) -> None:
    terminal.run(f"{WIZARD} {flag}")
    terminal.see("Start a new migration")
    assert terminal.has_mouse is wanted
