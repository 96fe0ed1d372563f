"""The house keeps its shape: floors, no circles, one meaning a name."""

from pathlib import Path

import pytest

from scripts.draw_imports import House, draw, read_house
from scripts.duplicate_names import duplicates


@pytest.fixture(scope="module")
def house() -> House:
    return read_house()


def test_no_rooms_import_each_other_and_the_floors_can_be_counted(house: House) -> None:
    assert house.circle == (), draw(house)
    assert len(house.floors) <= 14, draw(house)


def test_the_methods_know_nothing_of_each_other_and_the_runner_knows_neither(house: House) -> None:
    methods = {"core.full", "core.split"}
    for room in ("core.run", "core.full", "core.split"):
        assert not house.arrows[room] & methods, draw(house)


def test_no_public_name_of_the_engine_is_defined_twice(tmp_path: Path) -> None:
    assert duplicates() == {}
    for module in ("one", "two"):
        (tmp_path / f"{module}.py").write_text("def copy() -> None: ...\n_own = NAMED = 1\n")
    assert duplicates(tmp_path) == {"NAMED": ["one.py", "two.py"], "copy": ["one.py", "two.py"]}


def test_a_circle_is_found_and_drawn() -> None:
    circle = House({"a": frozenset("b"), "b": frozenset("c"), "c": frozenset("a")})
    assert circle.circle[0] == circle.circle[-1]
    assert draw(circle).startswith("3 rooms, 3 arrows, a circle: ")


def test_no_public_name_of_the_engine_means_two_things() -> None:
    assert duplicates() == {}
