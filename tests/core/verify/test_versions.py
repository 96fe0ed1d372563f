"""The comparison reads the catalog of every TimescaleDB from 2.9 to 2.29, and alike.

Servers of all these versions cannot be had in a test; their catalogs can
(see tests.support.fake_catalog).
"""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.support.fake_catalog import VERSIONS, Fake
from tswizard.core.db.connection import connected
from tswizard.core.db.endpoint import Endpoint
from tswizard.core.verify.schema.read import ObjectKey, Schema, read_schema
from tswizard.demo import EmbeddedPair

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="module")]

# In every version, and not told apart by the other readers of the catalog.
_MORE = """
CREATE TABLE IF NOT EXISTS _timescaledb_catalog.tablespace
  (id int, hypertable_id int, tablespace_name name);
CREATE TABLE IF NOT EXISTS _timescaledb_catalog.continuous_aggs_bucket_function
  (mat_hypertable_id int, bucket_func text, bucket_width text);
INSERT INTO _timescaledb_catalog.continuous_aggs_bucket_function VALUES (3, 'time_bucket', '100');
"""


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
async def schema(bare: Endpoint, request: pytest.FixtureRequest) -> AsyncIterator[Schema]:
    """What is read of one version's catalog."""
    async with (
        connected(bare, row_security=False) as connection,
        connection.transaction(force_rollback=True),
    ):
        await Fake(request.param).build(connection)
        await connection.execute(_MORE)
        yield await read_schema(connection)


def _names(schema: Schema, kind: str) -> set[str]:
    return {key.name for key, found in schema.objects.items() if key.kind == kind}


async def test_what_timescaledb_adds_is_read(schema: Schema) -> None:
    inside = "_timescaledb_internal"
    assert {"app.readings", f"{inside}._materialized_hypertable_3"} <= _names(schema, "hypertable")
    assert _names(schema, "dimension") == {
        "app.readings.at",
        "app.readings.dev",
        f"{inside}._materialized_hypertable_3.bucket",
    }
    assert {f"{inside}.chunk_{name}" for name in "abc"} <= _names(schema, "chunk")
    assert any(name.startswith("app.readings") for name in _names(schema, "compression-setting"))
    assert _names(schema, "continuous-aggregate") == {"app.daily"}
    assert _names(schema, "job") == {"1000"}


async def test_a_chunk_tells_its_ranges_and_its_compressed_table(schema: Schema) -> None:
    chunk = schema.objects[ObjectKey("chunk", "_timescaledb_internal.chunk_b")]
    assert chunk.part == "_timescaledb_internal.chunk_b"
    told = chunk.definition
    assert told["hypertable"] == "app.readings"
    assert told["compressed"] == "_timescaledb_internal.packed_b"
    assert told["row"]["status"] == 9
    assert told["slices"] == {
        "at": "1704153600000000 to 1704240000000000",
        "dev": "-9223372036854775808 to 5",
    }


async def test_what_only_links_rows_is_no_property(schema: Schema) -> None:
    """Numbers that another database gives otherwise."""
    for key, found in schema.objects.items():
        if key.kind in ("hypertable", "dimension", "chunk", "continuous-aggregate"):
            links = {"id", "hypertable_id", "mat_hypertable_id", "raw_hypertable_id", "relid"}
            assert not links & found.definition.get("row", {}).keys(), key


async def test_a_job_is_told_but_not_whether_it_is_switched_on(schema: Schema) -> None:
    job = schema.objects[ObjectKey("job", "1000")].definition
    assert job["hypertable"] == "app.daily"
    assert job["row"]["timezone"] == "Europe/Berlin"
    assert "scheduled" not in job["row"]


async def test_internal_relations_belong_to_what_the_user_knows(schema: Schema) -> None:
    inside = "_timescaledb_internal"
    assert schema.labels[f"{inside}.chunk_a"] == "app.readings"
    assert schema.labels[f"{inside}.packed_b"] == "app.readings"
    assert schema.labels[f"{inside}.chunk_c"] == "app.daily"
    assert schema.labels[f"{inside}._materialized_hypertable_3"] == "app.daily"
