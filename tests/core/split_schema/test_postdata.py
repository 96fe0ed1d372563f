"""Progress of index builds."""

import socket
from pathlib import Path

import pytest

from tests.support.step_context import offline_context
from tswizard.core.db.endpoint import Endpoint
from tswizard.core.model.events import LogLine
from tswizard.core.split.schema.postdata import index_build_text, report_index_builds
from tswizard.core.split.schema.restore import RestoreProgress


@pytest.mark.parametrize(
    ("table", "phase", "percent", "text"),
    [
        ("s.t", "building index", 40.7, "index on s.t: building index, 40%"),
        (None, "initializing", None, "index on a table: initializing"),
    ],
)
def test_index_builds_in_words(
    table: str | None, phase: str, percent: float | None, text: str
) -> None:
    assert index_build_text(table, phase, percent) == text


async def test_the_log_says_why_progress_is_no_longer_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TSWIZARD_STATE_DIR", str(tmp_path))
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        end = Endpoint.parse(f"postgresql://me@127.0.0.1:{nobody.getsockname()[1]}/shop")
        with offline_context(tmp_path, end, end) as run:
            await report_index_builds(run.ctx, RestoreProgress(run.ctx))
    (line,) = [event.text for event in run.events if isinstance(event, LogLine)]
    assert line == (
        f"the progress of index builds is no longer shown: Connection refused by {end.label}"
    )
