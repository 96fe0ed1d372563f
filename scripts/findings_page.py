"""Writes docs/findings.md: every finding, from the calls that make it.

python -m scripts.findings_page
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from scripts.finding_texts import LEVELS, PROGRAM, Module, Said, findings_of
from tswizard.core.db.errors import CONNECTION_ERRORS, SERVER_ERRORS
from tswizard.core.model.object_kinds import OBJECT_KINDS
from tswizard.core.preflight.checks import CHECKS

PAGE = Path(__file__).parents[1] / "docs" / "findings.md"

_GROUPS = {
    "core/preflight": (
        "Preflight",
        "Before anything is changed. [Preflight](preflight.md) has the same by subject, and more "
        "reasons.",
    ),
    "core/full": ("A full migration", "While [its steps](full-migration.md) run."),
    "core/split/copy": (
        "A split migration: the rows",
        "While [rows are copied](split-data.md).",
    ),
    "core/split": ("A split migration: everything else", "[Its steps](split-migration.md)."),
    "core/verify": (
        "The check",
        "After everything else, and whenever you [check again](commands.md#checking-again).",
    ),
    "": ("Any run", "Steps of both methods, connections, resuming."),
}
"""Path within the program -> title, and a sentence; the first that fits."""

_HEAD = """\
# All findings

<!-- Written by scripts/findings_page.py from the code. -->

Search this page for the id that a screen, the report or `report.json` shows, or for its words.
Each entry has the levels that the finding can have, its sentence (`…` is what only a run knows),
why, and what to do.

- **pass**: fine, or worth knowing.
- **look**: could not be shown to be fine. The run continues, and does not end in PASS unless the
  final check resolves it.
- **fail**: before a run it refuses the run, and nothing has been changed. In a step it ends the
  run, which can be resumed. In the check it names what is missing or differs.

What `pg_dump`, `pg_restore` and `psql` say is judged by [the classifier's rules](classifier.md).
"""


@dataclass(slots=True)
class Entry:
    """A finding, and everything that the code says of it."""

    id: str
    group: str
    ways: list[Said] = field(default_factory=list)

    @property
    def levels(self) -> list[str]:
        return [one for one in LEVELS if any(one in way.levels for way in self.ways)]


@cache
def entries() -> dict[str, Entry]:
    """Every finding by its id, in the order of their groups."""
    found: dict[str, Entry] = {}
    for path in sorted(PROGRAM.rglob("*.py")):
        where = path.relative_to(PROGRAM).as_posix()
        group = next(prefix for prefix in _GROUPS if where.startswith(prefix))
        for id, said in sorted(findings_of(Module(path)), key=lambda made: made[0]):
            ways = found.setdefault(id, Entry(id, group)).ways
            if said not in ways:
                ways.append(said)
    return found


def render() -> str:
    """The whole page."""
    lines = [_HEAD]
    for prefix, (title, sentence) in _GROUPS.items():
        lines += [f"## {title}", "", sentence, ""]
        for entry in sorted(entries().values(), key=lambda entry: entry.id):
            if entry.group != prefix:
                continue
            lines += [f"### {entry.id}", "", _facts(entry), ""]
            for way in entry.ways:
                lines += [*_way(way), ""]
        if prefix == "core/verify":
            lines += _of_kinds()
    lines += _of_servers()
    return "\n".join(lines).rstrip() + "\n"


def _facts(entry: Entry) -> str:
    facts = [f"**{', '.join(entry.levels)}**"]
    checks = [check for check in CHECKS if entry.id in check.gives]
    methods = {method for check in checks for method in check.methods}
    if len(methods) == 1:
        facts.append(f"{methods.pop()} only")
    if answers := sorted({key for check in checks for key in check.answered_by}):
        facts.append("another answer can resolve it: " + ", ".join(f"`{key}`" for key in answers))
    if any(check.settled_by_check for check in checks):
        facts.append("a look is resolved by the final check")
    return "; ".join(facts)


def _way(way: Said) -> Iterator[str]:
    yield f"- {_prose(way.what)}"
    if way.why:
        yield f"    - Why: {_prose(way.why)}"
    if way.todo:
        yield f"    - To do: {_prose(way.todo)}"


def _of_kinds() -> Iterator[str]:
    yield "### schema-…"
    yield ""
    yield (
        "One for each kind of object that is compared: how many are equal, missing, different or "
        "only on the target. Their levels are in "
        '[how it checks](verify.md#levels-of-differences). Where "to do" is empty: see the log '
        "for why it was not created, create it on the target, then check again; compare what "
        "differs, change the target's to match, then check again; what only the target has does "
        "not come from the source."
    )
    yield ""
    yield "| id | what is compared | to do |"
    yield "|---|---|---|"
    for kind in OBJECT_KINDS.values():
        if f"schema-{kind.id}" in entries():
            continue
        yield f"| `schema-{kind.id}` | {kind.many} | {_prose(kind.todo)} |"
    yield ""


def _of_servers() -> Iterator[str]:
    yield "## What servers answer"
    yield ""
    yield "An error of a server in any step ends the run with one of these; it can be resumed."
    yield ""
    yield "| SQLSTATE | id | sentence | to do |"
    yield "|---|---|---|---|"
    for state, (id, what, todo) in sorted(SERVER_ERRORS.items()):
        yield f"| {state} | `{id}` | {_prose(what.format('…'))} | {_prose(todo)} |"
    yield ""
    yield "And when there is no connection (`no-connection`):"
    yield ""
    yield "| sentence | to do |"
    yield "|---|---|"
    for _, what, todo in CONNECTION_ERRORS:
        said = what.format(label="…", user="…", message="…")
        yield f"| {_prose(said)} | {_prose(todo)} |"


def _prose(text: str) -> str:
    """Text of the program as Markdown."""
    for special in "\\_*<[|":
        text = text.replace(special, f"\\{special}")
    return text


if __name__ == "__main__":
    PAGE.write_text(render(), encoding="utf-8")
