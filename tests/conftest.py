"""The order of all tests, and which of them belong together."""

import pytest

_LONGEST = "tests/tui/test_real.py"


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest begins first, so that no worker waits for it alone at the end. Tests that share
    their module's servers stay in one worker, so that these are started once."""
    items.sort(key=lambda item: not item.nodeid.startswith(_LONGEST))
    for item in items:
        if _shares(item):
            item.add_marker(pytest.mark.xdist_group(item.nodeid.partition("::")[0]))


def _shares(item: pytest.Item) -> bool:
    mark = item.get_closest_marker("asyncio")
    loop = mark.kwargs.get("loop_scope") if mark else None
    return loop == "module" or "server" in getattr(item, "fixturenames", ())
