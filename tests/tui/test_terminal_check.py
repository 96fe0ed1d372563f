"""The Check screen in a real terminal: the report in a pager, and the screens again behind it."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.tmux_terminal import PYTHON, Terminal, until

pytestmark = [
    pytest.mark.terminal,
    pytest.mark.skipif(shutil.which("tmux") is None, reason="tmux is not installed"),
]


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[Terminal]:
    window = Terminal(tmp_path)
    yield window
    window.close()


def _left(terminal: Terminal) -> bool:
    """The pager drops what is typed before it has taken in an interrupt, so: again and again."""
    terminal.keys("q")
    return "o Report" in terminal.screen()


@pytest.mark.skipif(shutil.which("less") is None, reason="less is not installed")
def test_the_report_opens_in_the_pager_and_interrupts_there_end_nothing(
    terminal: Terminal, tmp_path: Path
) -> None:
    command = f"{PYTHON} -m tests.support.check_in_terminal {tmp_path}"
    terminal.run(command, env="PAGER='less -S' LESS=")
    terminal.see("o Report")  # and not the keys of the screen below
    terminal.keys("o")
    terminal.see("# Migration run-")
    terminal.keys("C-c")
    until(lambda: _left(terminal), "the screens again")
    terminal.keys("C-q")
    assert terminal.exit_code() == 1
    terminal.assert_clean()
