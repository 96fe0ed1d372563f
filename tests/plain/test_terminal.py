"""In a pseudo-terminal: what is typed, what is shown, how it ends."""

import os
import re
import signal
import subprocess
import sys

import pytest

from tests.support.line_terminal import LineTerminal, line_terminal
from tswizard.plain.terminal import why_plain

PROGRAM = "tests.support.plain_in_terminal"
ESCAPES = "\x1b"


def connect(terminal: LineTerminal) -> None:
    """From the beginning to Inspect's question."""
    terminal.answer("Source database (")
    terminal.answer("Source password (")
    terminal.answer("Target database (")
    terminal.answer("Target password (")
    terminal.see("What next")


def begin_run(terminal: LineTerminal) -> None:
    connect(terminal)
    terminal.type("\r")
    terminal.answer("Time samples", "n")
    terminal.choose("explain every figure", "continue to the method")
    terminal.answer("Migration method", "1")
    terminal.answer("Setting to change")
    terminal.answer("Continuous aggregates to migrate")
    terminal.answer("Policies and jobs to migrate")
    terminal.answer("Type the name of the target", "tsdb")


def test_on_a_dumb_terminal_nothing_but_text_is_written_and_no_password() -> None:
    with line_terminal("passed", module=PROGRAM, term="dumb") as terminal:
        terminal.answer("Source database (", "?")
        terminal.answer("Source database (", "postgresql://[")
        terminal.see("The connection cannot be read")
        terminal.answer("Source database (")
        terminal.answer("Source password (", "s3cret word")
        terminal.answer("Target database (", "back")
        terminal.answer("Source password (", "")
        terminal.answer("Target database (")
        terminal.answer("Target password (")
        terminal.answer("What next", "12")
        terminal.see("Type a number from 1 to 9, not “12”.")
        terminal.answer("What next", "4")
        terminal.see("public.conditions: ".removeprefix("public."))
        terminal.answer("What next", "back")
        terminal.answer("Target password (")
        terminal.answer("What next", "1")
        terminal.answer("Time samples", "n")
        terminal.answer("What next", "1")
        terminal.answer("Migration method", "1")
        terminal.choose("Setting to change", "Parallel jobs")
        terminal.answer("Parallel jobs [8]", "many")
        terminal.see("Parallel jobs: a whole number.")
        terminal.answer("Parallel jobs [8]", "99")
        terminal.see("Parallel jobs: between 1 and 64 jobs, or 0")
        terminal.answer("Parallel jobs [8]", "6")
        terminal.answer("Setting to change")
        terminal.answer("Continuous aggregates to migrate", "3")
        terminal.answer("Continuous aggregates to migrate: ", "1 99")
        terminal.see("Type numbers from 1 to 5")
        terminal.answer("Continuous aggregates to migrate: ", "1")
        terminal.see("Left out with it: 1 continuous aggregate")
        terminal.answer("Continuous aggregates to migrate: ", "show 1")
        terminal.see("CREATE MATERIALIZED VIEW")
        terminal.answer("Continuous aggregates to migrate: ")
        terminal.answer("Policies and jobs to migrate")
        terminal.answer("Type the name of the target", "tsdbb")
        terminal.see("To start, type the name of the target database: tsdb")
        terminal.answer("Type the name of the target", "tsdb")
        terminal.see("PASS. Everything arrived.")
        terminal.answer("What next", "3")
        terminal.answer("Done: ", "1")
        terminal.see("1) ticked: ")
        terminal.answer("Done: ")
        terminal.answer("What next")
        assert terminal.ended() == 0
        assert ESCAPES not in terminal.raw
        assert not re.search(r"[\x00-\x08\x0b\x0c\x0e-\x1f]", terminal.raw)
        assert "s3cret" not in terminal.raw
        assert "since TERM is dumb." in terminal.text


