"""In a terminal that draws what is written: nothing is drawn over, and it is left as it was."""

import shlex
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.tmux_terminal import Terminal

pytestmark = [
    pytest.mark.terminal,
    pytest.mark.skipif(shutil.which("tmux") is None, reason="tmux is not installed"),
]

PROGRAM = f"{shlex.quote(sys.executable)} -m tests.support.plain_in_terminal passed"


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[Terminal]:
    window = Terminal(tmp_path)
    yield window
    window.close()


@pytest.mark.parametrize("accessible", ["", "1"])
def test_a_migration_by_numbers_and_enter(terminal: Terminal, accessible: str) -> None:
    terminal.run(PROGRAM, env=f"ACCESSIBLE={accessible}", size=(80, 50))
    for asked, answer in (
        ("Source database (", ""),
        ("Source password (", "s3cret"),
        ("Target database (", ""),
        ("Target password (", ""),
        ("What next", "1"),
        ("Time samples", "n"),
        ("explain every figure", "1"),
        ("Migration method", "1"),
        ("Setting to change", "1"),
        ("Continuous aggregates to migrate", "1"),
        ("Policies and jobs to migrate", "1"),
        ("Type the name of the target", "tsdb"),
        ("Checked by tswizard:", ""),
    ):
        terminal.see(asked)
        terminal.keys(*([answer] if answer else []), "Enter")
    assert terminal.exit_code() == 0
    terminal.assert_clean()
    assert "s3cret" not in terminal.screen()
    assert "run-20261124-120000: pass. Report:" in terminal.screen()
