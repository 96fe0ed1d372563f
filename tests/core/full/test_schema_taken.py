"""A schema _tswizard that is somebody else's is neither written to nor dropped."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.support.begun_run import begun, carried_out
from tests.support.native import databases
from tests.support.step_context import step_context
from tswizard.core.db.connection import connected, rows
from tswizard.core.db.endpoint import Endpoint
from tswizard.core.full import restore_mode
from tswizard.core.methods import METHODS
from tswizard.core.model.answers import Answers, MethodName
from tswizard.core.model.finding import Level
from tswizard.core.run.context import StepFailed
from tswizard.core.steps import target_marker

pytestmark = pytest.mark.native

Ends = tuple[Endpoint, Endpoint]

THEIRS = [
    "CREATE TABLE _tswizard.theirs (id int); INSERT INTO _tswizard.theirs VALUES (1)",
    "CREATE TABLE _tswizard.run (id int)",
    "CREATE TABLE _tswizard.record (id int)",
    "CREATE FUNCTION _tswizard.theirs() RETURNS int LANGUAGE sql AS 'SELECT 1'",
]


@pytest_asyncio.fixture
async def ends() -> AsyncIterator[Ends]:
    async with databases() as found:
        yield found


async def take(target: Endpoint, theirs: str) -> list[tuple[str]]:
    async with connected(target) as connection:
        await connection.execute(f"CREATE SCHEMA _tswizard; {theirs}")
    return await inside(target)


async def inside(target: Endpoint) -> list[tuple[str]]:
    async with connected(target) as connection:
        return await rows(
            connection,
            "SELECT pg_describe_object(classid, objid, objsubid) FROM pg_depend "
            "WHERE refclassid = 'pg_namespace'::regclass AND refobjid = '_tswizard'::regnamespace "
            "ORDER BY 1",
        )


@pytest.mark.parametrize("theirs", THEIRS)
async def test_restore_mode_is_not_entered(ends: Ends, tmp_path: Path, theirs: str) -> None:
    before = await take(ends[1], theirs)
    async with step_context(tmp_path, *ends) as run:
        with pytest.raises(StepFailed) as refused:
            await restore_mode.enter(run.ctx)
    assert refused.value.finding.id == "schema-taken"
    assert await inside(ends[1]) == before


@pytest.mark.parametrize("theirs", THEIRS)
async def test_it_is_not_dropped_at_the_end_of_a_run(
    ends: Ends, tmp_path: Path, theirs: str
) -> None:
    before = await take(ends[1], theirs)
    async with step_context(tmp_path, *ends) as run:
        assert await target_marker.remove_record(run.ctx) == ()
    assert await inside(ends[1]) == before


async def test_ours_is_dropped_whatever_else_is_in_it(ends: Ends) -> None:
    async with connected(ends[1]) as target:
        await target_marker.write(target, "run-1", "restoring")
        await target.execute("CREATE TABLE _tswizard.more (id int)")
        await target_marker.erase(target)
        there = "SELECT FROM pg_namespace WHERE nspname = '_tswizard'"
        assert await rows(target, there) == []
        await target_marker.erase(target)


@pytest.mark.parametrize("method", [method.name for method in METHODS])
async def test_a_run_ends_before_the_target_is_changed(
    ends: Ends, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, method: MethodName
) -> None:
    monkeypatch.setenv("TSWIZARD_STATE_DIR", str(tmp_path))
    before = await take(ends[1], THEIRS[2])
    run = await carried_out(await begun(*ends, Answers(method=method)))
    assert run.outcome is None
    failures = [f for f in run.run_folder.record.findings if f.level is Level.FAIL]
    assert [f.id for f in failures] == ["schema-taken"]
    assert await inside(ends[1]) == before
