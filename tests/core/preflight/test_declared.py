"""What a check declares is what it does, and what the docs say of it."""

import ast
import inspect
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tswizard.core.preflight import check as declaration
from tswizard.core.preflight import checks
from tswizard.core.preflight.check import AnyCheck
from tswizard.core.preflight.checks import CHECKS
from tswizard.questions import question

DOCS = Path(__file__).parents[3] / "docs" / "preflight.md"
PACKAGE = Path(checks.__path__[0])
MAKERS = {"passed", "look", "fail", "tell"}


def functions(file: Path) -> dict[str, ast.FunctionDef | ast.AsyncFunctionDef]:
    nodes = ast.parse(file.read_text(encoding="utf-8")).body
    return {n.name: n for n in nodes if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef)}


def made(file: Path, name: str) -> set[str]:
    """Ids of the findings that a function makes, itself or by the functions that it names."""
    there = functions(file)
    reached, waiting, ids = set[str](), [name], set[str]()
    while waiting:
        current = waiting.pop()
        reached.add(current)
        for node in ast.walk(there[current]):
            if isinstance(node, ast.Name) and node.id in there.keys() - reached:
                waiting.append(node.id)
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") in MAKERS:
                id = node.args[0]
                assert isinstance(id, ast.Constant), f"{file.name}: an id must stand as it is"
                ids.add(str(id.value))
    return ids


def source_of(check: AnyCheck) -> Path:
    return Path(inspect.getsourcefile(check.run) or "")


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: "-or-".join(check.gives))
def test_a_check_declares_every_finding_that_it_makes(check: AnyCheck) -> None:
    assert made(source_of(check), check.run.__name__) == set(check.gives)


def test_every_finding_that_is_made_belongs_to_a_check() -> None:
    for file in PACKAGE.glob("*.py"):
        declared = {id for check in CHECKS if source_of(check) == file for id in check.gives}
        assert {id for name in functions(file) for id in made(file, name)} == declared


def test_what_answers_a_finding_is_a_question() -> None:
    for check in CHECKS:
        assert all(question("answers", key) for key in check.answered_by)


def strings(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


def test_no_other_file_names_a_finding() -> None:
    """Properties of a finding are declared with its check, not listed by id elsewhere."""
    ids = {id for check in CHECKS for id in check.gives if "-" in id}
    package = Path(declaration.__file__).parents[2]
    for file in package.rglob("*.py"):
        if "preflight" not in file.relative_to(package).parts:
            named = ids & set(strings(ast.parse(file.read_text(encoding="utf-8"))))
            assert not named, f"{file} names {named}"


def test_the_docs_know_every_finding_and_nothing_else() -> None:
    assert set(documented()) == {id for check in CHECKS for id in check.gives}


def test_the_docs_mark_what_the_check_at_the_end_settles() -> None:
    marked = {id for id, levels in documented().items() if "look\\*" in levels}
    settled = {id for check in CHECKS if check.settled_by_check for id in check.gives}
    assert marked == settled


def documented() -> dict[str, str]:
    """The levels that the docs give each finding."""
    levels: dict[str, str] = {}
    for line in DOCS.read_text(encoding="utf-8").splitlines():
        if line.startswith("| `"):
            cells = line.split("|")
            levels |= dict.fromkeys(re.findall(r"`([a-z-]+)`", cells[1]), cells[2].strip())
    return levels
