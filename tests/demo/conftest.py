"""One embedded server for a module, or one for a test alone."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from psycopg import AsyncConnection
from psycopg.conninfo import make_conninfo

from tests.support.embedded import Connect, empty_server
from tswizard.demo.server import EmbeddedServer


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[EmbeddedServer]:
    """A running server with an empty database, shared by a module; however busy the machine is,
    nobody who waits there is sent away."""
    server = await empty_server(tmp_path_factory.mktemp("server"), wait_timeout=120)
    await server.start()
    yield server
    server.kill()


@pytest.fixture
async def own_server(tmp_path: Path) -> AsyncIterator[EmbeddedServer]:
    """A running server with an empty database, of one test alone."""
    server = await empty_server(tmp_path)
    await server.start()
    yield server
    server.kill()


@pytest.fixture
async def connect(server: EmbeddedServer) -> AsyncIterator[Connect]:
    """Opens connections to the shared server and closes them all."""
    opened: list[AsyncConnection] = []

    async def open_one(*, autocommit: bool = True, **parameters: str) -> AsyncConnection:
        settings = {"password": server.password} | parameters
        connection = await AsyncConnection.connect(
            make_conninfo(server.conninfo, **settings), autocommit=autocommit
        )
        opened.append(connection)
        return connection

    yield open_one
    for connection in opened:
        await connection.close()


@pytest.fixture
async def holder(connect: Connect) -> AsyncConnection:
    """A connection with an open transaction that has written something."""
    connection = await connect(autocommit=False)
    await connection.execute("CREATE TABLE IF NOT EXISTS held (n int)")
    await connection.commit()
    await connection.execute("DELETE FROM held")
    await connection.execute("INSERT INTO held VALUES (1)")
    return connection
