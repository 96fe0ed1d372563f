"""What others can do while one connection holds its transaction open."""

import asyncio

import pytest
from psycopg import AsyncConnection, errors

from tests.support.embedded import Connect
from tswizard.core.db.connection import value

pytestmark = pytest.mark.e2e


async def test_others_can_connect_and_read(connect: Connect, holder: AsyncConnection) -> None:
    other = await connect(application_name="beside")
    assert await value(other, "SELECT pg_backend_pid()") == holder.info.backend_pid
    assert await value(other, "SHOW application_name") == "beside"
    assert await value(other, "SELECT current_setting('is_superuser')") == "off"
    assert (await (await other.execute("SELECT %s::int", (3,))).fetchone()) == (3,)
    await holder.commit()
    assert await value(holder, "SELECT count(*) FROM held") == 1


async def test_an_error_beside_leaves_the_holder_alone(
    connect: Connect, holder: AsyncConnection
) -> None:
    other = await connect()
    with pytest.raises(errors.DivisionByZero):
        await other.execute("SELECT 1/0")
    assert await value(holder, "SELECT count(*) FROM held") == 1
    await holder.commit()


async def test_settings_made_beside_are_kept(connect: Connect, holder: AsyncConnection) -> None:
    other = await connect()
    await other.execute("SET work_mem = '11MB'")
    assert await value(other, "SHOW work_mem") == "11MB"
    assert await value(holder, "SHOW work_mem") == "4MB"
    await holder.commit()
    assert await value(other, "SHOW work_mem") == "11MB"
    assert await value(holder, "SHOW work_mem") == "4MB"


@pytest.mark.parametrize(
    "write",
    [
        "INSERT INTO held VALUES (2)",
        "WITH new AS (INSERT INTO held VALUES (2) RETURNING n) SELECT n FROM new",
        "SELECT 1; INSERT INTO held VALUES (2)",
    ],
)
async def test_a_write_waits_for_the_holder(
    connect: Connect, holder: AsyncConnection, write: str
) -> None:
    other = await connect()
    writing = asyncio.create_task(other.execute(write.encode()))
    assert await value(await connect(), "SELECT 1") == 1  # the write is in the queue by now
    assert not writing.done()
    await holder.commit()
    await writing
    assert await value(holder, "SELECT count(*) FROM held") == 2
    await holder.rollback()


async def test_functions_of_timescaledb_that_write_wait_too(
    connect: Connect, holder: AsyncConnection
) -> None:
    await holder.commit()
    await holder.execute("CREATE TABLE later (t timestamptz NOT NULL)")
    await holder.commit()
    await value(holder, "SELECT count(*) FROM held")
    other = await connect()
    waiting = asyncio.create_task(other.execute("SELECT create_hypertable('later', 't')"))
    assert await value(await connect(), "SELECT 1") == 1
    await holder.commit()
    await waiting
    count = "SELECT count(*) FROM timescaledb_information.hypertables"
    assert await value(other, f"{count} WHERE hypertable_name = 'later'") == 1


async def test_a_prepared_statement_that_writes_waits_too(
    connect: Connect, holder: AsyncConnection
) -> None:
    other = await connect()
    insert = b"WITH new AS (INSERT INTO held VALUES (%s) RETURNING n) SELECT n FROM new"
    for parameter in (2, 3):  # prepared by the first, only bound by the second
        await holder.execute("SELECT 1")
        writing = asyncio.create_task(other.execute(insert, (parameter,), prepare=True))
        assert await value(await connect(), "SELECT 1") == 1
        assert not writing.done()
        await holder.commit()
        await writing
    assert await value(holder, "SELECT array_agg(n ORDER BY n) FROM held") == [1, 2, 3]
    await holder.rollback()


async def test_a_prepared_statement_that_reads_is_answered(
    connect: Connect, holder: AsyncConnection
) -> None:
    other = await connect()
    for parameter in (2, 3):
        row = await (await other.execute("SELECT %s::int", (parameter,), prepare=True)).fetchone()
        assert row == (parameter,)
    await holder.commit()


async def test_waiting_can_be_canceled(connect: Connect, holder: AsyncConnection) -> None:
    other = await connect()
    writing = asyncio.create_task(other.execute("INSERT INTO held VALUES (9)"))
    assert await value(await connect(), "SELECT 1") == 1
    await other.cancel_safe()
    with pytest.raises(errors.QueryCanceled):
        await writing
    await holder.commit()
    assert await value(other, "SELECT count(*) FROM held") == 1


async def test_an_isolation_level_can_still_be_chosen(connect: Connect) -> None:
    """As pg_dump does: its second statement must find a transaction that has read nothing yet."""
    holder, other = await connect(), await connect()
    await holder.execute("BEGIN")
    reading = asyncio.create_task(value(other, "SELECT 1"))
    await holder.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
    await holder.execute("SELECT 1")
    assert await reading == 1
    await holder.execute("COMMIT")
