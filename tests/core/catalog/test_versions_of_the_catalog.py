"""Every version from 2.9 to 2.29 reads as the same database.

The servers of these versions cannot be had in a test; their catalogs can (see `fake`).
"""

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
import pytest_asyncio

from tests.support.fake_catalog import VERSIONS, Fake
from tswizard.core.catalog.cagg_model import Cagg
from tswizard.core.catalog.caggs import read_caggs
from tswizard.core.catalog.catalog_shape import read_shape
from tswizard.core.catalog.extras import read_extras
from tswizard.core.catalog.hypertable_model import (
    Compression,
    DimensionKind,
    Hypertable,
    OrderByColumn,
)
from tswizard.core.catalog.hypertables import read_hypertables
from tswizard.core.catalog.inventory import Job
from tswizard.core.catalog.jobs import read_jobs
from tswizard.core.catalog.tables import read_tables
from tswizard.core.db.connection import Connection, connected
from tswizard.core.db.endpoint import Endpoint
from tswizard.demo import EmbeddedPair

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="module")]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def bare(superusers_pair: EmbeddedPair) -> Endpoint:
    """A database without TimescaleDB."""
    target = Endpoint.parse(
        superusers_pair.target_conninfo, password=superusers_pair.target_password
    )
    async with connected(target) as connection:
        await connection.execute("DROP EXTENSION timescaledb CASCADE")
    return target


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=VERSIONS)
async def faked(
    bare: Endpoint, request: pytest.FixtureRequest
) -> AsyncIterator[tuple[Fake, Connection]]:
    """The small database in one version's catalog; gone at the end."""
    fake = Fake(request.param)
    async with connected(bare) as connection:
        await connection.execute("BEGIN")
        await connection.execute("SET LOCAL TimeZone = 'UTC'")
        await fake.build(connection)
        yield fake, connection
        await connection.execute("ROLLBACK")


async def hypertables(connection: Connection) -> dict[str, Hypertable]:
    return {h.label: h for h in await read_hypertables(connection, await read_shape(connection))}


async def test_hypertables(faked: tuple[Fake, Connection]) -> None:
    _fake, connection = faked
    found = await hypertables(connection)
    assert sorted(found) == ["app.daily", "app.readings"]
    assert found["app.daily"].name == "_materialized_hypertable_3"
    assert not any(h.distributed or h.tiered for h in found.values())


async def test_dimensions(faked: tuple[Fake, Connection]) -> None:
    _fake, connection = faked
    found = await hypertables(connection)
    time, space = found["app.readings"].dimensions
    assert (time.kind, time.column, time.interval) == (DimensionKind.RANGE, "at", "24:00:00")
    assert time.interval_sql == "INTERVAL '24:00:00'"
    assert (space.kind, space.column, space.partitions) == (DimensionKind.HASH, "dev", 4)
    assert space.partitioning_function is None
    (bucket,) = found["app.daily"].dimensions
    assert (bucket.interval_sql, bucket.integer_now) == ("bigint '100'", '"app"."ticks"')


async def test_chunks(faked: tuple[Fake, Connection]) -> None:
    _fake, connection = faked
    found = await hypertables(connection)
    plain, packed = found["app.readings"].chunks
    assert (plain.name, plain.compressed, plain.compressed_table) == ("chunk_a", False, None)
    assert (plain.range_start, plain.range_end) == ("2024-01-01 00:00:00", "2024-01-02 00:00:00")
    assert (packed.name, packed.compressed, packed.partial) == ("chunk_b", True, True)
    assert packed.compressed_table == "_timescaledb_internal.packed_b"
    assert packed.rows_estimate == 1000
    (bucket,) = found["app.daily"].chunks
    assert (bucket.range_start, bucket.range_end) == ("100", "200")


async def test_compression(faked: tuple[Fake, Connection]) -> None:
    _fake, connection = faked
    found = await hypertables(connection)
    settings = Compression(("dev",), (OrderByColumn("at", True, False),), "168:00:00")
    assert found["app.readings"].compression == settings
    assert found["app.daily"].compression is None


async def test_aggregates(faked: tuple[Fake, Connection]) -> None:
    fake, connection = faked
    (cagg,) = await read_caggs(connection, await read_shape(connection))
    assert replace(cagg, definition="", owner="") == Cagg(
        schema="app",
        name="daily",
        owner="",
        definition="",
        materialized_only=True,
        compressed=False,
        # The column went with 2.25, when only finalized ones were left.
        finalized="finalized" not in fake.columns("_timescaledb_catalog.continuous_agg"),
        hypertable="app.readings",
        parent=None,
        materialization_schema="_timescaledb_internal",
        materialization_name="_materialized_hypertable_3",
        reads=("app", "readings"),
    )
    assert "FROM app.readings" in cagg.definition
    assert not cagg.definition.endswith(";")


async def test_jobs(faked: tuple[Fake, Connection]) -> None:
    fake, connection = faked
    assert await read_jobs(connection, await read_shape(connection)) == (
        Job(
            id=1000,
            application="policy_retention [1000]",
            proc_schema=fake.functions,
            proc_name="policy_retention",
            owner="keeper",
            scheduled=True,
            schedule_interval="01:00:00",
            config='{"drop_after": "30 days"}',
            on=("app", "daily"),
            next_start="2030-01-01 00:00:00+00",
            fixed_schedule=False,
            initial_start="2024-01-01 03:00:00+00",
            timezone="Europe/Berlin",
            max_runtime="00:05:00",
            max_retries=3,
            retry_period="00:07:00",
            check="app.fine",
            owner_by_oid=fake.version != "2.9.3",
        ),
    )


async def test_tables_and_the_rest(faked: tuple[Fake, Connection]) -> None:
    fake, connection = faked
    shape = await read_shape(connection)
    assert [t.label for t in await read_tables(connection, shape)] == ["app.plain"]
    extras = await read_extras(connection, shape)
    assert extras.objects == ("schema app",)
    skipping = bool(fake.columns("_timescaledb_catalog.chunk_column_stats"))
    assert extras.skipping == (("app.readings",) if skipping else ())
