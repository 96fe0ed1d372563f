"""What the docs say of commands, exit codes, packages and tables is what the program has."""

import ast
import inspect
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from scripts import findings_page, man_page
from scripts.draw_imports import read_layout
from tswizard.cli.main import cli
from tswizard.core.catalog import nulls
from tswizard.core.catalog.policy_kinds import PAUSED_ON_SOURCE, POLICY_KINDS, USER_DEFINED
from tswizard.core.classify.rules import default_rules
from tswizard.core.estimate.recommend import REASONS
from tswizard.core.methods import METHODS
from tswizard.core.model.answers import METHOD_NAMES
from tswizard.core.model.object_kinds import GROUPS, OBJECT_KINDS
from tswizard.core.run.context import MethodRun
from tswizard.core.run.method import Method
from tswizard.core.split.plan.packed import Way
from tswizard.exit_codes import Exit
from tswizard.questions import RECOMMENDED, question

ROOT = Path(__file__).parents[1]
COMMANDS = (ROOT / "docs" / "commands.md").read_text(encoding="utf-8")
ARCHITECTURE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
CONTRIBUTING = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")


def test_every_command_and_its_options_are_shown() -> None:
    for name, command in cli.commands.items():
        assert f"\ntswizard {name}" in COMMANDS
        for option in (o for o in command.params if o.opts[0].startswith("--")):
            assert option.opts[0] in COMMANDS, f"{name} {option.opts[0]}"


def test_every_exit_code_is_shown() -> None:
    assert [int(code) for code in re.findall(r"^\| (\d) \|", COMMANDS, re.MULTILINE)] == list(Exit)


def test_the_man_page_is_up_to_date() -> None:
    assert man_page.PAGE.read_text(encoding="utf-8") == man_page.render(), (
        "run: python -m scripts.man_page"
    )


def test_the_page_of_findings_is_up_to_date() -> None:
    assert findings_page.PAGE.read_text(encoding="utf-8") == findings_page.render(), (
        "run: python -m scripts.findings_page"
    )


def _found(recorded: Any) -> Iterator[str]:
    """Ids of the findings in what a run told."""
    match recorded:
        case {"id": str(id), "level": _, "what": _}:
            yield id
        case dict():
            for value in recorded.values():
                yield from _found(value)
        case list():
            for value in recorded:
                yield from _found(value)


def test_every_finding_of_the_recorded_runs_is_on_its_page() -> None:
    page = findings_page.PAGE.read_text(encoding="utf-8")
    recorded = (ROOT / "tests" / "tui" / "recorded").glob("*.json")
    runs = (json.loads(path.read_text(encoding="utf-8")) for path in recorded)
    found = {id for run in runs for id in _found(run)}
    assert len(found) > 50
    assert [id for id in found if f"### {id}\n" not in page and f"| `{id}` |" not in page] == []


def test_every_finding_has_a_sentence_and_what_is_not_fine_says_what_to_do() -> None:
    entries = findings_page.entries().values()
    assert [e.id for e in entries if not all(way.what for way in e.ways)] == []
    assert [
        e.id
        for e in entries
        for way in e.ways
        if set(way.levels) <= {"look", "fail"} and not (way.todo or way.why)
    ] == []


def _steps_of(page: str) -> list[str]:
    """Titles in the table of steps of a page."""
    text = (ROOT / "docs" / page).read_text(encoding="utf-8")
    table = re.search(r"^\| step \|.*\n\|[ -|]*\n((?:\|.*\n)*)", text, re.MULTILINE)
    assert table, page
    return [row.split("|")[1].strip() for row in table[1].splitlines()]


@pytest.mark.parametrize("method", METHODS, ids=lambda method: method.name)
def test_every_step_is_described_in_its_order(method: Method) -> None:
    assert _steps_of(f"{method.name}-migration.md") == [step.title for step in method.steps]


def test_the_page_that_users_follow_is_mapped_to_steps_and_screens() -> None:
    """Whatever is set in italics there."""
    page = (ROOT / "docs" / "from-the-page.md").read_text(encoding="utf-8")
    named = set(re.findall(r"\*([A-Z][^*|]+)\*", page.split("## Before both methods")[1]))
    titles = {step.title for method in METHODS for step in method.steps}
    assert named - titles == {"Inspect", "Method", "Target"}
    assert len(named & titles) > 30


