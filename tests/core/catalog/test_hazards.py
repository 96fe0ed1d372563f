"""What a method cannot migrate as it is, found on native servers."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.support.native import SOURCE, database, named
from tswizard.core.catalog.catalog_shape import read_shape
from tswizard.core.catalog.hazard_model import Hazards
from tswizard.core.catalog.hazards import read_hazards
from tswizard.core.db.connection import connected, value
from tswizard.core.db.endpoint import Endpoint

pytestmark = [pytest.mark.native, pytest.mark.asyncio(loop_scope="module")]

_OIDS = """
CREATE DOMAIN kind AS regclass;
CREATE TYPE thing AS (n int, what kind);
CREATE DOMAIN name_of_one AS text;
CREATE TABLE audit (t timestamptz NOT NULL, part regclass, plain regclass, by_domain kind,
  many regtype[], deep thing, deeper thing[], harmless name_of_one, size int4range);
SELECT create_hypertable('audit', 't');
ALTER TABLE audit SET (timescaledb.compress, timescaledb.compress_segmentby = 'part');
INSERT INTO audit VALUES ('2026-01-01', 'audit', 'audit', 'audit', '{int,text}', (1, 'audit'),
  ARRAY[(1, 'audit')::thing], 'x', '[1,2]');
SELECT compress_chunk(c) FROM show_chunks('audit') c;
CREATE TABLE loose (t timestamptz NOT NULL, by_domain kind);
SELECT create_hypertable('loose', 't');
INSERT INTO loose VALUES ('2026-01-01', 'audit');
"""
_ADDED = """
CREATE TABLE grown (t timestamptz NOT NULL, dev int);
SELECT create_hypertable('grown', 't', chunk_time_interval => interval '1 day');
ALTER TABLE grown SET (timescaledb.compress, timescaledb.compress_segmentby = 'dev');
INSERT INTO grown SELECT '2026-01-01'::timestamptz + i * interval '1 hour', i % 2
  FROM generate_series(0, 47) i;
SELECT compress_chunk(c) FROM show_chunks('grown') c;
ALTER TABLE grown ADD COLUMN added int NOT NULL DEFAULT 7, ADD COLUMN none int;
INSERT INTO grown SELECT '2026-01-05', i, 9 FROM generate_series(0, 2) i;
SELECT compress_chunk(c, true) FROM show_chunks('grown', newer_than => '2026-01-04'::date) c;
"""
_INSIDE = """
CREATE TABLE _timescaledb_internal.kept (n serial PRIMARY KEY);
CREATE VIEW _timescaledb_internal.seen AS SELECT 1 AS one;
CREATE FUNCTION _timescaledb_functions.own(a int) RETURNS int LANGUAGE sql AS 'SELECT 1';
CREATE TYPE _timescaledb_internal.mood AS ENUM ('good');
"""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def sample() -> AsyncIterator[Endpoint]:
    async with database(named(SOURCE), community=True) as end:
        async with connected(end) as connection:
            await connection.execute("SET search_path = public")
            for script in (_OIDS, _ADDED, _INSIDE):
                await connection.execute(script.encode())
        yield end


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def found(sample: Endpoint) -> Hazards:
    async with connected(sample) as connection:
        return await read_hazards(connection, await read_shape(connection))


async def test_object_ids_at_any_depth_of_compressed_columns(found: Hazards) -> None:
    assert found.compressed_oids == tuple(
        f"public.audit.{column}" for column in ("by_domain", "deep", "deeper", "many", "plain")
    )


async def test_values_that_only_the_catalog_of_the_chunk_has(
    sample: Endpoint, found: Hazards
) -> None:
    (added,) = found.missing_values
    assert (added.hypertable, added.column, added.rows) == ("public.grown", "added", 48)
    assert len(added.chunks) == 2
    async with connected(sample) as connection:
        assert await value(connection, "SELECT sum(added) FROM public.grown") == 48 * 7 + 3 * 9


async def test_objects_of_the_user_in_schemas_of_the_extension(found: Hazards) -> None:
    inside = {(one.kind, one.identity) for one in found.in_extension_schemas}
    assert inside == {
        ("table", "_timescaledb_internal.kept"),
        ("sequence", "_timescaledb_internal.kept_n_seq"),
        ("view", "_timescaledb_internal.seen"),
        ("function", "_timescaledb_functions.own(integer)"),
        ("type", "_timescaledb_internal.mood"),
    }


async def test_tables_and_chunks_with_an_access_method_of_their_own(sample: Endpoint) -> None:
    async with connected(sample) as connection, connection.transaction(force_rollback=True):
        if not await value(connection, "SELECT count(*) FROM pg_am WHERE amname = 'hypercore'"):
            pytest.skip("this TimescaleDB has no access method of its own")
        await connection.execute(
            "DO $$ BEGIN EXECUTE (SELECT format('ALTER TABLE %s SET ACCESS METHOD hypercore', c) "
            "FROM public.show_chunks('public.grown') c LIMIT 1); END $$"
        )
        found = await read_hazards(connection, await read_shape(connection))
        (chunk,) = [use for use in found.access_methods if use.schema == "_timescaledb_internal"]
        assert (chunk.method, chunk.of) == ("hypercore", "public.grown")
