"""What needs servers with real concurrency: snapshots, cancelling, connections that break."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace

import pytest
from psycopg import sql

from tests.support.native import databases
from tswizard.core.catalog.catalog_shape import read_shape
from tswizard.core.catalog.read import read_inventory, read_server
from tswizard.core.db.connection import Connection, connected, value
from tswizard.core.verify.database_reader import open_reader
from tswizard.core.verify.request import VerifyJob, VerifyStopped
from tswizard.core.verify.rows.compare import RowComparison, SetResult, no_pause
from tswizard.core.verify.rows.row_sets import RowSet, read_sets
from tswizard.core.verify.rows.write_counters import read_counters
from tswizard.core.verify.rows.written_since import newer_rows

pytestmark = pytest.mark.native

_BUSY = """
SELECT count(*) FROM pg_stat_activity
WHERE datname = current_database() AND application_name = 'tswizard' AND state = 'active'
  AND query LIKE '%hash_array_extended%' AND pid <> pg_backend_pid()
"""


@dataclass(frozen=True)
class Ends:
    job: VerifyJob
    source: Connection
    target: Connection

    async def sets(self) -> tuple[RowSet, ...]:
        async with connected(self.job.source) as source:  # a test asks on the other one meanwhile
            found = await read_sets(source, await read_shape(source))
        return tuple(rows for rows in found if rows.schema == "verify_native")

    async def compare(self, job: VerifyJob) -> tuple[SetResult, ...]:
        comparison = RowComparison(job, await self.sets(), lambda _progress: None, no_pause)
        await comparison.run()
        return comparison.results


@pytest.fixture
async def ends() -> AsyncIterator[Ends]:
    """Two servers with equal tables: a hypertable of two chunks and a plain table."""
    async with AsyncExitStack() as stack:
        source, target = await stack.enter_async_context(databases())
        both = [await stack.enter_async_context(connected(end)) for end in (source, target)]
        for connection in both:
            await connection.execute("SET client_min_messages = error")
            await connection.execute("CREATE SCHEMA verify_native")
            await connection.execute(
                "CREATE TABLE verify_native.ht (t timestamptz NOT NULL, v int)"
            )
            await connection.execute(
                "SELECT public.create_hypertable('verify_native.ht', 't', "
                "chunk_time_interval => interval '1 day')"
            )
            await connection.execute(
                "INSERT INTO verify_native.ht SELECT '2024-01-01 00:00+00'::timestamptz "
                "+ g * interval '1 minute', g FROM generate_series(0, 2879) g"
            )
            await connection.execute("CREATE TABLE verify_native.plain (id int, t text)")
            await connection.execute(
                "INSERT INTO verify_native.plain SELECT g, repeat('x', 300) "
                "FROM generate_series(1, 200000) g"
            )
        job = VerifyJob(
            source=source,
            target=target,
            inventory=await read_inventory(source),
            target_server=await read_server(target),
        )
        yield Ends(job, *both)


async def _flush(connection: Connection) -> None:
    """A server tells of writes with a delay, unless it is told to hurry."""
    await connection.execute("SELECT pg_catalog.pg_stat_force_next_flush()")
    await connection.execute("SELECT 1")


async def test_with_a_snapshot_later_writes_do_not_differ_and_are_counted(ends: Ends) -> None:
    await _flush(ends.source)
    before = await read_counters(ends.source)
    async with connected(ends.job.source) as holder:
        await holder.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
        snapshot = await value(holder, "SELECT pg_catalog.pg_export_snapshot()")
        await ends.source.execute(
            "INSERT INTO verify_native.ht SELECT '2024-01-02 12:00:30+00'::timestamptz "
            "+ g * interval '1 day', 0 FROM generate_series(0, 4) g"
        )
        await ends.source.execute("UPDATE verify_native.plain SET t = 'y' WHERE id = 1")
        await _flush(ends.source)
        job = replace(ends.job, snapshot=snapshot, counters_before=before, workers=3)
        results = await _at(ends, job, holder)
        assert [r.equal for r in results] == [True, True]
        async with (
            open_reader("source", job.source, snapshot) as then,
            open_reader("source", job.source) as now,
        ):
            known = [result.rows for result in results]
            newer = await newer_rows(job, results, known, (then, now), altered=False)
    assert newer["verify_native", "ht"].rows == 5
    assert newer["verify_native", "ht"].inserted == 5
    assert newer["verify_native", "ht"].show == (
        'SELECT * FROM "verify_native"."ht" WHERE "t" > \'2024-01-02 23:59:00+00\';'
    )
    assert newer["verify_native", "plain"].rows == 0
    assert newer["verify_native", "plain"].updated == 1
    with pytest.raises(VerifyStopped, match="snapshot"):
        await ends.compare(job)


async def _at(ends: Ends, job: VerifyJob, holder: Connection) -> tuple[SetResult, ...]:
    """The comparison with the tables as the snapshot's own transaction sees them."""
    found = await read_sets(holder, await read_shape(holder))
    own = tuple(rows for rows in found if rows.schema == "verify_native")
    comparison = RowComparison(job, own, lambda _progress: None, no_pause)
    await comparison.run()
    return comparison.results


async def test_cancelled_it_leaves_no_query_behind(ends: Ends) -> None:
    await ends.source.execute(
        "INSERT INTO verify_native.plain SELECT g, repeat('z', 300) "
        "FROM generate_series(1, 1500000) g"
    )
    task = asyncio.create_task(ends.compare(ends.job))
    while not await value(ends.source, _BUSY):
        assert not task.done()
        await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await value(ends.source, _BUSY) == 0
    assert await value(ends.target, _BUSY) == 0


async def test_a_connection_that_breaks_is_opened_again(ends: Ends) -> None:
    task = asyncio.create_task(ends.compare(replace(ends.job, workers=2)))
    killed = 0
    kill = sql.SQL(_BUSY.replace("count(*)", "count(pg_terminate_backend(pid))"))
    while not killed and not task.done():
        killed = await value(ends.source, kill)
        await asyncio.sleep(0)
    results = await task
    assert killed
    assert [r.equal for r in results] == [True, True]
