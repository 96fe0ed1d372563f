"""The code keeps its layout: layers, no circles, one meaning a name."""

import ast
import re
from pathlib import Path

import pytest

from scripts.draw_imports import Layout, draw, read_layout
from scripts.duplicate_names import duplicates
from tswizard.core.model.answers import METHOD_NAMES

TESTS = Path(__file__).parent


@pytest.fixture(scope="module")
def layout() -> Layout:
    return read_layout()


def test_no_packages_import_each_other_and_the_layers_can_be_counted(layout: Layout) -> None:
    assert layout.circle == (), draw(layout)
    assert len(layout.layers) <= 14, draw(layout)


def test_the_methods_know_nothing_of_each_other_and_the_runner_knows_neither(
    layout: Layout,
) -> None:
    methods = {f"core.{name}" for name in METHOD_NAMES}
    for package in ("core.run", *methods):
        assert not layout.arrows[package] & methods, draw(layout)


def test_no_public_name_of_the_engine_is_defined_twice(tmp_path: Path) -> None:
    assert duplicates() == {}
    for module in ("one", "two"):
        (tmp_path / f"{module}.py").write_text("def copy() -> None: ...\n_own, NAMED = 1, 2\n")
    assert duplicates(tmp_path) == {"NAMED": ["one.py", "two.py"], "copy": ["one.py", "two.py"]}


def test_a_circle_is_found_and_drawn() -> None:
    circle = Layout({"a": frozenset("b"), "b": frozenset("c"), "c": frozenset("a")})
    assert circle.circle[0] == circle.circle[-1]
    assert draw(circle).startswith("3 packages, 3 arrows, a circle: ")


def _imported(path: Path) -> set[str]:
    found = set[str]()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return {name for name in found if name.startswith("tests.")}


def test_tests_import_no_tests() -> None:
    """But helpers: those of tests/support, and those that lie beside them."""
    wrong = []
    for path in TESTS.rglob("*.py"):
        beside = ".".join(["tests", *path.relative_to(TESTS).parent.parts, ""])
        for name in _imported(path):
            is_test = any(part.startswith("test_") for part in name.split("."))
            if is_test or not name.startswith((beside, "tests.support.")):
                wrong.append(f"{path.relative_to(TESTS)} imports {name}")
    assert wrong == []


def test_only_tests_that_have_the_machine_for_themselves_measure_time() -> None:
    """Processor time, too, is not the same twice where other programs run."""
    clocks = re.compile(r"time\.(process_time|perf_counter)\(\)|\bbegan = time\.monotonic\(\)")
    for path in set(TESTS.rglob("test_*.py")) - {Path(__file__)}:
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                continue
            if node.name.startswith("test_") and clocks.search(ast.unparse(node)):
                marks = {ast.unparse(mark) for mark in node.decorator_list}
                assert "pytest.mark.timing" in marks, f"{path}: {node.name}"


def test_tests_look_only_at_sessions_and_locks_of_their_own_database() -> None:
    """Other tests have theirs on the same server at the same time."""
    shared = re.compile(r"(from|join) (pg_catalog\.)?pg_(locks|stat_activity)\b", re.I)
    own = re.compile(r"\bdatname = |\bpg_backend_pid\(\)")
    wrong = []
    for path in set(TESTS.rglob("*.py")) - {Path(__file__)}:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Constant) or not isinstance(node.value, str):
                continue
            if shared.search(node.value) and not own.search(node.value):
                wrong.append(f"{path.relative_to(TESTS)}:{node.lineno}")
    assert wrong == []


def test_what_has_more_than_four_fields_is_made_by_their_names() -> None:
    """Two strings in a row change places without a type checker's word."""
    wrong = []
    for path in (TESTS.parent / "tswizard").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.ClassDef):
                continue
            made = [d for d in map(ast.unparse, node.decorator_list) if d.startswith("dataclass")]
            fields = [
                field
                for field in node.body
                if isinstance(field, ast.AnnAssign)
                and "ClassVar" not in ast.unparse(field.annotation)
                and "init=False" not in ast.unparse(field)
            ]
            some_are = any("KW_ONLY" in ast.unparse(field) for field in fields)
            if made and len(fields) > 4 and "kw_only=True" not in made[0] and not some_are:
                wrong.append(f"{path}: {node.name}")
    assert wrong == []
