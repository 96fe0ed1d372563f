"""The split method moves every row and names what it leaves out; killed, it goes on at a piece."""

from pathlib import Path
from typing import Any

import pytest

from tests.e2e.program import Program
from tswizard.core.connection import connected, value
from tswizard.core.endpoint import Endpoint
from tswizard.demo import EmbeddedPair

pytestmark = pytest.mark.e2e


def proved(report: dict[str, Any]) -> None:
    """Every row is there, nothing failed, and what this method leaves out is named."""
    assert report["method"] == "split"
    assert report["result"] == "look"
    assert sum(table["source_rows"] for table in report["tables"]) > 200_000
    assert all(table["equal"] for table in report["tables"])
    levels = {finding["id"]: finding["level"] for finding in report["findings"]}
    assert "fail" not in levels.values()
    assert levels["aggregates-left-out"] == levels["jobs-left-out"] == "look"
    assert report["verdicts"]["lost"] == 0


async def test_everything_but_aggregates_and_policies(pair: EmbeddedPair, tmp_path: Path) -> None:
    program = Program.make(tmp_path, pair)
    ended = await program.call("--answers", program.answers(pair, method="split"))
    assert ended.code == 1, ended.err
    proved(program.report())
    target = Endpoint.parse(pair.target_conninfo, password=pair.target_password)
    async with connected(target) as connection:
        assert await value(connection, "SELECT to_regnamespace('_tswizard')") is None


async def test_kill_9_while_files_are_written(pair: EmbeddedPair, tmp_path: Path) -> None:
    """In the other way of copying it is another machine that goes on: `test_elsewhere`."""
    program = Program.make(tmp_path, pair)
    answers = program.answers(pair, method="split", via="files")
    await program.killed_at("▸ Write the files", "--answers", answers)
    ended = await program.call("resume")
    assert ended.code == 1, ended.err
    proved(program.report())
