"""Who waits for a connection that does nothing is sent away after a while, never left hanging."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from psycopg import AsyncConnection, OperationalError, errors

from tests.support.embedded import Connect, empty_server
from tswizard.core.db.connection import value
from tswizard.demo.server import EmbeddedServer

pytestmark = pytest.mark.e2e


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[EmbeddedServer]:
    """One at which waiting ends soon, but later than a busy machine needs for a statement."""
    server = await empty_server(tmp_path_factory.mktemp("impatient"), wait_timeout=3)
    await server.start()
    yield server
    server.kill()


async def test_nobody_waits_for_ever(connect: Connect, holder: AsyncConnection) -> None:
    other = await connect()
    with pytest.raises(errors.LockNotAvailable, match="one backend for all"):
        await other.execute("INSERT INTO held VALUES (2)")
    await holder.commit()
    await other.execute("INSERT INTO held VALUES (3)")
    assert await value(holder, "SELECT array_agg(n ORDER BY n) FROM held") == [1, 3]


async def test_nobody_waits_for_ever_for_a_copy(connect: Connect) -> None:
    holder, other = await connect(), await connect()
    await holder.execute("CREATE TABLE copied (n int)")
    async with holder.cursor().copy(b"COPY copied FROM STDIN") as copy:
        await copy.write(b"1\n")
        with pytest.raises(errors.LockNotAvailable):
            await other.execute("SELECT 1")
        await copy.write(b"2\n")
    assert await value(other, "SELECT sum(n) FROM copied") == 3


async def test_a_login_is_refused_rather_than_left_hanging(
    connect: Connect, holder: AsyncConnection
) -> None:
    with pytest.raises(errors.DivisionByZero):
        await holder.execute("SELECT 1/0")
    with pytest.raises(OperationalError, match="one backend for all"):
        await connect()
    await holder.rollback()


async def test_a_slow_reader_gets_everything(connect: Connect) -> None:
    """It is more than the server holds; the reader begins only when others were sent away."""
    reader, other = await connect(), await connect()
    rows = 40_000
    async with reader.cursor().copy(
        f"COPY (SELECT repeat('y', 999) FROM generate_series(1, {rows})) TO STDOUT".encode()
    ) as copy:
        with pytest.raises(errors.LockNotAvailable):
            await other.execute("SELECT 1")
        received = sum([len(piece) async for piece in copy])
    assert received == rows * 1000
    assert await value(other, "SELECT 1") == 1