def test_where_the_cursor_moves_numbers_letters_and_words_do_the_same() -> None:
    with line_terminal("passed", module=PROGRAM) as terminal:
        terminal.see("tswizard, line by line")
        terminal.answer("Source database (")
        terminal.answer("Source password (", "s3cret word")
        terminal.answer("Target database (", "back")
        terminal.answer("Source password (")
        terminal.answer("Target database (")
        terminal.answer("Target password (")
        terminal.answer("9) show the extensions", "?")
        terminal.see("PASS: verified.")
        terminal.answer("9) show the extensions", "9")
        terminal.see("in schema")
        terminal.answer("9) show the extensions", "back")
        terminal.answer("Target password (")
        terminal.answer("9) show the extensions", "b")
        terminal.answer("Target password (")
        terminal.answer("9) show the extensions")
        terminal.answer("Time samples", "n")
        terminal.choose("explain every figure", "continue to the method")
        terminal.answer("Migration method", "2")
        terminal.choose("keep the ledger on the target", "Parallel jobs")
        terminal.answer("Parallel jobs [8]", "\x1b[A\x7f6")  # up brings the 8 to be edited
        terminal.choose("keep the ledger on the target", "Pause jobs")
        terminal.answer("on the source during the run", "n")
        terminal.answer("during the run: no")
        terminal.answer("3) choose one by one", "3")
        terminal.answer("door_openings_daily", " ")
        terminal.see("Left out with it: 1 continuous aggregate")
        terminal.see("door_openings_daily")
        terminal.type("s")
        terminal.see("CREATE MATERIALIZED VIEW")
        terminal.answer("door_openings_daily")
        terminal.answer("keep them as they are stored")
        terminal.answer("3) choose one by one", "1")
        terminal.answer("Type the name of the target", "tsdb")
        terminal.see("PASS. Everything arrived.")
        terminal.answer("show the report", "1")
        assert terminal.ended() == 0
        assert "s3cret" not in terminal.text
        assert "***" not in terminal.text
        assert "\x1b[6n" not in terminal.raw, "the terminal was asked for its cursor"


@pytest.mark.parametrize("term", ["dumb", "xterm-256color"])
@pytest.mark.parametrize("key", ["\x03", "\x04"])
def test_quitting_is_asked_for_before_a_run(term: str, key: str) -> None:
    with line_terminal("passed", module=PROGRAM, term=term) as terminal:
        terminal.see("Source database (")
        terminal.type(key)
        terminal.see("Nothing has been changed on either database.")
        terminal.answer("Quit?", "n")
        terminal.answer("Source database (")
        terminal.answer("Source password (")
        terminal.see("Target database (")
        terminal.type(key)
        terminal.answer("Quit?", "y")
        assert terminal.ended() == 4


def test_ctrl_c_twice_quits_and_lists_are_left_by_it_too() -> None:
    with line_terminal("passed", module=PROGRAM) as terminal:
        connect(terminal)
        terminal.see("9) show the extensions")
        terminal.type("\x03")
        terminal.see("Quit?")
        terminal.type("\x03")
        assert terminal.ended() == 4


@pytest.mark.parametrize("term", ["dumb", "xterm-256color"])
def test_ctrl_c_in_a_run_pauses_continues_and_stops_it(term: str) -> None:
    with line_terminal("held", module=PROGRAM, term=term) as terminal:
        begin_run(terminal)
        terminal.see("Restore the rows, step 6 of 14.")
        terminal.interrupt()
        terminal.answer("4) stop now", "2")
        terminal.see("Paused.")
        terminal.answer("3) stop now", "1")
        terminal.see("Continued.")
        terminal.interrupt()
        terminal.answer("4) stop now", "1")
        terminal.see("It keeps running.")
        terminal.interrupt()
        # A list that was just read out is not read out again.
        terminal.answer("The run, 1 to 4" if term == "dumb" else "4) stop now", "4")
        terminal.see("Stopped. Completed work is kept.")
        terminal.answer("2) resume it now", "1")
        assert terminal.ended() == 3
        assert "asked of the run: pause, continue, stop now" in terminal.text
        assert "--plain" in terminal.text


