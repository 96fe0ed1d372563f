"""The log: lines, verdicts, filters; and a hundred thousand lines of it."""

import asyncio
import subprocess
import sys
import time
from dataclasses import replace

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.support.log_flood import LINES, Flood, line
from tests.support.recorded_engine import RecordedEngine, RecordedRun
from tests.support.wizard_pilot import LARGE, app_with, on_screen, until
from tests.support.wizard_story import NOON, ROLE_MISSING, ROWS_LOST, SAFE, run_folder
from tests.support.wizard_world import SOURCE, TARGET
from tswizard.core.model.events import LogLine, LogVerdict, RunStarted, StepFinished, StepState
from tswizard.core.model.judged import SumCheck
from tswizard.core.model.verdict import Verdict
from tswizard.tui import log_model
from tswizard.tui.log_model import Explanation, Filter, FilteredLog, LogModel
from tswizard.tui.screens.run import RunScreen
from tswizard.tui.widgets.runlog import RunLog, shortened

AT = NOON


def test_the_oldest_lines_go_and_notes_stay_with_their_lines(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(log_model, "MAX_LINES", 50)
    monkeypatch.setattr(log_model, "_SLACK", 10)
    log = LogModel()
    for number in range(200):
        log.add(LogVerdict(AT, SAFE) if number % 20 == 0 else line(number), 100)
        log.trim()
    filtered = log.by_filter[Filter.ALL]
    assert 50 <= len(filtered.lines) <= 60
    for index, text in enumerate(filtered.lines):
        explanation = filtered.explanations.get(filtered.dropped + index)
        explained = " SAFE " in text or text.startswith(" ")
        assert (explanation is not None) == explained, text
    assert log.counts[Filter.ALL] == 200


def test_a_step_is_called_by_its_title() -> None:
    log = LogModel()
    log.add(RunStarted(AT, "run-1", (("chunks", "Create chunks", StepState.PENDING),)), 80)
    log.add(StepFinished(AT, step="chunks", state=StepState.SKIPPED, seconds=1, why="none"), 80)
    (shown,) = log.by_filter[Filter.ALL].lines
    assert shown.endswith("info  Create chunks: none")


@given(st.text())
def test_a_line_stays_one_line_and_commands_no_terminal(text: str) -> None:
    log = LogModel()
    log.add(LogLine(AT, "pg_dump", text), 80)
    (shown,) = log.by_filter[Filter.ALL].lines
    assert shown.splitlines() == [shown]
    assert not any(ord(char) < 32 or ord(char) == 127 for char in shown)


def test_a_statement_of_several_lines_reads_as_one() -> None:
    log = LogModel()
    log.add(LogLine(AT, "psql", "SELECT 1\n   FROM t\nWITH NO DATA;"), 80)
    (shown,) = log.by_filter[Filter.ALL].lines
    assert shown.endswith("info  SELECT 1 FROM t WITH NO DATA;")


@given(st.text(min_size=1), st.integers(min_value=10, max_value=120))
@example("000000000⺀", 10)  # wide at the end
def test_what_is_too_long_is_cut_in_its_middle(text: str, width: int) -> None:
    from rich.cells import cell_len

    cut = shortened(text.replace("\n", " "), width)
    assert cell_len(cut) <= width


def test_what_was_lost_is_counted_by_itself() -> None:
    log = LogModel()
    log.add(LogVerdict(AT, ROWS_LOST), 80)
    log.add(LogVerdict(AT, ROLE_MISSING), 80)
    assert (log.counts[Filter.LOOK], log.lost, log.counts[Filter.SAFE]) == (2, 1, 0)


def test_a_sum_that_agrees_is_in_the_log_and_not_counted() -> None:
    log = LogModel()
    check = SumCheck(reported=1, seen=1, low=1, high=1, parallel=False, whole=True)
    log.add(LogVerdict(AT, ROWS_LOST), 80)
    log.add(LogVerdict(AT, replace(ROWS_LOST, verdict=Verdict.LOOK, sum=check)), 80)
    assert (log.counts[Filter.ALL], log.counts[Filter.LOOK]) == (2, 1)
    assert any(" LOOK " in text for text in log.by_filter[Filter.LOOK].lines)


def test_a_filter_keeps_the_explanation_of_every_line_of_a_block() -> None:
    filtered = FilteredLog()
    explanation = Explanation(word="LOOK", title="t", reason="r", todo="", raw="raw")
    filtered.add(("one",), None)
    filtered.add(("head", "reason"), explanation)
    assert [filtered.explanations.get(n) for n in range(3)] == [None, explanation, explanation]


@pytest.mark.timing
async def test_a_hundred_thousand_lines_never_hold_up_the_screen(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """In processor time of this thread, since a test machine's own pauses are not ours."""
    frames: list[float] = []
    frame = RunScreen.frame

    def timed(self: RunScreen) -> None:
        before = time.thread_time()
        frame(self)
        frames.append(time.thread_time() - before)

    monkeypatch.setattr(RunScreen, "frame", timed)
    run = RecordedRun(run_folder(), Flood())
    app = app_with(RecordedEngine(run=run))
    async with app.run_test(size=LARGE) as pilot:
        await on_screen(pilot, "WelcomeScreen")
        app.show_run(run, (SOURCE, TARGET))
        await until(pilot, lambda: isinstance(app.screen, RunScreen) and app.feed is not None)
        screen = app.screen
        assert isinstance(screen, RunScreen) and app.feed is not None
        async with asyncio.timeout(600):
            while not (app.feed.over and not app.feed.waiting):
                await asyncio.sleep(0.05)
        await until(pilot, lambda: len(screen.query_one(RunLog).lines) >= LINES)
        busy = [seconds for seconds in frames if seconds > 0.001]
        print(f"{len(busy)} busy frames, slowest {max(frames) * 1000:.0f} ms")
        assert max(frames) < 0.1
        before = time.thread_time()
        await pilot.press("up", "pageup", "home", "end")
        assert (time.thread_time() - before) / 4 < 0.15
        before = time.thread_time()
        await pilot.press("f")
        assert time.thread_time() - before < 0.5


@pytest.mark.timing
def test_a_hundred_thousand_lines_take_less_than_200_mb() -> None:
    """The whole process at its highest, in one of its own."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.support.log_flood"],
        capture_output=True,
        text=True,
        check=True,
        timeout=800,
    )
    lines, kilobytes = map(int, done.stdout.split())
    print(f"{lines} lines, {kilobytes / 1024:.0f} MiB")
    assert lines >= LINES
    assert kilobytes < 200 * 1000
