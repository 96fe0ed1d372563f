"""How often tests with a random part are tried."""

import os


def seeds() -> range:
    """As many as TSWIZARD_TEST_SEEDS says, by default one; or those of a range such as `3-9`."""
    first, _, last = os.environ.get("TSWIZARD_TEST_SEEDS", "1").rpartition("-")
    return range(int(first or 0), int(last) + bool(first))
