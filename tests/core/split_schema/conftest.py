"""A pair whose source holds what a restore in parts can lose: embedded, and native where named."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
import pytest_asyncio

from tests.e2e.conftest import prepared_demo
from tests.native import databases, need_community
from tswizard.core.db.connection import connected
from tswizard.core.db.endpoint import Endpoint
from tswizard.demo import EmbeddedPair

__all__ = ["ends", "fresh_ends", "native_ends", "prepared_demo"]

HARD = Path(__file__).with_name("hard.sql")
SCHEMAS = ("hard", "hard_chunks")


@dataclass(frozen=True)
class Ends:
    """A source with `hard.sql` in it, and an empty target."""

    source: Endpoint
    target: Endpoint


_PARAMS = [
    pytest.param(False, id="embedded", marks=pytest.mark.e2e),
    pytest.param(True, id="native", marks=pytest.mark.native),
]


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=_PARAMS)
async def ends(request: pytest.FixtureRequest, prepared_demo: None) -> AsyncIterator[Ends]:
    """For all tests of a module."""
    async with _ends(native=request.param) as found:
        yield found


@pytest.fixture(params=_PARAMS)
async def fresh_ends(request: pytest.FixtureRequest, prepared_demo: None) -> AsyncIterator[Ends]:
    """For one test alone."""
    async with _ends(native=request.param) as found:
        yield found


@pytest.fixture
async def native_ends() -> AsyncIterator[Ends]:
    """For a test that needs real concurrency."""
    async with _ends(native=True) as found:
        yield found


@asynccontextmanager
async def _ends(*, native: bool) -> AsyncIterator[Ends]:
    if not native:
        async with EmbeddedPair.prepare_and_start() as pair:
            source = Endpoint.parse(pair.source_conninfo, password=pair.source_password)
            await _load(source)
            target = Endpoint.parse(pair.target_conninfo, password=pair.target_password)
            yield Ends(source, target)
        return
    async with databases() as (source, target):
        await need_community(source, target)
        await _load(source)
        yield Ends(source, target)


async def _load(source: Endpoint) -> None:
    """Statement by statement: an ALTER TABLE meets no trigger events of an INSERT before it."""
    async with connected(source) as connection:
        await connection.execute("SET search_path = public")
        for statement in HARD.read_text(encoding="utf-8").split(";\n"):
            await connection.execute(statement.encode())
