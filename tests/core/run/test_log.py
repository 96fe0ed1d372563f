"""The log in a run's folder."""

import re
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.support.sample_outcome import judged
from tests.support.sample_task import SECRET, prepared
from tests.support.step_context import offline_context
from tswizard.core.model.verdict import Verdict
from tswizard.core.resume import start
from tswizard.core.run import runner
from tswizard.core.run.context import ToolEnd
from tswizard.core.run.runner import Run
from tswizard.wizard.event_feed import EventFeed


def test_every_line_has_its_date(tmp_path: Path) -> None:
    """A run may be stopped for days."""
    ends = prepared()
    with offline_context(tmp_path, ends.source, ends.target) as run:
        run.ctx.say("one\ntwo")
        lines = run.ctx.run_folder.log_path.read_text().splitlines()
    assert [line.split(" ", 1)[1] for line in lines] == ["tswizard: one", "two"]
    for line in lines:
        at = datetime.fromisoformat(line.split(" ", 1)[0])
        assert abs(datetime.now().astimezone() - at) < timedelta(minutes=1)


async def test_a_bug_of_the_runner_is_in_the_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_args: Any) -> None:
        raise RuntimeError(f"boom, {SECRET}")

    monkeypatch.setenv("TSWIZARD_STATE_DIR", str(tmp_path))
    run: Run = start(prepared(), ())
    monkeypatch.setattr(runner, "applicable", broken)
    feed = EventFeed(run)
    await feed.stop_now()
    assert isinstance(feed.error, RuntimeError)
    log = run.run_folder.log_path.read_text()
    assert "Traceback (most recent call last):" in log
    assert re.search(r"^\S+ RuntimeError: boom, \*+$", log, re.MULTILINE)
    assert SECRET not in log


def test_a_tool_ends_for_the_error_before_its_worker_died() -> None:
    cause = judged(Verdict.LOST, message="permission denied for large object 1")
    died = judged(Verdict.LOST, rule="worker-died", message="a worker died")
    assert ToolEnd(1, (cause, died), "").last_words == cause.message
    assert ToolEnd(1, (died,), "").last_words == died.message
    assert ToolEnd(1, (), "killed ").last_words == "killed"
