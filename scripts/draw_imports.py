"""The house as its imports draw it: `python -m scripts.draw_imports` prints floors and figures.

A room is what lies directly in `tswizard` or in `tswizard.core`: a package with all that is in it,
or a single module. An arrow leads from a room to one that it imports; a room stands one floor above
the highest one that it imports. What lies inside a room has no circles either: import-linter's
contracts in pyproject.toml say so.
"""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter

from grimp import ImportGraph, build_graph

_ROOT = "tswizard"
_ENGINE = "core"


@dataclass(frozen=True, slots=True)
class House:
    """Rooms, and what each imports."""

    arrows: Mapping[str, frozenset[str]]

    @classmethod
    def of(cls, graph: ImportGraph) -> "House":
        arrows = defaultdict[str, set[str]](set)
        for module in graph.modules - {_ROOT, f"{_ROOT}.{_ENGINE}"}:
            room = room_of(module)
            arrows[room] |= {
                room_of(imported) for imported in graph.find_modules_directly_imported_by(module)
            } - {room, ""}
        return cls({room: frozenset(others) for room, others in arrows.items()})

    @property
    def circle(self) -> tuple[str, ...]:
        """Rooms that import each other in turn, the first again at the end; empty without any."""
        try:
            TopologicalSorter(self.arrows).prepare()
        except CycleError as error:
            return tuple(reversed(error.args[1]))
        return ()

    @property
    def floors(self) -> list[list[str]]:
        """The rooms of each floor, the lowest first. Raises CycleError."""
        heights: dict[str, int] = {}
        for room in TopologicalSorter(self.arrows).static_order():
            heights[room] = 1 + max((heights[other] for other in self.arrows[room]), default=0)
        floors: list[list[str]] = [[] for _ in range(max(heights.values(), default=0))]
        for room, height in sorted(heights.items()):
            floors[height - 1].append(room)
        return floors


def room_of(module: str) -> str:
    """The room that a module lies in, without the program's own name; empty for the program."""
    parts = module.split(".")[1:]
    return ".".join(parts[: 2 if parts[:1] == [_ENGINE] else 1])


def read_house() -> House:
    """The house as it stands."""
    return House.of(build_graph(_ROOT, cache_dir=None))


def draw(house: House) -> str:
    """Floors from the roof down, each room with what it imports, and the figures."""
    figures = f"{len(house.arrows)} rooms, {sum(map(len, house.arrows.values()))} arrows"
    if circle := house.circle:
        return f"{figures}, a circle: {' → '.join(circle)}\n"
    lines = []
    floors = house.floors
    for height, rooms in reversed(list(enumerate(floors, 1))):
        for room in rooms:
            imported = ", ".join(sorted(house.arrows[room])) or "nothing"
            lines.append(f"{height:3}  {room:18} imports {imported}")
    return "\n".join([*lines, f"{figures}, {len(floors)} floors, no circle", ""])


if __name__ == "__main__":
    print(draw(read_house()), end="")
