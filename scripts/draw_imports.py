"""The layout as the imports draw it: `python -m scripts.draw_imports` prints layers and figures.

A package is what lies directly in `tswizard` or in `tswizard.core`, with all that is in it; a
single module counts as one. An arrow leads from a package to one that it imports; a package is one
layer above the highest one that it imports. What lies inside a package has no circles either:
import-linter's contracts in pyproject.toml say so.
"""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter

from grimp import ImportGraph, build_graph

_ROOT = "tswizard"
_ENGINE = "core"


@dataclass(frozen=True, slots=True)
class Layout:
    """Packages, and what each imports."""

    arrows: Mapping[str, frozenset[str]]

    @classmethod
    def of(cls, graph: ImportGraph) -> "Layout":
        arrows = defaultdict[str, set[str]](set)
        for module in graph.modules - {_ROOT, f"{_ROOT}.{_ENGINE}"}:
            package = package_of(module)
            arrows[package] |= {
                package_of(imported) for imported in graph.find_modules_directly_imported_by(module)
            } - {package, ""}
        return cls({package: frozenset(others) for package, others in arrows.items()})

    @property
    def circle(self) -> tuple[str, ...]:
        """Packages that import each other in turn, the first again at the end; empty without
        any."""
        try:
            TopologicalSorter(self.arrows).prepare()
        except CycleError as error:
            return tuple(reversed(error.args[1]))
        return ()

    @property
    def layers(self) -> list[list[str]]:
        """The packages of each layer, the lowest first. Raises CycleError."""
        heights: dict[str, int] = {}
        for package in TopologicalSorter(self.arrows).static_order():
            below = (heights[other] for other in self.arrows[package])
            heights[package] = 1 + max(below, default=0)
        layers: list[list[str]] = [[] for _ in range(max(heights.values(), default=0))]
        for package, height in sorted(heights.items()):
            layers[height - 1].append(package)
        return layers


def package_of(module: str) -> str:
    """The package that a module lies in, without the program's own name; empty for the program."""
    parts = module.split(".")[1:]
    return ".".join(parts[: 2 if parts[:1] == [_ENGINE] else 1])


def read_layout() -> Layout:
    """The layout as it is."""
    return Layout.of(build_graph(_ROOT, cache_dir=None))


def draw(layout: Layout) -> str:
    """Layers from top to bottom, each package with what it imports, and the figures."""
    figures = f"{len(layout.arrows)} packages, {sum(map(len, layout.arrows.values()))} arrows"
    if circle := layout.circle:
        return f"{figures}, a circle: {' → '.join(circle)}\n"
    lines = []
    layers = layout.layers
    for height, packages in reversed(list(enumerate(layers, 1))):
        for package in packages:
            imported = ", ".join(sorted(layout.arrows[package])) or "nothing"
            lines.append(f"{height:3}  {package:18} imports {imported}")
    return "\n".join([*lines, f"{figures}, {len(layers)} layers, no circle", ""])


if __name__ == "__main__":
    print(draw(read_layout()), end="")
