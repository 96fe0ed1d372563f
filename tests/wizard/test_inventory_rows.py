"""What Inspect lists of a source, in words."""

from tests.support.sample_inventory import empty, inventory
from tswizard.wizard.inventory_rows import role_rows


def test_roles_say_whether_the_target_has_them() -> None:
    source = inventory(roles_granted=("app", "reporting"))
    rows = role_rows(source, empty(roles=("tsdbadmin", "app")))
    assert list(rows) == [("app", "yes"), ("reporting", "MISSING")]
