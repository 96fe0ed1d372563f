"""The order of all tests, which of them belong together, and what none may hang on."""

import pytest
from hypothesis import settings

# How long an example takes says how busy the machine is.
settings.register_profile("tests", deadline=None)
settings.load_profile("tests")

_LONGEST = "tests/tui/test_real.py"
_LONG = "tests/e2e/"


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest begins first; while it makes the sample, others do what needs no servers. Then
    the long ones, so that none is left alone at the end. Tests that share their module's or their
    package's servers stay in one worker, so that these are started once."""
    items.sort(key=_place)
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
