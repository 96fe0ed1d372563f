"""Servers to read: the embedded pair and, where the environment names them, native ones."""

from collections.abc import AsyncIterator
from contextlib import suppress

import pytest
import pytest_asyncio
from psycopg.errors import DuplicateObject, UniqueViolation

from tests.support.native import SOURCE, community, database, named, need_community
from tswizard.core.db.connection import connected
from tswizard.core.db.endpoint import Endpoint
from tswizard.demo import EmbeddedPair
from tswizard.demo.template import statements


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def embedded(superusers_pair: EmbeddedPair) -> AsyncIterator[Endpoint]:
    """The embedded source."""
    pair = superusers_pair
    yield Endpoint.parse(pair.source_conninfo, password=pair.source_password)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def native() -> AsyncIterator[Endpoint]:
    """A database with real concurrency, filled like the embedded source where it can be."""
    async with database(named(SOURCE)) as end:
        async with connected(end) as connection:
            if await community(end):
                await connection.execute("SET search_path = public")
                for _doing, statement in statements("source"):
                    # The extension; a role of an earlier time, or that is created just now.
                    with suppress(DuplicateObject, UniqueViolation):
                        await connection.execute(statement.encode())
            else:
                await connection.execute("CREATE TABLE public.notes (id int)")
        yield end


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def filled(native: Endpoint) -> Endpoint:
    """The native database, if it holds what the embedded source holds."""
    await need_community(native)
    return native


@pytest.fixture(
    scope="module",
    params=[
        pytest.param("embedded", marks=pytest.mark.e2e),
        pytest.param("filled", marks=pytest.mark.native, id="native"),
    ],
)
def source(request: pytest.FixtureRequest) -> Endpoint:
    """Each source there is, in turn."""
    found: Endpoint = request.getfixturevalue(request.param)
    return found
