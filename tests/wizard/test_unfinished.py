"""What runs of this machine have left open, in words."""

from dataclasses import replace

from tests.support.wizard_story import left_in_restore_mode, run_folder
from tswizard.core.model.finding import Level
from tswizard.wizard.unfinished import left_open_lines


def test_a_run_that_can_be_resumed_puts_it_back_by_that() -> None:
    [line] = left_open_lines(left_in_restore_mode())
    assert line == "the target may still be in restore mode; resuming undoes that"


def test_of_a_run_that_is_over_the_statement_is_said() -> None:
    over = left_in_restore_mode()
    over.record = replace(over.record, result=Level.FAIL)
    [line] = left_open_lines(over)
    assert "timescaledb_post_restore()" in line


def test_a_run_that_left_nothing_says_nothing() -> None:
    assert left_open_lines(run_folder()) == ()
