"""The order of all tests."""

import pytest

_LONGEST = "tests/tui/test_real.py"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest begins first, so that no worker waits for it alone at the end."""
    items.sort(key=lambda item: not item.nodeid.startswith(_LONGEST))
