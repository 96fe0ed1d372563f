"""A whole database moves, and the end proves it."""

import json
from pathlib import Path

import pytest

from tests.support.program import Program
from tswizard.core.db.connection import connected, rows, value
from tswizard.core.db.endpoint import Endpoint
from tswizard.demo import EmbeddedPair

pytestmark = pytest.mark.e2e


async def test_everything_arrives_and_is_proved(pair: EmbeddedPair, tmp_path: Path) -> None:
    source = Endpoint.parse(pair.source_conninfo, password=pair.source_password)
    async with connected(source) as connection:
        await connection.execute(_KEY_TO_A_HYPERTABLE)
    program = Program.make(tmp_path, pair)
    answers = program.answers(pair, method="full", probe=True)
    ended = await program.call("--answers", answers)
    assert ended.code == 0, ended.err
    report = program.report()
    assert {timed["rate"] > 0 for timed in report["probe"]} == {True}
    assert report["recommendation"]["reasons"]
    assert report["estimate"]["full"]["low"] < report["estimate"]["full"]["high"]
    assert report["result"] == "pass"
    assert {step["state"] for step in report["steps"]} <= {"done", "skipped"}
    assert sum(table["source_rows"] for table in report["tables"]) > 300_000
    assert all(table["equal"] for table in report["tables"])
    assert report["verdicts"]["look"] == report["verdicts"]["lost"] == 0
    assert report["verdicts"]["safe"] > 0
    assert not (program.run / "dump").exists()

    target = Endpoint.parse(pair.target_conninfo, password=pair.target_password)
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
