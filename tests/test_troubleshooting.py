"""Troubleshooting is searched for the words of an error: each heading is what is really said."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from scripts.finding_texts import PROGRAM
from scripts.findings_page import entries
from tswizard.core.classify.rules import default_rules
from tswizard.core.db.errors import CONNECTION_ERRORS

PAGE = (Path(__file__).parents[1] / "docs" / "troubleshooting.md").read_text(encoding="utf-8")
SUM = "errors ignored on restore: 167"
"""Counted by `core/classify/sums.py`, which no rule is for."""


def symptoms() -> dict[str, str]:
    """Each heading, and the first sentence below it."""
    return dict(re.findall(r"^### `([^\n]+)`\n\n(.+?\.\s)", PAGE, re.MULTILINE | re.DOTALL))


def linked(sentence: str, page: str) -> list[str]:
    if not re.match(r"(?:Rule|Finding)s? \[", sentence):
        return []
    return re.findall(rf"\[[\w-]+\]\({page}\.md#([\w-]+)\)", sentence)


def test_each_message_of_a_tool_is_known_by_the_rules_that_it_names() -> None:
    rules = {rule.id: rule for rule in default_rules().rules}
    named = {(text, id) for text, said in symptoms().items() for id in linked(said, "classifier")}
    assert len(named) > 30
    assert [(text, id) for text, id in named if not re.search(rules[id].pattern, text)] == []


def test_each_sentence_of_tswizard_is_one_of_the_findings_that_it_names() -> None:
    named = {(text, id) for text, said in symptoms().items() for id in linked(said, "findings")}
    assert len(named) > 20
    assert [
        (text, id)
        for text, id in named
        if not any(text in way.what.split(" / ") for way in entries()[id].ways)
    ] == []


def test_findings_that_are_named_in_passing_are_there() -> None:
    docs = Path(__file__).parents[1] / "docs"
    named = {
        id
        for page in ("troubleshooting", "cut-over", "resuming", "methods", "night", "rehearsal")
        for id in re.findall(
            r"`([a-z]+(?:-[a-z]+)+)`", (docs / f"{page}.md").read_text(encoding="utf-8")
        )
    }
    assert len(named) > 10
    assert named - entries().keys() == set()


def test_all_others_are_said_by_the_program() -> None:
    """Where there is no connection, in answers and by the demo; `…` is what they do not say."""
    others = {
        text
        for text, said in symptoms().items()
        if not linked(said, "classifier") and not linked(said, "findings")
    }
    connecting = {what.format(label="…", user="…", message="…") for _, what, _ in CONNECTION_ERRORS}
    texts = {text for path in PROGRAM.rglob("*.py") for text in strings(path)}
    assert [
        text for text in others - connecting if not any(text.rstrip("… ") in said for said in texts)
    ] == [SUM]


def strings(path: Path) -> Iterator[str]:
    """Texts of a module, with `…` for what is put into them."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.JoinedStr):
            parts = (p.value if isinstance(p, ast.Constant) else "…" for p in node.values)
            yield re.sub(r"…[.]?…", "…", "".join(map(str, parts)))
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value
