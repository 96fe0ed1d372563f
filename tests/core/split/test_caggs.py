"""Continuous aggregates of native servers arrive as they are stored, whatever is killed."""

import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.support.caggs import (
    StoredCagg,
    cagg_ends,
    not_logging,
    owned_ends,
    program_for,
    refresh_everything,
    stored_caggs,
)
from tests.support.program import Program
from tswizard.core.catalog.cagg_state import RAW_LOG
from tswizard.core.db.connection import connected, value
from tswizard.core.db.endpoint import Endpoint

pytestmark = pytest.mark.native

Ends = tuple[Endpoint, Endpoint]


@pytest.fixture
async def ends() -> AsyncIterator[Ends]:
    async with cagg_ends() as found:
        yield found


async def passes(program: Program, *args: str) -> None:
    ended = await program.call(*args)
    assert ended.code == 0, f"{ended.out}\n{ended.err}"
    assert program.report()["result"] == "pass"


def answers(program: Program) -> tuple[str, str]:
    return "--answers", str(program.folder / "answers.toml")


async def test_everything_as_it_is_stored_and_a_full_refresh_removes_no_history(
    ends: Ends, tmp_path: Path
) -> None:
    source, target = ends
    before = await stored_caggs(source)
    program = program_for(tmp_path, source, target)
    await passes(program, *answers(program))
    there = await stored_caggs(target)
    assert there == before
    assert await not_logging(target) == 0
    async with connected(target) as connection:
        assert await value(connection, f"SELECT count(*) FROM {RAW_LOG}") == 0
        # What depends on them came behind their rows.
        assert await value(connection, "SELECT count(*) FROM m.on_daily") > 500
        assert await value(connection, "SELECT sum(c) FROM m.mat_on_hourly") == 31_037
        text = "SELECT obj_description('m.hourly'::regclass)"
        assert await value(connection, text) == "by the hour"
    await refresh_everything(target)
    after = await stored_caggs(target)
    assert after["m.gone_daily"] == there["m.gone_daily"]
    assert len(after["m.hourly"].rows) > len(there["m.hourly"].rows)
    for label in ("m.hourly", "m.Monthly Berlin"):
        assert history(there[label]) <= set(after[label].rows), label


def history(cagg: StoredCagg) -> set[str]:
    """Rows of buckets whose raw rows are gone."""
    return {row for row in cagg.rows if row.lstrip('("') < "2023-06-01"}


async def test_what_is_left_out_is_missing_with_what_depends_on_it(
    ends: Ends, tmp_path: Path
) -> None:
    source, target = ends
    chosen = ["m.by_hundred", "m.daily", "m.gone_daily", "m.Monthly Berlin"]
    program = program_for(tmp_path, source, target, caggs=chosen)
    await passes(program, *answers(program))
    there = await stored_caggs(target)
    assert set(there) == {"m.by_hundred", "m.gone_daily", "m.Monthly Berlin"}
    named = {finding["id"]: finding for finding in program.report()["findings"]}
    assert set(named["caggs-left-out"]["details"]) == {"m.daily", "m.hourly", "m.never"}
    dependents = named["cagg-dependents-not-migrated"]["details"]
    assert {text.partition(" (")[0] for text in dependents} >= {
        "VIEW m.on_daily",
        "MATERIALIZED VIEW m.mat_on_hourly",
        "COMMENT VIEW m.hourly",
    }


# Lines of the log, each in another step.
_MOMENTS = (
    'CREATE MATERIALIZED VIEW "m"."Monthly Berlin"',
    'refresh_continuous_aggregate"(\'"m"."daily"\'',
    "DROP TRIGGER ts_cagg_invalidation_trigger ON m.raw",
    "CREATE TRIGGER ts_cagg_invalidation_trigger",
)


async def test_killed_in_each_step_it_resumes_to_the_same_target(
    ends: Ends, tmp_path: Path
) -> None:
    source, target = ends
    before = await stored_caggs(source)
    program = program_for(tmp_path, source, target)
    args: tuple[str, ...] = answers(program)
    async with connected(target) as connection:
        triggers = await value(connection, _BY_TRIGGERS)
    for moment in _MOMENTS[: None if triggers else 2]:
        async with program.started(*args) as process:
            await program.log_says(moment)
            os.kill(process.pid, signal.SIGKILL)
            await process.wait()
        args = ("resume",)
    await passes(program, "resume")
    assert await stored_caggs(target) == before
    assert await not_logging(target) == 0


_BY_TRIGGERS = (
    "SELECT to_regproc('_timescaledb_functions.continuous_agg_invalidation_trigger') IS NOT NULL"
)


