"""Changes of different tables at the same time, those of one table in order."""

import asyncio
from pathlib import Path

import pytest

from tests.support.native import databases
from tests.support.step_context import StepRun, step_context
from tswizard.core.db.connection import Connection, connected, value
from tswizard.core.model.events import StepProgress
from tswizard.core.split.schema.execute import Change
from tswizard.core.split.schema.execute_at_once import run_changes_at_once
from tswizard.core.split.schema.target_session import schema_session

pytestmark = pytest.mark.native

A, B = ("public", "a"), ("public", "b")
_HOLD = "SELECT pg_catalog.pg_advisory_lock(7)"
_WAIT = "SELECT pg_catalog.pg_advisory_xact_lock(7)"
_WAITS = """
SELECT EXISTS (SELECT FROM pg_catalog.pg_stat_activity
  WHERE datname = pg_catalog.current_database() AND wait_event = 'advisory')
"""


async def _there(connection: Connection, name: str) -> bool:
    return bool(await value(connection, f"SELECT pg_catalog.to_regclass('public.{name}') NOTNULL"))


def _done(run: StepRun) -> int:
    return max((e.done for e in run.events if isinstance(e, StepProgress)), default=0)


async def test_different_tables_at_once_and_one_table_in_order(tmp_path: Path) -> None:
    changes = [
        Change("waits", (_WAIT, "CREATE TABLE public.first ()"), frozenset({A})),
        Change("of both", ("CREATE TABLE public.both ()",), frozenset({A, B})),
        Change("behind it", ("CREATE TABLE public.behind ()",), frozenset({B})),
        Change("other", ("CREATE TABLE public.other ()",), frozenset({("public", "c")})),
        Change("refused", ("SELECT 1 / 0",), frozenset({("public", "c")})),
    ]
    async with (
        databases() as (source, end),
        step_context(tmp_path, source, end) as run,
        connected(end) as look,
        schema_session(run.ctx) as target,
    ):
        await look.execute(_HOLD)
        work = asyncio.create_task(run_changes_at_once(run.ctx, target, changes))
        async with asyncio.timeout(600):
            while not (await _there(look, "other") and await value(look, _WAITS)):
                await asyncio.sleep(0.01)
        assert not await _there(look, "first")
        assert not await _there(look, "both")
        assert not await _there(look, "behind")
        await look.execute("SELECT pg_catalog.pg_advisory_unlock(7)")
        (refused,) = await work
        assert refused.change.label == "refused"
        assert "division by zero" in refused.message
        assert await _there(look, "first")
        assert await _there(look, "both")
        assert await _there(look, "behind")


async def test_what_others_have_prevented_comes_again_alone(tmp_path: Path) -> None:
    unlucky = (
        "DO $$ BEGIN IF pg_catalog.to_regclass('public.other') IS NULL THEN "
        "RAISE 'hindered' USING ERRCODE = 'deadlock_detected'; END IF; END $$"
    )
    changes = [
        Change("hindered", (unlucky, "CREATE TABLE public.one ()"), frozenset({A})),
        Change("depends on it", ("ALTER TABLE public.one ADD n int",), frozenset({A})),
        Change("hinders", (_WAIT, "CREATE TABLE public.other ()"), frozenset({B})),
    ]
    async with (
        databases() as (source, end),
        step_context(tmp_path, source, end) as run,
        connected(end) as look,
        schema_session(run.ctx) as target,
    ):
        await look.execute(_HOLD)
        work = asyncio.create_task(run_changes_at_once(run.ctx, target, changes))
        # The one that depends on the first was reached, and the third waits.
        async with asyncio.timeout(600):
            while not (_done(run) and await value(look, _WAITS)):
                await asyncio.sleep(0.01)
        await look.execute("SELECT pg_catalog.pg_advisory_unlock(7)")
        assert await work == []
        assert await value(look, "SELECT count(n) FROM public.one") == 0
