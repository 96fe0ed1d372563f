"""Materialized views are filled, and those that cannot be are named."""

from pathlib import Path

import pytest

from tests.support.native import databases
from tests.support.split_ends import run as run_sql
from tests.support.step_context import step_context
from tswizard.core.db.connection import connected, value
from tswizard.core.model.finding import Level
from tswizard.core.steps.refresh_views import refresh_views

pytestmark = pytest.mark.native

_VIEWS = (
    "CREATE TABLE public.shares (n int)",
    "CREATE MATERIALIZED VIEW public.halves AS SELECT 100 / n AS part FROM public.shares {data}",
    "CREATE MATERIALIZED VIEW public.on_halves AS SELECT part FROM public.halves {data}",
    "CREATE MATERIALIZED VIEW public.counted AS SELECT count(*) FROM public.shares {data}",
)


async def test_one_that_cannot_be_filled_is_named_with_what_reads_it(tmp_path: Path) -> None:
    async with databases() as (source, target):
        await run_sql(source, *(text.format(data="") for text in _VIEWS))
        await run_sql(
            target,
            *(text.format(data="WITH NO DATA") for text in _VIEWS),
            "INSERT INTO public.shares VALUES (0)",
        )
        async with step_context(tmp_path, source, target) as run:
            await refresh_views(run.ctx)
            assert {finding.id for finding in run.findings} == {"view-not-filled"}
            assert {finding.level for finding in run.findings} == {Level.FAIL}
            halves, on_halves = sorted(finding.what for finding in run.findings)
            assert "public.halves could not be filled: division by zero" in halves
            assert "public.on_halves" in on_halves
            todo = {finding.todo.rpartition(": ")[2] for finding in run.findings}
            assert 'REFRESH MATERIALIZED VIEW "public"."halves";' in todo
        async with connected(target) as connection:
            assert await value(connection, "SELECT count FROM public.counted") == 1
            # As the finding says.
            await connection.execute("UPDATE public.shares SET n = 4")
            for statement in sorted(todo):
                await connection.execute(statement.encode())
            assert await value(connection, "SELECT part FROM public.on_halves") == 25