async def test_a_run_that_ends_leaves_logging_on(ends: Ends, tmp_path: Path) -> None:
    """Whoever gives the run up and uses the target must not get one that notices nothing."""
    source, target = ends
    async with connected(target) as connection:
        if not await value(connection, _BY_TRIGGERS):
            pytest.skip("this version does not log by triggers")
    program = program_for(tmp_path, source, target)
    async with program.started(*answers(program)) as process:
        await program.log_says("DROP TRIGGER ts_cagg_invalidation_trigger ON m.raw")
        process.send_signal(signal.SIGTERM)
        await process.communicate()
        assert process.returncode == 3
    assert await not_logging(target) == 0
    await passes(program, "resume")
    assert await not_logging(target) == 0


async def test_recomputed_ones_have_what_their_raw_rows_give_and_the_loss_is_named(
    ends: Ends, tmp_path: Path
) -> None:
    """What stands on one that is recomputed is recomputed as well; all others are kept."""
    source, target = ends
    before = await stored_caggs(source)
    chosen = {"history": ["m.hourly", "m.by_hundred"]}
    program = program_for(tmp_path, source, target, **chosen)
    ended = await program.call(*answers(program))
    assert ended.code == 4, ended.err
    assert '(answer: lose_history): ["m.hourly", "m.daily"]' in ended.err
    assert "m.hourly: 3,624 buckets from 2023-01-01 00:00 UTC to 2023-06-01" in ended.err
    program = program_for(tmp_path, source, target, **chosen, lose_history=["m.hourly", "m.daily"])
    ended = await program.call(*answers(program))
    assert ended.code == 1, ended.err
    there = await stored_caggs(target)
    for label in ("m.Monthly Berlin", "m.gone_daily", "m.by_hundred"):
        assert there[label].rows == before[label].rows, label
    findings = {finding["id"]: finding for finding in program.report()["findings"]}
    assert "fail" not in {finding["level"] for finding in findings.values()}
    lost = findings["cagg-history-lost"]["details"]
    assert [text.partition(": ")[0] for text in lost] == ["m.hourly", "m.daily"]
    assert not history(there["m.hourly"])
    assert there["m.hourly"].watermark == before["m.hourly"].watermark
    recent = {row for row in before["m.hourly"].rows if row.lstrip('("') > "2024-04-01"}
    assert recent <= set(there["m.hourly"].rows)


@pytest.mark.parametrize("revoked", [False, True], ids=["may-trigger", "may-not"])
async def test_another_role_owns_them_and_no_privilege_stays_behind(
    tmp_path: Path, revoked: bool
) -> None:
    """Up to 2.22 whoever creates one needs TRIGGER on what it reads; its owner need not keep it."""
    async with owned_ends() as (source, target):
        if revoked:
            async with connected(source) as connection:
                await connection.execute("REVOKE TRIGGER ON o.raw FROM keeper")
        program = program_for(tmp_path, source, target)
        await passes(program, *answers(program))
        async with connected(target) as connection:
            owners = "SELECT DISTINCT view_owner::text FROM timescaledb_information.{}"
            query = owners.format("continuous_aggregates")
            assert await value(connection, query) == "keeper"
            may = "SELECT has_table_privilege('keeper', 'o.raw', 'TRIGGER')"
            assert await value(connection, may) is not revoked


_REFRESHED = (
    "INSERT INTO m.raw SELECT t, 2, 7, 'new' FROM "
    "generate_series('2024-06-02 02:00+00'::timestamptz, '2024-06-09 00:00+00', '2 hours') t",
    "CALL public.refresh_continuous_aggregate('m.hourly', '2024-06-01', '2024-06-09')",
    "CALL public.refresh_continuous_aggregate('m.never', '2024-01-01', '2024-02-05')",
    "INSERT INTO m.raw VALUES ('2024-02-02 10:10+00', 3, 1000, 'late')",
    "REFRESH MATERIALIZED VIEW m.mat_on_hourly",
)
_NO_ROW_CHANGED = (
    "CALL public.refresh_continuous_aggregate('m.gone_daily', '2025-01-01', '2025-02-01')",
)


@pytest.mark.parametrize(
    ("moment", "statements"),
    [("▸ Copy hypertables", _REFRESHED), ("▸ Set sequences", _NO_ROW_CHANGED)],
    ids=["rows", "no-row"],
)
async def test_what_was_refreshed_on_the_source_before_a_resume_is_followed(
    ends: Ends, tmp_path: Path, moment: str, statements: tuple[str, ...]
) -> None:
    source, target = ends
    program = program_for(tmp_path, source, target)
    await program.killed_at(moment, *answers(program))
    async with connected(source) as connection:
        for statement in statements:
            await connection.execute(statement.encode())
    await passes(program, "resume")
    there = await stored_caggs(source)
    assert await stored_caggs(target) == there
    await refresh_everything(target)
    after = await stored_caggs(target)
    for label in ("m.hourly", "m.Monthly Berlin", "m.gone_daily"):
        assert history(there[label]) <= set(after[label].rows), label