@pytest.mark.parametrize("term", ["dumb", "xterm-256color"])
def test_ctrl_c_again_and_again_stops_the_run_and_quits(term: str) -> None:
    with line_terminal("held", module=PROGRAM, term=term) as terminal:
        begin_run(terminal)
        terminal.see("Restore the rows, step 6 of 14.")
        terminal.interrupt()
        terminal.see("4) stop now")
        terminal.type("\x03")
        terminal.see("Quitting stops the run now")
        terminal.see("Quit?")
        terminal.type("\x03")
        assert terminal.ended() == 3
        assert "asked of the run: stop now" in terminal.text


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
@pytest.mark.parametrize("term", ["dumb", "xterm-256color"])
def test_signals_end_it_with_their_own_code_or_stop_the_run(
    number: signal.Signals, term: str
) -> None:
    with line_terminal("held", module=PROGRAM, term=term) as terminal:
        terminal.see("Source database (")
        os.kill(terminal.pid, number)
        assert terminal.ended() == 128 + number
    with line_terminal("held", module=PROGRAM, term=term) as terminal:
        begin_run(terminal)
        terminal.see("Restore the rows, step 6 of 14.")
        os.kill(terminal.pid, number)
        assert terminal.ended() == 3
        assert "asked of the run: stop now" in terminal.text


@pytest.mark.parametrize(
    ("env", "columns", "why"),
    [
        ({"ACCESSIBLE": "1", "TERM": "xterm"}, 80, "ACCESSIBLE is set"),
        ({"ACCESSIBLE": "0", "TERM": "xterm"}, 80, ""),
        ({"ACCESSIBLE": "", "TERM": "xterm"}, 80, ""),
        ({"TERM": "dumb"}, 80, "TERM is dumb"),
        ({}, 80, "TERM is not set"),
        ({"TERM": "xterm"}, 59, "the terminal has 59 columns and the screens need 60"),
        ({"TERM": "xterm"}, 60, ""),
    ],
)
def test_where_screens_would_not_do_it_asks_line_by_line(
    env: dict[str, str], columns: int, why: str
) -> None:
    assert why_plain(env, columns) == why


@pytest.mark.parametrize(
    ("term", "columns", "accessible", "why"),
    [
        ("dumb", 100, "", "TERM is dumb"),
        ("xterm", 50, "", "the terminal has 50 columns"),
        ("xterm", 100, "1", "ACCESSIBLE is set"),
    ],
)
def test_it_says_why_and_shows_no_screens(
    term: str, columns: int, accessible: str, why: str, tmp_path: object
) -> None:
    env = {**os.environ, "ACCESSIBLE": accessible, "TSWIZARD_STATE_DIR": str(tmp_path)}
    env.pop("COLUMNS", None)
    with line_terminal(env=env, term=term, columns=columns) as terminal:
        terminal.answer("Source database (", "quit")
        terminal.answer("Quit?", "y")
        assert terminal.ended() == 4
        said = terminal.text.replace("\n", " ")
        assert f"tswizard, line by line, since {why}" in said
        assert ESCAPES not in terminal.raw


@pytest.mark.parametrize("args", [["--plain"], ["demo", "--plain"], ["resume", "--plain"]])
def test_without_a_terminal_it_is_refused(args: list[str], tmp_path: object) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tswizard", *args],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "TSWIZARD_STATE_DIR": str(tmp_path)},
    )
    assert done.returncode == 2
    assert "This is not a terminal" in done.stderr


@pytest.mark.parametrize(
    "args",
    [["--plain", "--answers", "x"], ["--plain", "runs"], ["resume", "--plain", "--confirm", "x"]],
)
def test_what_goes_together_with_plain(args: list[str]) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tswizard", *args], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert "--plain" in done.stderr


@pytest.mark.parametrize("term", ["dumb", "xterm-256color"])
def test_a_password_that_is_typed_too_early_does_not_show(term: str) -> None:
    with line_terminal("passed", module=PROGRAM, term=term) as terminal:
        terminal.see("Source database (")
        terminal.type("\r")
        terminal.type("s3cret\r")
        terminal.see("Target database (")
        terminal.type("\x03")
        terminal.answer("Quit?", "y")
        assert terminal.ended() == 4
        assert "s3cret" not in terminal.raw
