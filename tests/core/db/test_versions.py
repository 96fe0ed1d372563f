import pytest

from tswizard.core.db.versions import between, version_key


def test_numbers_order_as_numbers() -> None:
    versions = ["2.27.1", "2.9.3", "2.20.0-dev", "2.19.3"]
    ordered = ["2.9.3", "2.19.3", "2.20.0-dev", "2.27.1"]
    assert sorted(versions, key=version_key) == ordered


@pytest.mark.parametrize(
    ("version", "inside"),
    [("2.18.2", False), ("2.19.0", True), ("2.20.0", True), ("2.20.1", False), ("2.9.0", False)],
)
def test_a_bug_has_a_first_and_a_fixed_version(version: str, inside: bool) -> None:
    assert between(version, "2.19.0", "2.20.1") is inside
