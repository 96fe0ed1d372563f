"""The field's own words, in what the program says and in the docs: one thing has one name."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGES = sorted(
    path
    for pattern in ("*.md", "docs/**/*.md", ".github/**/*.md")
    for path in ROOT.glob(pattern)
    if path.name != "classifier.md"  # generated; quotes messages of PostgreSQL
)
MODULES = sorted((ROOT / "tswizard").rglob("*.py"))

INSTEAD = {
    r"\bboth ends\b(?! inclusive)": "source and target, both databases",
    r"(?<!row-level )\brow security\b": "row-level security",
    r"\b(?:foreign )?keys and checks\b": "foreign keys and CHECK constraints",
    r"\b(?:an|the|every|an?other|its|each) aggregates?\b(?! functions?)": "continuous aggregate",
    r"\bstands? on\b(?! the screen)": "is built on",
    r"\bcontinuous aggregates? (?:up)?on which\b": "is built on",
    r"\banew\b": "recreated",
    r"\bmend(?:s|ed|ing)?\b": "fix",
    r"\bgave up:": "failed:",
    r"\basks? nothing\b": "runs unattended, asks no questions",
    r"\bjobs? of your own\b": "user-defined job",
    r"\bwhat is done stays\b": "completed work is kept",
    r"\bNear are:": "Did you mean:",
    r"\bThe server (?:says|said):": "Server error:",
    r"\b(?:any more|anymore) give\b|\bnot give any more\b|\bcannot give any": "no longer exist",
    r"\bfree-standing\b": "standalone",
    r"\blicence\b": "license",
    r"\bgo(?:es)? on (?:with|where)\b": "continue",
    r"\b(?:its|their) kin\b": "similar types",
    r"\bothers on every server\b": "differ between servers",
    r"\bkeeps? (?:it|them) alike\b": "store the same way",
    r"\bhalf restored\b": "half-restored",
    r"\bof the house\b": "of the code, the program",
    r"\bafterwards\b": "afterward",
    r"\bany more\b": "anymore, no longer",
    r"\b(?:travell|[Cc]olour)": "traveled, color",
    r"\bstands? (?:in brackets|there|here|nowhere|under|beside|the gravest)\b": "is, is listed",
    r"(?i)\b(?:below it|what|dash) stands\b(?! in the way)": "is, is listed",
}
"""Pattern -> what a PostgreSQL engineer would say."""


def texts(path: Path) -> Iterator[tuple[int, str]]:
    """Line and text of what a file says: a page's paragraphs, a module's strings and docstrings."""
    source = path.read_text(encoding="utf-8")
    if path.suffix == ".md":
        for match in re.finditer(r"(?:.+\n)+", source):
            yield source.count("\n", 0, match.start()) + 1, match[0]
        return
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.JoinedStr):
            parts = (p.value if isinstance(p, ast.Constant) else "…" for p in node.values)
            yield node.lineno, "".join(map(str, parts))
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.lineno, node.value


@pytest.mark.parametrize("paths", [PAGES, MODULES], ids=["docs", "program"])
def test_words(paths: list[Path]) -> None:
    wrong = [
        f"{path.relative_to(ROOT)}:{line}: {match[0]!r}: {better}"
        for path in paths
        for line, text in texts(path)
        for pattern, better in INSTEAD.items()
        if (match := re.search(pattern, " ".join(text.split())))
    ]
    assert wrong == []


def _by_hand(path: Path) -> Iterator[str]:
    """Where a text has its "s" by a condition of its own."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        match node:
            case ast.IfExp(body=ast.Constant(value=one), orelse=ast.Constant(value=other)):
                if {one, other} == {"", "s"}:
                    yield f"{path.relative_to(ROOT)}:{node.lineno}"


def _counts(path: Path) -> Iterator[str]:
    """Where a text counts things with `len(…)` and says them in the plural, whatever their number:
    "1 tables". A count of a total that `plural` says is none."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.JoinedStr):
            for count, after in zip(node.values, node.values[1:], strict=False):
                if (
                    isinstance(count, ast.FormattedValue)
                    and isinstance(count.value, ast.Call)
                    and ast.unparse(count.value.func) == "len"
                    and isinstance(after, ast.Constant)
                    and re.match(
                        r" (?:[a-z-]+ )?(?!is\b|as\b|was\b|has\b)[a-z-]+s\b", str(after.value)
                    )
                ):
                    yield f"{path.relative_to(ROOT)}:{node.lineno}: {ast.unparse(node)}"


def test_what_is_counted_may_be_one() -> None:
    """`plural` of core/model/wording.py says both."""
    others = [path for path in MODULES if path != ROOT / "tswizard/core/model/wording.py"]
    assert [found for path in others for found in (*_counts(path), *_by_hand(path))] == []
