"""How far continuous aggregates are materialized, read from native servers of any version."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest
import pytest_asyncio

from tests.support.caggs import fill
from tests.support.native import SOURCE, database, named
from tswizard.core.catalog.cagg_model import CaggState
from tswizard.core.catalog.cagg_state import OWED_RANGES, read_cagg_states
from tswizard.core.catalog.catalog_shape import read_shape
from tswizard.core.catalog.read import read_inventory
from tswizard.core.db.connection import connected
from tswizard.core.db.endpoint import Endpoint
from tswizard.core.split.caggs.valid_ranges import valid_ranges

pytestmark = [pytest.mark.native, pytest.mark.asyncio(loop_scope="module")]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def sample() -> AsyncIterator[Endpoint]:
    async with database(named(SOURCE), community=True) as end:
        await fill(end)
        yield end


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def states(sample: Endpoint) -> dict[str, CaggState]:
    async with connected(sample) as connection:
        await connection.execute("SET TimeZone = 'UTC'")
        return await read_cagg_states(connection, await read_shape(connection))


def at(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * 1_000_000


async def test_watermark_history_and_what_is_invalid(states: dict[str, CaggState]) -> None:
    hourly = states["m.hourly"]
    assert (hourly.bucket, hourly.fixed, hourly.width) == ("01:00:00", True, 3_600_000_000)
    assert hourly.watermark == hourly.valid_until == at("2024-06-01 01:00")
    assert (hourly.first, hourly.last) == (at("2023-01-01"), at("2024-06-01"))
    assert hourly.history
    dropped, late = hourly.invalid
    # Whole chunks were dropped, and the next one begins inside of a bucket of no other one.
    assert dropped.high == (hourly.raw_from or 0) + 3_600_000_000 - 1
    assert (late.low, late.high) == (at("2024-03-03 10:00"), at("2024-03-03 11:00") - 1)
    assert late.raw_rows


async def test_a_continuous_aggregate_on_another(states: dict[str, CaggState]) -> None:
    """Its raw rows are the other's buckets, which nobody dropped."""
    daily = states["m.daily"]
    assert (daily.first_raw, daily.invalid) == (at("2023-01-01"), ())
    assert not daily.history


async def test_buckets_that_vary(states: dict[str, CaggState]) -> None:
    monthly = states["m.Monthly Berlin"]
    assert not monthly.fixed
    assert monthly.width >= 31 * 86_400_000_000
    assert monthly.first == at("2022-12-31 23:00")
    assert (at("2024-02-29 23:00"), at("2024-03-31 22:00") - 1) in [
        (found.low, found.high) for found in monthly.invalid
    ]


async def test_integers_never_refreshed_and_without_raw_rows(states: dict[str, CaggState]) -> None:
    ticks = states["m.by_hundred"]
    assert ticks.integer
    assert (ticks.first, ticks.last, ticks.watermark, ticks.width) == (0, 9000, 9100, 100)
    never = states["m.never"]
    assert (never.watermark, never.valid_until, never.first) == (None, None, None)
    gone = states["m.gone_daily"]
    assert (gone.first_raw, gone.raw_from) == (None, None)
    assert gone.history
    assert not any(found.raw_rows for found in gone.invalid)


async def test_deleted_rows_leave_an_invalid_range_and_dropped_chunks_history() -> None:
    async with database(named(SOURCE), community=True) as end, connected(end) as connection:
        for statement in (
            "SET TimeZone = 'UTC'",
            "SET search_path = public",
            "CREATE TABLE raw (at timestamptz NOT NULL, v int)",
            "SELECT create_hypertable('raw', 'at', chunk_time_interval => INTERVAL '1 day')",
            "INSERT INTO raw SELECT '2024-01-01'::timestamptz + n * INTERVAL '1 hour', n"
            " FROM generate_series(0, 239) n",
            "CREATE MATERIALIZED VIEW daily WITH (timescaledb.continuous) AS"
            " SELECT time_bucket('1 day', at) AS b, count(*) FROM raw GROUP BY 1 WITH NO DATA",
            "CALL refresh_continuous_aggregate('daily', NULL, NULL)",
            "DELETE FROM raw WHERE at >= '2024-01-03' AND at < '2024-01-05'",
            "SELECT drop_chunks('raw', newer_than => '2024-01-07'::timestamptz,"
            " older_than => '2024-01-09'::timestamptz)",
        ):
            await connection.execute(statement.encode())
        state = (await read_cagg_states(connection, await read_shape(connection)))["public.daily"]
    deleted = next(r for r in state.invalid if r.low == at("2024-01-03"))
    assert deleted.high == at("2024-01-05") - 1
    assert deleted.raw_rows
    ranges = valid_ranges(state)
    assert ranges[0].end == at("2024-01-03")
    assert ranges[1].start == at("2024-01-05")


async def test_the_inventory_has_indexes_and_state(sample: Endpoint) -> None:
    caggs = {cagg.label: cagg for cagg in (await read_inventory(sample)).caggs}
    hourly = caggs["m.hourly"]
    assert hourly.state is not None
    indexes = {index.name: index.definition for index in hourly.indexes}
    assert len(indexes) == 4
    assert indexes["hourly_own"] == "USING btree (dev, max_v) WHERE (n > 0)"
    assert f"{hourly.materialization_name}_bucket_idx" in indexes


async def test_ranges_that_a_refresh_still_owes_are_invalid(
    sample: Endpoint, states: dict[str, CaggState]
) -> None:
    low, high = at("2024-04-10 10:00"), at("2024-04-10 12:00") - 1
    async with connected(sample) as connection:
        shape = await read_shape(connection)
        if not shape.has(OWED_RANGES):
            pytest.skip("this TimescaleDB stores no ranges that a refresh owes")
        async with connection.transaction(force_rollback=True):
            await connection.execute(
                f"INSERT INTO {OWED_RANGES} "
                "SELECT mat_hypertable_id, %s, %s FROM _timescaledb_catalog.continuous_agg "
                "WHERE user_view_name = 'hourly'".encode(),
                (low, high),
            )
            (found,) = (await read_cagg_states(connection, shape, ["m.hourly"])).values()
    before = {(span.low, span.high) for span in states["m.hourly"].invalid}
    assert {(span.low, span.high) for span in found.invalid} - before == {(low, high)}
    assert (low, high) not in before
