"""The embedded pair for whoever asks, the order of all tests, and what none may hang on."""

import asyncio
import gc
import os
import signal
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from hypothesis import HealthCheck, settings

from tests.support.embedded import SMALL, pair_of_superusers, small_pair
from tswizard.demo import EmbeddedPair

# How long an example takes says how busy the machine is. In CI the examples are the same each time:
# it says whether a change is good, and whoever looks for new ones runs the tests without it.
settings.register_profile(
    "tests",
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    derandomize=bool(os.environ.get("CI")),
)
settings.load_profile("tests")

# A shell has its background jobs ignore Ctrl+C, and so would every program that a test starts.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

_LONGEST = "tests/tui/test_real.py"
_LONG = "tests/e2e/"


@pytest.fixture(scope="session")
def prepared_sample() -> None:
    """The package and the templates of the small sample are in the cache."""
    asyncio.run(EmbeddedPair.prepare(sample=SMALL))


@pytest.fixture
async def pair(prepared_sample: None) -> AsyncIterator[EmbeddedPair]:
    """A filled source and an empty target that this test alone uses."""
    async with small_pair() as running:
        yield running


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def module_pair(prepared_sample: None) -> AsyncIterator[EmbeddedPair]:
    """A filled source and an empty target that the tests of a module share."""
    async with small_pair() as running:
        yield running


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def superusers_pair(prepared_sample: None) -> AsyncIterator[EmbeddedPair]:
    """The same with a superuser, for what the cloud's role may not do."""
    async with pair_of_superusers() as running:
        yield running


def pytest_collection_finish() -> None:
    """What was collected lives until the end. To walk through all of it over and over, as a screen
    is drawn, was an eighth of what the tests of screens cost."""
    gc.collect()
    gc.freeze()


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest begins first; while it makes the sample, others do what needs no servers. Then
    the long ones, so that none is left alone at the end. Tests that share their module's or their
    package's servers stay in one worker, so that these are started once."""
    items.sort(key=_place)
    if "PYTEST_XDIST_WORKER" in os.environ:
        for item in items:
            if item.get_closest_marker("alone"):
                item.add_marker(pytest.mark.skip("it disturbs others: run it without -n"))
    for item in items:
        if group := _group(item):
            item.add_marker(pytest.mark.xdist_group(group))


def _place(item: pytest.Item) -> int:
    if item.nodeid.startswith(_LONGEST):
        return 0
    if not any(item.iter_markers("e2e")) and not any(item.iter_markers("native")):
        return 1
    return 2 if item.nodeid.startswith(_LONG) else 3


def _group(item: pytest.Item) -> str:
    """The module or the package whose servers a test shares; empty when it shares none."""
    mark = item.get_closest_marker("asyncio")
    loop = mark.kwargs.get("loop_scope") if mark else None
    module = item.nodeid.partition("::")[0]
    if loop == "package":
        return module.rpartition("/")[0]
    return module if loop == "module" or "server" in getattr(item, "fixturenames", ()) else ""
