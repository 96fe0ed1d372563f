"""A whole database moves, and the end proves it; asked again, the check says what has changed.

One migration for all tests of this file, in their order."""

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest
import pytest_asyncio

from tests.e2e.expected import ROWS, names_a_chunk_created_since
from tests.support.program import Ended, Program
from tswizard.core.db.connection import connected, rows, value
from tswizard.core.db.endpoint import Endpoint
from tswizard.demo import EmbeddedPair

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="module")]


@dataclass(frozen=True)
class Moved:
    """A full migration that has ended, and what `check` said before it began."""

    program: Program
    source: Endpoint
    target: Endpoint
    too_early: Ended
    ended: Ended


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def moved(
    module_pair: EmbeddedPair, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Moved]:
    pair = module_pair
    source = Endpoint.parse(pair.source_conninfo, password=pair.source_password)
    target = Endpoint.parse(pair.target_conninfo, password=pair.target_password)
    async with connected(source) as connection:
        await connection.execute(_KEY_TO_A_HYPERTABLE)
    program = Program.make(tmp_path_factory.mktemp("full"), pair)
    too_early = await program.call("check")
    answers = program.answers(pair, method="full", probe=True)
    ended = await program.call("--answers", answers)
    yield Moved(program, source, target, too_early, ended)


async def test_everything_arrives_and_is_proved(moved: Moved) -> None:
    program, source, target = moved.program, moved.source, moved.target
    assert moved.ended.code == 0, moved.ended.err
    report = program.report()
    assert {timed["rate"] > 0 for timed in report["probe"]} == {True}
    assert report["recommendation"]["reasons"]
    assert report["estimate"]["full"]["low"] < report["estimate"]["full"]["high"]
    assert report["result"] == "pass"
    assert {step["state"] for step in report["steps"]} <= {"done", "skipped"}
    assert sum(table["source_rows"] for table in report["tables"]) > ROWS
    assert all(table["equal"] for table in report["tables"])
    assert report["verdicts"]["look"] == report["verdicts"]["lost"] == 0
    assert report["verdicts"]["safe"] > 0
    assert not (program.run / "dump").exists()

    async with connected(target) as connection:
        assert await value(connection, "SELECT to_regnamespace('_tswizard')") is None
        assert await value(connection, "SHOW timescaledb.restoring") == "off"
        jobs = await rows(connection, _JOBS)
        key = "SELECT obj_description(oid) FROM pg_constraint WHERE conname = 'to an event'"
        assert await value(connection, key) == "kept"
    async with connected(source) as connection:
        assert await rows(connection, _JOBS) == jobs

    listed = await program.call("runs", "--json")
    assert [run["state"] for run in json.loads(listed.out)] == ["pass"]
    shown = await program.call("report", "--json")
    assert (shown.code, json.loads(shown.out)["run"]) == (0, program.run.name)
    again = await program.call("resume", program.run.name)
    assert again.code == 3
    assert "has finished" in again.err


async def test_rows_that_went_missing_on_the_target_and_came_back(moved: Moved) -> None:
    program, target = moved.program, moved.target
    assert moved.too_early.code == 2
    assert "no run that has finished" in moved.too_early.err
    first = program.report()
    assert first["checked"] > first["started"]

    async with connected(target) as connection:
        await connection.execute("DELETE FROM public.import_buffer WHERE line = 17")
    worse = await program.call("check", program.run.name)
    assert worse.code == 1, worse.err
    assert "public.import_buffer" in worse.err
    assert f"tswizard check {program.run.name}" in (program.run / "report.md").read_text()

    async with connected(target) as connection:
        await connection.execute(
            "INSERT INTO public.import_buffer SELECT 17, decode(md5('17'), 'hex')"
        )
        assert await value(connection, "SELECT to_regclass('_tswizard.record') IS NOT NULL")
    again = await program.call("check")
    assert again.code == 0, again.err
    last = program.report()
    assert last["checked"] > first["checked"]
    async with connected(target) as connection:
        assert await value(connection, "SELECT to_regnamespace('_tswizard')") is None


async def test_a_chunk_that_the_source_has_created_since(moved: Moved) -> None:
    """It is to be looked at, like its rows, and fails nothing."""
    await names_a_chunk_created_since(moved.program, moved.source)


# In restore mode a hypertable's rows are hidden, so this key cannot be made by pg_restore.
_KEY_TO_A_HYPERTABLE = """
CREATE TABLE public.remarks (ts bigint, device text, remark text,
    CONSTRAINT "to an event" FOREIGN KEY (ts, device) REFERENCES public.events (ts, device));
COMMENT ON CONSTRAINT "to an event" ON public.remarks IS 'kept';
INSERT INTO public.remarks SELECT ts, device, 'seen' FROM public.events ORDER BY ts, device LIMIT 3;
"""

_JOBS = (
    "SELECT job_id, proc_name, scheduled, schedule_interval::text, config::text "
    "FROM timescaledb_information.jobs WHERE job_id >= 1000 ORDER BY job_id"
)
