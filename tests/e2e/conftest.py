"""A fresh, running embedded pair for each test, or for each module where a test says so."""

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tswizard.demo import EmbeddedPair


@pytest.fixture(scope="session")
def prepared_demo() -> None:
    """The package and the templates are in the cache."""
    asyncio.run(EmbeddedPair.prepare())


@pytest.fixture
async def pair(prepared_demo: None) -> AsyncIterator[EmbeddedPair]:
    """A filled source and an empty target that this test alone uses."""
    async with EmbeddedPair.prepare_and_start() as running:
        yield running


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def module_pair(prepared_demo: None) -> AsyncIterator[EmbeddedPair]:
    """A filled source and an empty target that the tests of a module share."""
    async with EmbeddedPair.prepare_and_start() as running:
        yield running