@pytest.mark.parametrize("page", ["README.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md"])
def test_links_of_the_pages_that_are_not_part_of_the_site(page: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    links = [link.partition("#")[0] for link in re.findall(r"\]\((?!https?:)([^)]+)\)", text)]
    assert [link for link in links if link and not (ROOT / link).exists()] == []


def test_the_steps_of_the_schema_are_steps_of_the_split_method() -> None:
    titles = {step.title for method in METHODS if method.name == "split" for step in method.steps}
    described = set(_steps_of("split-schema.md"))
    assert described
    assert described - titles == set()


def test_versions_that_lose_compressed_nulls_are_the_same_everywhere() -> None:
    """In the check of the source, the rule for the error, and both pages."""
    (rule,) = (rule for rule in default_rules().rules if rule.id == "null-column")
    assert f"TimescaleDB {nulls.FIRST} to " in rule.reason
    assert f"{nulls.FIXED} or later" in rule.todo
    range_said = rule.reason.split("TimescaleDB ")[1].split(" cannot")[0]
    rows = (ROOT / "docs" / "preflight.md").read_text(encoding="utf-8").splitlines()
    (row,) = (row for row in rows if row.startswith("| `null-compressed` "))
    assert f"TimescaleDB {range_said} " in row
    assert f"{nulls.FIXED} or later" in row


def test_the_policies_that_are_paused_are_the_same_everywhere() -> None:
    text = (ROOT / "docs" / "policies.md").read_text(encoding="utf-8")
    assert f"jobs that drop or rewrite chunks ({PAUSED_ON_SOURCE})" in " ".join(text.split())


def test_every_kind_of_object_that_is_compared_is_described_and_has_its_line() -> None:
    page = (ROOT / "docs" / "verify.md").read_text(encoding="utf-8")
    listed = " ".join(page.split("## Objects")[1].split("### ")[0].split())
    assert [kind.many for kind in OBJECT_KINDS.values() if kind.many not in listed] == []
    assert {kind.group for kind in OBJECT_KINDS.values()} == set(GROUPS)


def test_the_order_of_policies_is_described() -> None:
    text = (ROOT / "docs" / "policies.md").read_text(encoding="utf-8")
    (line,) = re.findall(r"- Refresh policies come first,.*?(?=\n- )", text, re.DOTALL)
    kinds = [kind for kind in POLICY_KINDS if kind.added_by or kind is USER_DEFINED]
    unsaid = [kind.name for kind in kinds if kind.name not in line.lower()]
    assert not unsaid, f"docs/policies.md does not say when these come: {unsaid}"
    said = sorted(kinds, key=lambda kind: line.lower().index(kind.name))
    assert [kind.order for kind in said] == sorted(kind.order for kind in kinds)


def _first_column(title: str) -> set[str]:
    """Names in the first column of the tables below a header cell."""
    tables = re.findall(rf"^\| {title} \|.*\n\|[ -|]*\n((?:\|.*\n)*)", ARCHITECTURE, re.MULTILINE)
    cells = [row.split("|")[1] for table in tables for row in table.splitlines()]
    return {name for cell in cells for name in re.findall(r"`(\w+)", cell)}


_CREATED = re.compile(
    r"CREATE TABLE (?:IF NOT EXISTS )?_tswizard\.(\w+)\s*\(((?:[^()]|\([^()]*\))*)\)"
)


def _created() -> Iterator[tuple[str, list[str]]]:
    """The tables of schema _tswizard, with their columns."""
    for path in (ROOT / "tswizard").rglob("*.py"):
        source = re.sub(r'"\s+"', "", path.read_text(encoding="utf-8"))
        for name, body in _CREATED.findall(source):
            columns = re.findall(r"(?:^|,)\s*(\w+)", re.sub(r"\(.*?\)", "", body))
            yield name, [column for column in columns if column != "PRIMARY"]


def test_every_table_that_is_created_on_the_target_is_described() -> None:
    created = dict(_created())
    assert set(created) == _first_column("table")
    section = ARCHITECTURE.split("## What is in `_tswizard`")[1]
    for name, columns in created.items():
        (described,) = re.findall(rf"^\| `{name}` \| [^`|]*\|[^`|]*`(.*?)`", section, re.M)
        assert re.sub(r" \(.*?\)", "", described).split(", ") == columns, name


def test_the_ways_of_a_compressed_chunk_are_described() -> None:
    page = (ROOT / "docs" / "compressed-chunks.md").read_text(encoding="utf-8")
    table = page.split("| way | what happens | when |")[1].split("\n\n")[0]
    ways = [row.split("|")[1].strip() for row in table.splitlines()[2:]]
    assert ways == [way.words for way in Way]


def test_the_reasons_of_a_recommendation_are_described_in_their_order() -> None:
    page = (ROOT / "docs" / "estimate.md").read_text(encoding="utf-8")
    table = page.split("| reason | speaks for | when |")[1]
    described = [row.split("|")[1].strip() for row in table.splitlines()[2:]]
    given = [re.search(r'Reason\(\s*"([a-z-]+)"', inspect.getsource(ask)) for ask in REASONS]
    assert described == [f"`{id[1]}`" if id else "a check's own id" for id in given]


def test_what_a_method_has_to_be_able_to_do_is_described() -> None:
    members = {*vars(Method), *vars(MethodRun)}
    assert {name for name in members if not name.startswith("_")} == _first_column("member")


def test_every_package_is_described() -> None:
    packages = {package.removeprefix("core.") for package in read_layout().arrows} - {"__main__"}
    assert packages - _first_column("package") == {
        "advise",
        "answers_file",
        "build_plan",
        "change_answers",
        "check_again",
        "exit_codes",
        "methods",
        "other_target",
        "prepare",
        "questions",
        "resume",
        "runs_left_open",
    }


def _of_one_method(path: Path) -> bool:
    """Does a module name a method, or import one?"""
    packages = tuple(f"tswizard.core.{name}." for name in METHOD_NAMES)
    return any(
        (isinstance(node, ast.Constant) and node.value in METHOD_NAMES)
        or (isinstance(node, ast.ImportFrom) and (node.module or "").startswith(packages))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
    )


def test_every_place_that_names_a_method_is_in_contributing() -> None:
    (row,) = [line for line in CONTRIBUTING.splitlines() if line.startswith("| **a method** |")]
    listed = tuple(re.findall(r"`(tswizard/[\w./]+)`", row))
    methods = tuple(ROOT / "tswizard" / "core" / name for name in METHOD_NAMES)
    naming = [
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / "tswizard").rglob("*.py")
        if not path.is_relative_to(methods[0]) and not path.is_relative_to(methods[1])
        if _of_one_method(path)
    ]
    assert [path for path in naming if not path.startswith(listed)] == []
    assert [place for place in listed if place.endswith(".py") and place not in naming] == [
        "tswizard/core/run/method.py"
    ]


