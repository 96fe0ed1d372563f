"""Embedded servers by themselves: one for a module, or as many as a test asks for."""

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest
import pytest_asyncio
from psycopg import AsyncConnection
from psycopg.conninfo import make_conninfo

from tswizard.demo import EmbeddedPair
from tswizard.demo.node import find_node
from tswizard.demo.package import ensure_package
from tswizard.demo.progress import ignore_progress
from tswizard.demo.server import EmbeddedServer, Runtime
from tswizard.demo.template import TARGET, copy_template, templates

Connect = Callable[..., Awaitable[AsyncConnection]]
NewServer = Callable[[], Awaitable[EmbeddedServer]]


async def new_runtime() -> Runtime:
    node = find_node()
    return Runtime(node, await ensure_package(node, ignore_progress))


async def empty_server(folder: Path, *, patience: float = 15) -> EmbeddedServer:
    """A server, not started yet, on a copy of the empty target."""
    runtime = await new_runtime()
    async with templates(runtime, ignore_progress) as ready:
        data_dir = await copy_template(ready, TARGET, folder)
    return EmbeddedServer(runtime, data_dir, "tsdb", patience=patience)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[EmbeddedServer]:
    """A running server with an empty database, shared by a module."""
    server = await empty_server(tmp_path_factory.mktemp("server"), patience=2)
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
async def pair() -> AsyncIterator[EmbeddedPair]:
    """A filled source and an empty target of one test alone."""
    async with EmbeddedPair.prepare_and_start() as running:
        yield running


async def value(connection: AsyncConnection, sql: str) -> object:
    """The one value that a query gives."""
    row = await (await connection.execute(sql.encode())).fetchone()
    assert row is not None
    return row[0]
