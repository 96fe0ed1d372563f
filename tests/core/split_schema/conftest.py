"""Both ends, embedded and native: shared by a module's tests, or for one test alone."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.support.hard_schema import Ends, hard_ends

_PARAMS = [
    pytest.param(False, id="embedded", marks=pytest.mark.e2e),
    pytest.param(True, id="native", marks=pytest.mark.native),
]


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=_PARAMS)
async def ends(request: pytest.FixtureRequest, prepared_sample: None) -> AsyncIterator[Ends]:
    """For all tests of a module."""
    async with hard_ends(native=request.param) as found:
        yield found


@pytest.fixture(params=_PARAMS)
async def fresh_ends(request: pytest.FixtureRequest, prepared_sample: None) -> AsyncIterator[Ends]:
    """For one test alone."""
    async with hard_ends(native=request.param) as found:
        yield found


@pytest.fixture
async def native_ends() -> AsyncIterator[Ends]:
    """For a test that needs real concurrency."""
    async with hard_ends(native=True) as found:
        yield found