def test_a_method_can_be_chosen_by_its_name() -> None:
    asked = question("answers", "method")
    assert asked is not None
    assert {choice.value for choice in asked.choices} == {RECOMMENDED, *METHOD_NAMES}
    assert tuple(method.name for method in METHODS) == METHOD_NAMES


def test_every_path_that_contributing_names_is_there() -> None:
    text = CONTRIBUTING
    named = re.findall(r"`((?:tests|tswizard|docs|scripts|\.ci|bin)/[\w./-]*)`", text)
    assert len(named) > 30
    assert [path for path in named if not (ROOT / path).exists() and "NAME" not in path] == []


def test_every_name_that_contributing_places_in_a_file_is_there() -> None:
    names = r"((?:`\w+`(?:\(…\))?(?:, with its help, and |, | and | or )?)+)"
    files = r"((?:`(?:tests|tswizard)/[\w./]+\.\w+`(?:, | and )?)+)"
    placed = [
        (name, file)
        for some, there in re.findall(rf"{names} (?:in|of) {files}", CONTRIBUTING)
        for name in re.findall(r"`(\w+)`", some)
        for file in re.findall(r"`([^`]+)`", there)
    ]
    assert len(placed) > 20
    assert [
        (name, file)
        for name, file in placed
        if not re.search(rf"\b{name}\b", (ROOT / file).read_text(encoding="utf-8"))
    ] == []


def test_every_file_that_contributing_names_in_short_is_there() -> None:
    short = set(re.findall(r"`((?!tests/|tswizard/|docs/|scripts/)[\w/]+\.py)`", CONTRIBUTING))
    assert len(short) > 5
    modules = [f"/{path.relative_to(ROOT)}" for path in (ROOT / "tswizard").rglob("*.py")]
    assert [name for name in short if not any(m.endswith(f"/{name}") for m in modules)] == []
