"""Servers to read: the embedded pair and, where the environment names them, native ones."""

import os
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.e2e.conftest import module_pair, prepared_demo
from tswizard.core.endpoint import Endpoint
from tswizard.demo import EmbeddedPair

__all__ = ["module_pair", "prepared_demo"]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def embedded(module_pair: EmbeddedPair) -> AsyncIterator[Endpoint]:
    """The embedded source."""
    yield Endpoint.parse(module_pair.source_conninfo, password=module_pair.source_password)


@pytest.fixture(scope="module")
def native() -> Endpoint:
    """A source of the environment's choice, read and never written to."""
    return named("TSWIZARD_TEST_SOURCE")


def named(variable: str) -> Endpoint:
    """The endpoint in an environment variable; skips without it."""
    if not os.environ.get(variable):
        pytest.skip(f"{variable} names no server")
    return Endpoint.parse(os.environ[variable])


@pytest.fixture(
    scope="module",
    params=[
        pytest.param("embedded", marks=pytest.mark.e2e),
        pytest.param("native", marks=pytest.mark.native),
    ],
)
def source(request: pytest.FixtureRequest) -> Endpoint:
    """Each source there is, in turn."""
    found: Endpoint = request.getfixturevalue(request.param)
    return found
