"""What is left out of a full migration is dropped, and nothing else is missing."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.support.begun_run import begun, carried_out
from tests.support.caggs import cagg_ends
from tests.support.split_ends import run as run_sql
from tswizard.core.catalog.inventory import Inventory
from tswizard.core.catalog.read import read_inventory
from tswizard.core.db.connection import connected
from tswizard.core.db.endpoint import Endpoint
from tswizard.core.model.answers import Answers
from tswizard.core.model.finding import Level
from tswizard.core.model.outcome import Outcome

pytestmark = [pytest.mark.native, pytest.mark.asyncio]

_MORE = (
    'CREATE VIEW m."On Views" AS SELECT day, dev FROM m.on_daily CROSS JOIN m.mat_on_hourly',
    "CREATE FUNCTION m.counted() RETURNS bigint LANGUAGE sql "
    "BEGIN ATOMIC SELECT count(*) FROM m.on_daily; END",
    "CREATE VIEW m.on_function AS SELECT m.counted() AS n",
    "GRANT SELECT ON m.hourly, m.daily, m.by_hundred TO PUBLIC",
    "COMMENT ON VIEW m.on_daily IS 'reads daily'",
    "CREATE STATISTICS m.of_both ON dev, c FROM m.mat_on_hourly",
    "SELECT public.add_continuous_aggregate_policy('m.hourly', NULL, NULL, interval '1 hour')",
    "SELECT public.add_continuous_aggregate_policy('m.daily', NULL, NULL, interval '1 hour')",
    "SELECT public.add_retention_policy('m.raw', interval '20 years')",
    "SELECT public.add_compression_policy('m.raw', interval '20 years')",
    "REFRESH MATERIALIZED VIEW m.mat_on_hourly",
)


@pytest_asyncio.fixture
async def ends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[tuple[Endpoint, Endpoint]]:
    monkeypatch.setenv("TSWIZARD_STATE_DIR", str(tmp_path))
    async with cagg_ends() as (source, target):
        await run_sql(source, *_MORE)
        yield source, target


async def migrated(ends: tuple[Endpoint, Endpoint], answers: Answers) -> tuple[Outcome, Inventory]:
    """How such a run ends, and what the target holds then."""
    run = await carried_out(await begun(*ends, answers))
    assert run.outcome is not None
    return run.outcome, await read_inventory(ends[1])


async def test_parents_with_all_that_needs_them(ends: tuple[Endpoint, Endpoint]) -> None:
    source = await read_inventory(ends[0])
    answers = Answers(
        caggs=tuple(cagg.label for cagg in source.caggs if cagg.label != "m.hourly"),
        policies=tuple(job.id for job in source.jobs if job.what != "compression"),
    )
    outcome, there = await migrated(ends, answers)
    assert outcome.result is Level.PASS, [f for f in outcome.findings if f.level is not Level.PASS]
    assert {cagg.label for cagg in source.caggs} - {cagg.label for cagg in there.caggs} == {
        "m.hourly",
        "m.daily",
    }
    assert [job.what for job in there.jobs] == ["retention"]
    assert there.jobs[0].scheduled
    assert there.cagg_dependents == ()
    assert {table.label for table in source.tables} - {table.label for table in there.tables} == {
        "m.mat_on_hourly"
    }
    refresh, daily, compression = (
        next(job.id for job in source.jobs if job.what == what and job.target == on)
        for what, on in (
            ("refresh", "m.hourly"),
            ("refresh", "m.daily"),
            ("compression", "m.raw"),
        )
    )
    assert outcome.skipped == (
        "2 continuous aggregates left out: m.hourly, m.daily",
        "1 materialized view left out: m.mat_on_hourly",
        '3 views left out: m.on_daily, m."On Views", m.on_function',
        "1 function left out: m.counted()",
        f"3 policies left out: {refresh} refresh on m.hourly, {daily} refresh on m.daily, "
        f"{compression} compression on m.raw",
    )


async def test_all_of_them(ends: tuple[Endpoint, Endpoint]) -> None:
    await run_sql(  # without quotes, the table is called like the view
        ends[0],
        'CREATE SCHEMA "m.on"',
        'CREATE VIEW "m.on".day AS SELECT * FROM m.daily',
        'CREATE TABLE m."on.day" AS SELECT 1 AS a',
    )
    outcome, there = await migrated(ends, Answers(caggs="none", policies="none"))
    assert outcome.result is Level.PASS, [f for f in outcome.findings if f.level is not Level.PASS]
    assert (there.caggs, there.jobs, there.cagg_dependents) == ((), (), ())
    assert len(there.hypertables) == 3
    assert "m.on.day" in {table.name for table in outcome.tables}


async def test_what_cannot_be_dropped_stays_and_is_named(ends: tuple[Endpoint, Endpoint]) -> None:
    async with connected(ends[0]) as source:
        await source.execute("CREATE TABLE m.heap (LIKE m.ticks)")
        await source.execute(
            "CREATE RULE keep AS ON DELETE TO m.heap DO ALSO "
            "INSERT INTO m.heap SELECT b FROM m.by_hundred"
        )
    held = await read_inventory(ends[0])
    some = tuple(cagg.label for cagg in held.caggs if cagg.label != "m.by_hundred")
    outcome, there = await migrated(ends, Answers(caggs=some))
    assert outcome.result is Level.LOOK
    found = next(f for f in outcome.findings if f.id == "left-out-not-dropped")
    assert "rule keep on table m.heap depends on view m.by_hundred" in found.why
    assert 'DROP MATERIALIZED VIEW IF EXISTS "m"."by_hundred";' in found.todo
    assert len(there.caggs) == len(held.caggs)
