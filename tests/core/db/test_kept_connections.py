"""Connections that are used again: as good as new ones, and only where they are usable."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from psycopg import Error
from psycopg.errors import DivisionByZero

from tests.support.native import database, databases, named
from tswizard.core.catalog.catalog_shape import read_shape
from tswizard.core.db.connection import (
    Connection,
    atomically,
    batch,
    connected,
    enter_snapshot,
    value,
)
from tswizard.core.db.endpoint import Endpoint
from tswizard.core.db.kept_connections import keeping_connections

pytestmark = [pytest.mark.native]


@pytest.fixture
async def server() -> AsyncIterator[Endpoint]:
    async with database(named("TSWIZARD_TEST_TARGET")) as end:
        yield end


async def _pid(connection: Connection) -> int:
    return int(await value(connection, "SELECT pg_catalog.pg_backend_pid()"))


async def _used(server: Endpoint, *, row_security: bool = True, fresh: bool = False) -> int:
    async with connected(server, row_security=row_security, fresh=fresh) as connection:
        return await _pid(connection)


async def _two(server: Endpoint) -> set[int]:
    """Two are known from here on: a third is never opened while one is idle."""
    async with connected(server) as first, connected(server) as second:
        return {await _pid(first), await _pid(second)}


async def test_used_again_in_the_block_only(server: Endpoint) -> None:
    assert await _used(server) != await _used(server)
    async with keeping_connections():
        known = await _two(server)
        assert {await _used(server) for _ in range(5)} <= known


async def test_a_session_begins_as_a_new_one(server: Endpoint) -> None:
    left = (
        "SET search_path = public",
        "SET TimeZone = 'Asia/Tokyo'",
        "SET application_name = 'other'",
        "SELECT pg_catalog.set_config('tswizard.mark', 'here', false)",
        "CREATE TEMP TABLE t (x int)",
        "SELECT pg_catalog.pg_advisory_lock(7)",
        "SET ROLE pg_monitor",
    )
    asked = """
SELECT pg_catalog.current_setting('search_path'), pg_catalog.current_setting('TimeZone'),
  pg_catalog.current_setting('application_name'), pg_catalog.current_setting('jit'),
  COALESCE(pg_catalog.current_setting('tswizard.mark', true), ''),
  pg_catalog.to_regclass('pg_temp.t'), CURRENT_USER = SESSION_USER,
  (SELECT pg_catalog.count(*) FROM pg_catalog.pg_locks
    WHERE locktype = 'advisory' AND pid = pg_catalog.pg_backend_pid()),
  pg_catalog.current_setting('client_connection_check_interval', true)
"""
    async with connected(server) as connection:
        new = (await batch(connection, (asked,)))[0]
    async with keeping_connections():
        known = await _two(server)
        for _ in known:
            async with connected(server) as connection:
                await batch(connection, left)
        for _ in known:
            async with connected(server) as connection:
                assert await _pid(connection) in known
                assert (await batch(connection, (asked,)))[0] == new


async def test_what_was_begun_is_committed_or_rolled_back(server: Endpoint) -> None:
    async with keeping_connections():
        known = await _two(server)
        async with connected(server) as connection:
            await batch(connection, ("BEGIN", "CREATE TABLE public.kept (x int)"))
        async with connected(server) as connection:
            assert await _pid(connection) in known
            assert await value(connection, "SELECT pg_catalog.to_regclass('public.kept')")
        with pytest.raises(DivisionByZero):
            async with connected(server) as connection:
                failed = await _pid(connection)
                await batch(connection, ("BEGIN", "DROP TABLE public.kept"))
                await connection.execute("SELECT 1 / 0")
        for _ in range(4):
            async with connected(server) as connection:
                assert await _pid(connection) != failed
                assert await value(connection, "SELECT pg_catalog.to_regclass('public.kept')")


async def test_one_that_the_server_ended_is_not_used(server: Endpoint) -> None:
    async with keeping_connections():
        known = await _two(server)
        async with database(named("TSWIZARD_TEST_TARGET")) as other, connected(other) as killer:
            for pid in known:
                await killer.execute("SELECT pg_catalog.pg_terminate_backend(%s, 10000)", (pid,))
        assert await _used(server) not in known


async def test_a_fresh_one_makes_the_others_obsolete(server: Endpoint) -> None:
    async with keeping_connections():
        known = await _two(server)
        fresh = await _used(server, fresh=True)
        assert fresh not in known
        assert not {await _used(server) for _ in range(4)} & known


async def test_without_row_security_it_is_another_one(server: Endpoint) -> None:
    async with keeping_connections():
        known = await _two(server)
        async with connected(server, row_security=False) as connection:
            assert await value(connection, "SELECT pg_catalog.current_setting('row_security')") == (
                "off"
            )
            assert await _pid(connection) not in known


async def test_a_snapshot_ends_with_its_use(server: Endpoint) -> None:
    async with keeping_connections():
        await _two(server)
        async with connected(server) as connection:
            await enter_snapshot(connection, None)
            await value(connection, "SELECT pg_catalog.count(*) FROM pg_catalog.pg_class")
        async with connected(server) as connection:
            query = "SELECT pg_catalog.current_setting('transaction_isolation')"
            assert await value(connection, query) == "read committed"


async def test_tasks_of_the_block_share_them(server: Endpoint) -> None:
    async with keeping_connections():
        known = await _two(server)
        assert await asyncio.create_task(_used(server)) in known


async def test_the_layout_of_the_catalog_is_read_once_in_a_session() -> None:
    async with databases() as (source, _), connected(source) as connection:
        shape = await read_shape(connection)
        assert await read_shape(connection) is shape
        async with connected(source) as another:
            assert await read_shape(another) == shape


async def test_atomically(server: Endpoint) -> None:
    """Within a transaction an error undoes the statements alone, outside of one as well."""
    async with connected(server) as connection:
        await connection.execute("CREATE TABLE public.t (x int PRIMARY KEY)")
        twice = ("INSERT INTO public.t VALUES (1)", "INSERT INTO public.t VALUES (1)")
        for begin, end in ((), ()), (("BEGIN",), ("COMMIT",)):
            await batch(connection, begin)
            with pytest.raises(Error):
                await atomically(connection, twice)
            found = await atomically(connection, ("INSERT INTO public.t VALUES (2)", "SELECT 3"))
            assert found == [[], [(3,)]]
            await batch(connection, end)
            assert await batch(connection, ("TABLE public.t",)) == [[(2,)]]
            await connection.execute("TRUNCATE public.t")
