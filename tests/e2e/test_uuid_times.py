"""Hypertables partitioned by UUIDs of version 7 (TimescaleDB 2.24 and later), by both methods."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.support import whole_database
from tests.support.by_hand import carried_out, differences
from tests.support.caggs import fill, program_for, stored_caggs
from tests.support.native import databases
from tswizard.core.catalog.read import read_inventory
from tswizard.core.db.connection import connected, rows, value
from tswizard.core.db.endpoint import Endpoint
from tswizard.core.model.answers import Answers

pytestmark = [pytest.mark.native, pytest.mark.asyncio(loop_scope="module")]

_SAMPLE = Path(__file__).parents[1] / "support" / "uuid_times.sql"
_TABLES = ("events", "plain_events", "spaced_events", "hourly", "daily", "never")

Ends = tuple[Endpoint, Endpoint]


@pytest_asyncio.fixture(loop_scope="module")
async def ends() -> AsyncIterator[Ends]:
    async with databases(community=True) as (source, target):
        async with connected(source) as connection:
            if await value(connection, "SELECT to_regproc('public.to_uuidv7_boundary')") is None:
                pytest.skip("this TimescaleDB partitions by no UUID")
        await fill(source, _SAMPLE)
        yield source, target


async def _rows(end: Endpoint, table: str) -> list[tuple[object, ...]]:
    async with connected(end) as connection:
        return await rows(connection, f"SELECT t::text FROM public.{table} t ORDER BY 1")


async def _chunks(end: Endpoint) -> list[tuple[object, ...]]:
    async with connected(end) as connection:
        return await rows(
            connection,
            "SELECT hypertable_name, range_start, range_end, is_compressed "
            "FROM timescaledb_information.chunks WHERE hypertable_name LIKE '%%events' "
            "ORDER BY 1, 2, 3, 4",
            (),
        )


async def test_the_state_of_a_continuous_aggregate(ends: Ends) -> None:
    caggs = {cagg.label: cagg for cagg in (await read_inventory(ends[0])).caggs}
    hourly = caggs["public.hourly"].state
    assert hourly is not None
    assert hourly.history
    assert hourly.first_raw is not None
    assert hourly.last_raw is not None
    assert hourly.last_raw - hourly.first_raw == 8 * 86_400_000_000
    assert [span.raw_rows for span in hourly.invalid] == [True, True, True]


@pytest.mark.parametrize(
    ("method", "slices"), [("full", "chunk"), ("split", "chunk"), ("split", "6 hours")]
)
async def test_all_of_it_arrives(ends: Ends, tmp_path: Path, method: str, slices: str) -> None:
    source, target = ends
    before = await whole_database.picture(source)
    program = program_for(tmp_path, source, target, method=method, piece=slices)
    ended = await program.call("--answers", program.folder / "answers.toml")
    assert ended.code == 0, f"{ended.out}\n{ended.err}"
    for table in _TABLES:
        assert await _rows(target, table) == await _rows(source, table)
    assert await _chunks(target) == await _chunks(source)
    assert not whole_database.differences(before, await whole_database.picture(target))
    kept = {label: found.rows for label, found in (await stored_caggs(source)).items()}
    assert {label: found.rows for label, found in (await stored_caggs(target)).items()} == kept


async def test_by_hand(ends: Ends, tmp_path: Path) -> None:
    source, target = ends
    _runbook, said = await carried_out(tmp_path, source, target, Answers(method="split"))
    assert "Everything is done." in said
    for table in _TABLES:
        assert await _rows(target, table) == await _rows(source, table)
    assert await differences(tmp_path, source, target, Answers(method="split")) == {}
