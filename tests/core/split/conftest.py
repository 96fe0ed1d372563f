"""Databases to copy between: on native servers that the environment names, and embedded ones."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from psycopg.errors import InsufficientPrivilege

from tests.support import native
from tests.support.embedded import SMALL
from tests.support.native import database, databases, freeze, named
from tests.support.split_ends import Ends, fill
from tswizard.core.db.endpoint import Endpoint
from tswizard.core.db.private_folder import private_folder
from tswizard.core.split.ledger import leader_lock
from tswizard.demo.cache import cache_dir
from tswizard.demo.node import find_node
from tswizard.demo.package import ensure_package
from tswizard.demo.progress import ignore_progress
from tswizard.demo.server import EmbeddedServer, Runtime
from tswizard.demo.template import TARGET, copy_template, templates


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def templates_there() -> AsyncIterator[tuple[str, str]]:
    """Filled databases on native servers, to be copied for each test; none (empty names) where the
    role may not end TimescaleDB's workers in them."""
    source, target = named(native.SOURCE), named(native.TARGET)
    async with databases() as (here, there):
        await fill(Ends(here, there))
        try:
            names = await freeze(source, here), await freeze(target, there)
        except InsufficientPrivilege:
            names = "", ""
        yield names


@pytest.fixture
async def native_ends(templates_there: tuple[str, str]) -> AsyncIterator[Ends]:
    """Fresh databases on native servers, filled."""
    ours, theirs = templates_there
    async with (
        database(named(native.SOURCE), ours) as here,
        database(named(native.TARGET), theirs) as there,
    ):
        if not ours:
            await fill(Ends(here, there))
        yield Ends(here, there)


@pytest.fixture
async def bare_ends() -> AsyncIterator[Ends]:
    """Fresh databases on native servers, with nothing in them but the extension."""
    async with databases() as (here, there):
        yield Ends(here, there)


@pytest.fixture
def no_lock_timeout(monkeypatch: pytest.MonkeyPatch) -> None:
    """No process was killed: the holder of a lock is alive."""
    monkeypatch.setattr(leader_lock, "DEAD_SESSION_TIMEOUT", 0)


@pytest.fixture
async def embedded_ends(prepared_sample: None) -> AsyncIterator[Ends]:
    """Two embedded servers, filled."""
    node = find_node()
    runtime = Runtime(node, await ensure_package(node, ignore_progress))
    with private_folder(parent=cache_dir() / "pairs") as folder:
        servers = []
        try:
            async with templates(runtime, ignore_progress, SMALL) as ready:
                for side in ("ours", "theirs"):
                    (folder / side).mkdir()
                    await copy_template(ready, TARGET, folder / side)
                    servers.append(EmbeddedServer(runtime, folder / side / TARGET, "tsdb"))
            for server in servers:
                await server.start()
            here, there = (Endpoint.parse(s.conninfo, password=s.password) for s in servers)
            ends = Ends(here, there, concurrent=False)
            await fill(ends)
            yield ends
        finally:
            for server in servers:
                server.kill()


@pytest.fixture(
    params=[
        pytest.param("embedded_ends", marks=pytest.mark.e2e),
        pytest.param("native_ends", marks=pytest.mark.native),
    ],
)
def ends(request: pytest.FixtureRequest) -> Ends:
    """Each available pair of databases in turn."""
    found: Ends = request.getfixturevalue(request.param)
    return found


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder of the test's own."""
    return tmp_path
