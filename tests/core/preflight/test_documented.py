"""Every finding that preflight can give is explained in docs/preflight.md, and nothing else."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from tswizard.core import preflight

DOCS = Path(__file__).parents[3] / "docs" / "preflight.md"
_MAKERS = {"passed", "look", "fail", "tell"}


def given() -> Iterator[str]:
    """The ids in the source: the first argument of whatever makes a finding."""
    for file in Path(preflight.__path__[0]).glob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") in _MAKERS:
                id = node.args[0]
                if isinstance(id, ast.Constant):
                    yield str(id.value)
                elif file.name != "words.py":
                    assert ast.unparse(id) == "id"  # of the two below
    yield from ("timescaledb-version", "target-timescaledb-missing")


def test_the_docs_know_every_finding() -> None:
    explained: set[str] = set()
    for line in DOCS.read_text(encoding="utf-8").splitlines():
        if line.startswith("| `"):
            explained |= set(re.findall(r"`([a-z-]+)`", line.split("|")[1]))
    assert explained == set(given())
