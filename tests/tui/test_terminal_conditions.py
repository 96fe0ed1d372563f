"""Bad conditions in a real terminal: ssh that drops, few colors, no UTF-8."""

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.tmux_terminal import PYTHON, Terminal, alive, until

pytestmark = [
    pytest.mark.terminal,
    pytest.mark.skipif(shutil.which("tmux") is None, reason="tmux is not installed"),
]

SGR = re.compile(r"\x1b\[([0-9;]*)m")


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[Terminal]:
    window = Terminal(tmp_path)
    yield window
    window.close()


def begin_run(terminal: Terminal, env: str = "") -> int:
    """Start a run with a child; the child's process id."""
    command = f"{PYTHON} -m tests.support.wizard_in_terminal {terminal.pid_file}"
    terminal.run(command, env=env)
    until(terminal.pid_file.exists, "the run's child")
    terminal.see("Restore the rows")
    return int(terminal.pid_file.read_text(encoding="utf-8"))


def test_ssh_drops_and_the_run_is_taken_up_in_tmux_at_another_size(terminal: Terminal) -> None:
    child = begin_run(terminal)
    with terminal.attached(120, 35):
        terminal.see("7 Run ▸")
    # The client is gone, as with the connection that it came by.
    assert alive(child) and alive(terminal.pid)
    with terminal.attached(80, 24):
        terminal.see("tswizard", gone=True)
        terminal.see("Restore the rows")
        terminal.keys("C-q")
        terminal.see("Stop the run and quit?")
        terminal.keys("Right", "Enter")
        assert terminal.exit_code() == 3
    assert not alive(child)
    terminal.assert_clean()


def test_a_terminal_of_sixteen_colors_gets_no_others(terminal: Terminal) -> None:
    begin_run(terminal, "TERM=xterm; unset COLORTERM; export TERM")
    styles = [codes.split(";") for codes in SGR.findall(terminal.screen(escapes=True))]
    used = {code for codes in styles for code in codes if code}
    own = {str(n) for start in (30, 40, 90, 100) for n in range(start, start + 8)}
    attributes = {"0", "1", "2", "3", "4", "7", "22", "23", "24", "27", "39", "49"}
    assert used <= own | attributes, "colors that it does not have"
    assert used & own, "no color at all"


@pytest.mark.parametrize("locale", ["LC_ALL=C", "LC_ALL=; LANG=C; export LANG LC_ALL"])
def test_without_utf_8_all_marks_are_ascii(terminal: Terminal, locale: str) -> None:
    begin_run(terminal, locale)
    terminal.see("> Restore the rows")
    screen = terminal.screen()
    # Letters of the user's own names stay.
    odd = {mark for mark in screen if "\u2190" <= mark <= "\u2bff" or mark in "…–—·×"}
    assert not odd, screen
