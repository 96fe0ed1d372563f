"""Public names that two modules of the engine define: `python -m scripts.duplicate_names`."""

import ast
import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

ENGINE = Path(__file__).parents[1] / "tswizard" / "core"


def duplicates(folder: Path = ENGINE) -> dict[str, list[str]]:
    """Each such name, with the modules that define it."""
    found = defaultdict[str, list[str]](list)
    for path in sorted(folder.rglob("*.py")):
        for name in _defined(ast.parse(path.read_text(encoding="utf-8"))):
            if not name.startswith("_"):
                found[name].append(str(path.relative_to(folder)))
    return {name: paths for name, paths in sorted(found.items()) if len(paths) > 1}


def _defined(module: ast.Module) -> Iterator[str]:
    for node in module.body:
        match node:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                yield name
            case ast.ClassDef(name=name):
                yield name
            case ast.Assign(targets=targets):
                parts = (p for t in targets for p in (t.elts if isinstance(t, ast.Tuple) else [t]))
                yield from (part.id for part in parts if isinstance(part, ast.Name))
            case ast.AnnAssign(target=ast.Name(id=name)):
                yield name


if __name__ == "__main__":
    found = duplicates()
    for name, paths in found.items():
        print(name, *paths)
    sys.exit(bool(found))
