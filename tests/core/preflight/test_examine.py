"""The whole of it, on real servers: what is tried leaves nothing behind."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from psycopg.errors import DiskFull

from tests.support.native import SOURCE, TARGET, database, named
from tests.support.sample_inventory import prepared, tools
from tswizard.core.catalog.catalog_shape import read_shape
from tswizard.core.catalog.inventory import Inventory
from tswizard.core.catalog.read import read_inventory
from tswizard.core.db.connection import Connection, connected, rows
from tswizard.core.db.endpoint import Endpoint
from tswizard.core.db.errors import CannotConnect
from tswizard.core.model.answers import METHOD_NAMES
from tswizard.core.model.finding import Finding, Level
from tswizard.core.model.prepared import Prepared
from tswizard.core.preflight import examine, run_checks
from tswizard.core.preflight.check import Side, Trial
from tswizard.core.preflight.checks.extensions import try_create
from tswizard.core.preflight.checks.privileges import try_restore
from tswizard.core.preflight.checks.source_writes import rows_written
from tswizard.demo import EmbeddedPair

pytestmark = pytest.mark.asyncio(loop_scope="module")

Ends = tuple[Endpoint, Endpoint]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def ends(superusers_pair: EmbeddedPair) -> Ends:
    pair = superusers_pair
    return (
        Endpoint.parse(pair.source_conninfo, password=pair.source_password),
        Endpoint.parse(pair.target_conninfo, password=pair.target_password),
    )


@pytest_asyncio.fixture(loop_scope="module")
async def native_target() -> AsyncIterator[Endpoint]:
    """An empty database on a server with real concurrency."""
    async with database(named(TARGET)) as end:
        yield end


async def findings(
    ends: Ends, inventories: tuple[Inventory, Inventory], folder: Path, **answers: Any
) -> dict[str, Finding]:
    subject = prepared(*inventories, ends=ends, client=tools(18), staging=folder, **answers)
    return {finding.id: finding async for finding in examine(subject)}


async def state(connection: Connection) -> list[tuple[Any, ...]]:
    """Everything that a trial could leave behind."""
    return await rows(
        connection,
        "SELECT 'relation', oid::regclass::text FROM pg_class WHERE relkind IN ('r', 'S', 'v') "
        "UNION ALL SELECT 'schema', nspname FROM pg_namespace WHERE nspname !~ '^pg_' "
        "UNION ALL SELECT 'extension', extname FROM pg_extension "
        "UNION ALL SELECT 'setting', setconfig::text FROM pg_db_role_setting "
        "UNION ALL SELECT 'restoring', current_setting('timescaledb.restoring') ORDER BY 1, 2",
    )


@pytest.mark.e2e
async def test_the_demo_has_nothing_to_look_at(ends: Ends, tmp_path: Path) -> None:
    inventories = await read_inventory(ends[0]), await read_inventory(ends[1])
    async with connected(ends[1]) as connection:
        before = await state(connection)
    found = await findings(ends, inventories, tmp_path)
    assert {f.level for f in found.values()} == {Level.PASS}, [
        f for f in found.values() if f.level is not Level.PASS
    ]
    assert {"target-rights", "target-space", "staging-space", "source-writes"} <= set(found)
    async with connected(ends[1]) as connection:
        assert await state(connection) == before


@pytest.mark.e2e
async def test_nothing_is_tried_on_a_target_that_holds_something(
    ends: Ends, tmp_path: Path
) -> None:
    source, target = await read_inventory(ends[0]), await read_inventory(ends[1])
    async with connected(ends[1]) as connection:
        await connection.execute("CREATE TABLE public.mine (id int)")
        try:
            full = await read_inventory(ends[1])
            found = await findings(ends, (source, full), tmp_path)
        finally:
            await connection.execute("DROP TABLE public.mine")
    assert found["target-not-empty"].level is Level.FAIL
    assert found["target-not-empty"].details == ("table public.mine",)
    assert {"target-rights", "target-space"}.isdisjoint(found)
    assert target.user_objects == 0


@pytest.mark.e2e
async def test_the_source_as_its_own_target_is_refused(ends: Ends, tmp_path: Path) -> None:
    source = await read_inventory(ends[0])
    again = await read_inventory(ends[0])
    found = await findings((ends[0], ends[0]), (source, again), tmp_path)
    assert found["same-database"].level is Level.FAIL
    assert "target-rights" not in found


@pytest.mark.e2e
async def test_retention_that_goes_on_is_named(ends: Ends, tmp_path: Path) -> None:
    inventories = await read_inventory(ends[0]), await read_inventory(ends[1])
    found = await findings(ends, inventories, tmp_path, pause_source_jobs=False)
    assert found["retention-runs"].level is Level.LOOK
    assert found["retention-runs"].details


@pytest.mark.e2e
async def test_a_role_that_may_not_restore_hears_what_was_refused(ends: Ends) -> None:
    async with connected(ends[1]) as connection:
        await connection.execute(
            "ALTER EXTENSION timescaledb DROP FUNCTION public.timescaledb_pre_restore()"
        )
        await connection.execute(
            "ALTER FUNCTION public.timescaledb_pre_restore() RENAME TO hidden_pre_restore"
        )
        try:
            refused = await try_restore(ends[1], "public")
        finally:
            await connection.execute(
                "ALTER FUNCTION public.hidden_pre_restore() RENAME TO timescaledb_pre_restore"
            )
            await connection.execute(
                "ALTER EXTENSION timescaledb ADD FUNCTION public.timescaledb_pre_restore()"
            )
    ((tried, answer),) = refused
    assert "timescaledb_pre_restore" in tried
    assert "does not exist" in answer


@pytest.mark.e2e
async def test_an_extension_that_cannot_be_made_is_told_apart(ends: Ends) -> None:
    refused = await try_create(ends[1], ("plpgsql", "not_an_extension"))
    assert set(refused) == {"not_an_extension"}


@pytest.mark.native
async def test_a_trial_leaves_nothing_and_the_scheduler_running(
    native_target: Endpoint,
) -> None:
    """A rolled back timescaledb_pre_restore() alone would leave it stopped."""
    target = native_target
    superuser = (await read_inventory(target)).server.role.superuser
    workers = (
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() "
        "AND backend_type = 'TimescaleDB Background Worker Scheduler'"
    )
    async with connected(target) as connection:
        if superuser:  # in a copied database it starts when the launcher looks again
            start = (await read_shape(connection)).function("start_background_workers")
            await connection.execute(f"SELECT {start}()")
        before = await state(connection)
        running = await rows(connection, workers)
        while superuser and running != [(1,)]:  # others do not see it
            running = await rows(connection, workers)
        refused = await try_restore(target, "public")
        assert await state(connection) == before
        while await rows(connection, workers) != running:
            pass  # it starts within a second; pytest-timeout ends this if it does not
    assert (running == [(1,)]) is superuser
    assert (refused == []) is superuser
    assert all(answer for _tried, answer in refused)


async def test_what_a_server_refuses_in_a_trial_is_told_as_what_it_is(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def full(_prepared: Prepared) -> AsyncIterator[Finding]:
        raise DiskFull("could not extend file")
        yield

    check = Trial(gives=("tried",), run=full, side=Side.TARGET)
    monkeypatch.setattr(run_checks, "CHECKS", (check,))
    subject = prepared()
    with pytest.raises(CannotConnect) as caught:
        [found async for found in examine(subject)]
    assert caught.value.what == (
        f"{subject.target.label}: The server's disk is full: could not extend file."
    )
    assert caught.value.todo == "Free or add disk space there. Then examine it again."


@pytest.mark.native
@pytest.mark.parametrize("method", METHOD_NAMES)
async def test_a_schema_of_our_name_that_is_not_ours_is_refused(
    native_target: Endpoint, tmp_path: Path, method: str
) -> None:
    async def found() -> dict[str, Finding]:
        inventories = await read_inventory(source), await read_inventory(native_target)
        return await findings((source, native_target), inventories, tmp_path, method=method)

    source = named(SOURCE)
    assert "target-schema-taken" not in await found()
    async with connected(native_target) as connection:
        await connection.execute("CREATE SCHEMA _tswizard")
    assert "target-schema-taken" not in await found()
    async with connected(native_target) as connection:
        await connection.execute("CREATE TABLE _tswizard.theirs (id int)")
    refused = (await found())["target-schema-taken"]
    assert refused.level is Level.FAIL
    assert "Rename it" in refused.todo


@pytest.mark.native
@pytest.mark.parametrize(
    ("statement", "seen"),
    [
        ("INSERT INTO public.written SELECT generate_series(1, 99)", True),
        ("CREATE TEMP TABLE scratch AS SELECT generate_series(1, 99)", False),
        ("ANALYZE public.written", False),  # a server does that by itself whenever it likes
        ("CREATE VIEW public.looked_at AS SELECT 1 AS one; DROP VIEW public.looked_at", False),
    ],
)
async def test_writes_are_seen(native_target: Endpoint, statement: str, seen: bool) -> None:
    async with connected(native_target) as connection:
        await connection.execute("CREATE TABLE IF NOT EXISTS public.written (n int)")
        await connection.execute("INSERT INTO public.written SELECT generate_series(1, 99)")
    watch = asyncio.create_task(rows_written(native_target))
    while not watch.done():
        async with connected(native_target) as connection:  # counters are sent when a session ends
            await connection.execute(statement)
    assert (await watch >= 99) is seen
    assert seen or await watch == 0
