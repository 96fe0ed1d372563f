"""Continuous aggregates and jobs that the source creates, changes or deletes while a run is under
way: nothing of it is passed over, and nothing is switched on that the source has switched off."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.support.caggs import program_for
from tests.support.native import databases
from tests.support.program import Program
from tests.support.split_ends import run
from tests.support.step_context import step_context
from tswizard.core.db.connection import connected, rows
from tswizard.core.db.endpoint import Endpoint
from tswizard.core.steps import source_jobs

pytestmark = pytest.mark.native

Ends = tuple[Endpoint, Endpoint]

_SOURCE = (
    "CREATE TABLE plain (id int PRIMARY KEY)",
    "INSERT INTO plain SELECT generate_series(1, 100)",
    "CREATE TABLE m (ts timestamptz NOT NULL, v int)",
    "SELECT create_hypertable('m', 'ts')",
    "INSERT INTO m SELECT '2024-01-01 00:00+00'::timestamptz + g * interval '1 hour', g "
    "FROM generate_series(1, 500) g",
    "CREATE MATERIALIZED VIEW c1 WITH (timescaledb.continuous) AS "
    "SELECT time_bucket('1 day', ts) AS b, sum(v) AS s FROM m GROUP BY 1 WITH NO DATA",
    "CALL refresh_continuous_aggregate('c1', NULL, NULL)",
    "SELECT add_continuous_aggregate_policy('c1', NULL, interval '1 day', interval '1 day')",
    "SELECT add_retention_policy('m', interval '100 years')",
    "CREATE PROCEDURE jp(job_id int, config jsonb) LANGUAGE sql AS 'SELECT 1'",
)


@pytest.fixture
async def ends() -> AsyncIterator[Ends]:
    async with databases(community=True) as (source, target):
        await run(source, *_SOURCE)
        yield source, target


async def resumed(folder: Path, ends: Ends, *changes: str) -> list[dict[str, Any]]:
    """Findings of a run that was killed, and resumed when the source had changed; none that
    passed."""
    program: Program = program_for(folder, *ends)
    await program.killed_at("✓ Copy plain tables", "--answers", folder / "answers.toml")
    await run(ends[0], *changes)
    await program.call("resume", "--unattended")
    return [found for found in program.report()["findings"] if found["level"] != "pass"]


async def test_what_is_new_or_changed_is_named(ends: Ends, tmp_path: Path) -> None:
    found = await resumed(
        tmp_path,
        ends,
        "CREATE MATERIALIZED VIEW c2 WITH (timescaledb.continuous) AS "
        "SELECT time_bucket('2 days', ts) AS b, sum(v) AS s FROM m GROUP BY 1 WITH NO DATA",
        "CALL refresh_continuous_aggregate('c2', NULL, NULL)",
        "SELECT add_retention_policy('c2', interval '100 years')",
        "SELECT add_job('jp', '1 hour')",
        "SELECT alter_job(job_id, schedule_interval => interval '3 hours') "
        "FROM timescaledb_information.jobs WHERE proc_name LIKE '%refresh%'",
    )
    named = {finding["id"]: finding for finding in found}
    assert named["caggs-new"]["details"] == ["public.c2"]
    assert "schema-continuous-aggregate" not in named
    missing, differs = sorted(named["schema-job"]["details"])
    assert missing.startswith("public.jp") and "missing on the target" in missing
    assert "schedule_interval is 1 day instead of 03:00:00" in differs
    assert not [
        finding for finding in found if "c2" in str(finding) and finding["id"] != "caggs-new"
    ]


async def test_jobs_that_the_source_has_deleted_or_paused_are_not_enabled(
    ends: Ends, tmp_path: Path
) -> None:
    found = await resumed(
        tmp_path,
        ends,
        "SELECT remove_retention_policy('m')",
        "SELECT alter_job(job_id, scheduled => false) "
        "FROM timescaledb_information.jobs WHERE proc_name LIKE '%refresh%'",
    )
    named = {finding["id"]: finding for finding in found}
    assert [finding["level"] for finding in found if finding["level"] == "fail"] == []
    deleted, paused = sorted(named["jobs-off-on-source"]["details"], key=lambda d: "paused" in d)
    assert "retention on public.m: deleted on the source" in deleted
    assert "public.c1: paused on the source" in paused
    async with connected(ends[1]) as target:
        query = "SELECT scheduled FROM timescaledb_information.jobs WHERE job_id >= 1000"
        assert await rows(target, query) == [(False,), (False,)]


async def test_a_pause_that_is_repeated_leaves_alone_what_a_user_has_switched_off(
    ends: Ends, tmp_path: Path
) -> None:
    source, target = ends
    await run(
        source,
        "SELECT add_retention_policy('c1', interval '100 years')",
        "ALTER TABLE m SET (timescaledb.compress)",
        "SELECT add_compression_policy('m', interval '90 years')",
    )
    async with step_context(tmp_path, source, target) as going:
        one, two, three = (job.id for job in source_jobs.to_pause(going.task.inventory))
        for job in (one, two):
            await run(source, f"SELECT alter_job({job}, scheduled => false)")
        # The first one this run had paused when it was killed; the second one somebody else.
        record = replace(going.ctx.run_folder.record, paused_source_jobs=(one,))
        going.ctx.run_folder.save(record)
        await source_jobs.pause(going.ctx)
        assert going.ctx.run_folder.record.paused_source_jobs == (one, three)
        await source_jobs.resume(going.ctx)
    async with connected(source) as connection:
        query = "SELECT job_id FROM timescaledb_information.jobs WHERE job_id >= 1000 AND scheduled"
        on = {job for (job,) in await rows(connection, query)}
    assert {one, three} <= on and two not in on
