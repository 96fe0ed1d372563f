"""The checklist of a run: what was checked, what was skipped, what is left to do."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace

from tswizard.core.model.finding import Finding, Level, worst
from tswizard.core.model.judged import JudgedMessage
from tswizard.core.model.object_kinds import GROUPS, OBJECT_KINDS, ObjectKind
from tswizard.core.model.outcome import Outcome, TableRows
from tswizard.core.model.verdict import Verdict
from tswizard.core.model.wording import plural

CHECKED = "rows"
"""Id of the finding of a comparison that was completed."""

_NOTES = ("compressed-chunks",)
"""Ids of findings that have a line of their own even if they pass."""

_SHOWN = 3
"""Kinds of objects shown in the line of a group; the others are in its details."""


@dataclass(frozen=True, slots=True)
class ChecklistLine:
    """One thing that was checked or skipped."""

    level: Level
    text: str
    details: tuple[str, ...] = ()
    todo: str = ""


@dataclass(frozen=True, slots=True)
class Todo:
    """Something only the user can do. `id` is the same whenever the outcome is."""

    id: str
    text: str
    copy: str = ""
    """Text to copy: a command, SQL, an address."""


@dataclass(frozen=True, slots=True)
class File:
    what: str
    path: str


@dataclass(frozen=True, slots=True)
class Checklist:
    """`lines` are in the order of the screen; what was skipped comes last."""

    result: Level
    lines: tuple[ChecklistLine, ...]
    todo: tuple[Todo, ...]
    files: tuple[File, ...]

    def count(self, level: Level) -> int:
        """The number of lines of this level."""
        return sum(line.level is level for line in self.lines)


def checklist(outcome: Outcome, report: str = "") -> Checklist:
    """The checklist of a finished run. `report` is the path of its Markdown report."""
    findings = settled(outcome.findings)
    lines = (
        *_groups(findings),
        *_rows(findings),
        _errors(outcome.judged),
        *_others(findings),
        *(ChecklistLine(Level.SKIP, text) for text in outcome.skipped),
    )
    files = [File("report", report), File("dump", outcome.dump)]
    return Checklist(
        outcome.result, lines, _todo(outcome), tuple(file for file in files if file.path)
    )


def result_of(
    findings: Iterable[Finding], judged: Iterable[JudgedMessage], tables: Iterable[TableRows]
) -> Level:
    """The worst of everything: never `pass` when something was lost or is unexplained.

    A table that differs counts at least as `look`, whatever was found about it.
    """
    levels = {worst(settled(tuple(findings))), *(_level(j.verdict) for j in judged)}
    if any(not table.equal for table in tables):
        levels.add(Level.LOOK)
    return next(
        level for level in (Level.FAIL, Level.LOOK, Level.PASS, Level.SKIP) if level in levels
    )


def settled(findings: tuple[Finding, ...]) -> tuple[Finding, ...]:
    """The findings, with warnings that the check at the end settled turned into `pass`."""
    if not any(finding.id == CHECKED for finding in findings):
        return findings
    return tuple(
        replace(finding, level=Level.PASS)
        if finding.level is Level.LOOK and finding.settled_by_check
        else finding
        for finding in findings
    )


def _level(verdict: Verdict) -> Level:
    if verdict is Verdict.LOST:
        return Level.FAIL
    return Level.PASS if verdict.explained else Level.LOOK


def _kind(finding: Finding) -> ObjectKind | None:
    return (
        OBJECT_KINDS.get(finding.id.removeprefix("schema-"))
        if finding.id.startswith("schema-")
        else None
    )


def _groups(findings: tuple[Finding, ...]) -> Iterable[ChecklistLine]:
    """One line for everything in a group that passed, one for each finding that did not."""
    for group in GROUPS:
        own = [(f, k) for f in findings if (k := _kind(f)) is not None and k.group == group]
        right = [(f, k) for f, k in own if f.level is Level.PASS]
        if right:
            yield _right(group, right)
        yield from (_line(f, group) for f, _ in own if f.level is not Level.PASS)


def _right(group: str, right: list[tuple[Finding, ObjectKind]]) -> ChecklistLine:
    # Each of these says `n of n kinds (and m on chunks)`.
    short = [finding.what.split(" (")[0] for finding, _ in right]
    first = right[0][1]
    if first.named_by_group:
        short[0] = short[0].removesuffix(f" {first.one}").removesuffix(f" {first.many}")
    order = sorted(range(len(short)), key=lambda n: (not right[n][1].main, n))
    text = ", ".join(short[n] for n in order[:_SHOWN])
    more = len(short) - _SHOWN
    if more > 0:
        text += f", {more} more kind{'s' if more > 1 else ''} of objects"
    details = [line for finding, _ in right for line in (finding.what, *finding.details)]
    return ChecklistLine(Level.PASS, f"{group}: {text}", tuple(details))


def _rows(findings: tuple[Finding, ...]) -> Iterable[ChecklistLine]:
    for finding in findings:
        if finding.id.startswith("rows"):
            yield _line(finding, "rows")


def _errors(judged: tuple[JudgedMessage, ...]) -> ChecklistLine:
    """The errors of pg_dump and pg_restore, and whether each is explained."""
    errors = [j for j in judged if j.counts_as_error]
    count = Counter(j.verdict for j in errors)
    explained = count[Verdict.SAFE] + count[Verdict.LATER]
    open_ones = [j for j in judged if not j.verdict.explained]
    lost = sum(j.verdict is Verdict.LOST for j in open_ones)
    level = Level.FAIL if lost else Level.LOOK if open_ones else Level.PASS
    if not errors:
        text = "pg_dump and pg_restore reported none"
    elif explained == len(errors):
        text = (
            f"pg_restore ignored {len(errors)}, all {len(errors)} matched known-safe rules, "
            "0 unexplained"
        )
    else:
        text = (
            f"pg_restore ignored {len(errors)}, {explained} matched known-safe rules, "
            f"{count[Verdict.LOOK]} {'needs' if count[Verdict.LOOK] == 1 else 'need'} a look, "
            f"{count[Verdict.LOST]} lost something"
        )
    warnings = sum(not j.counts_as_error for j in open_ones)
    if warnings:
        text += f"; {plural(warnings, 'warning')} to look at"
    details = tuple(
        " ".join(f"{j.verdict.upper()} {j.object} {j.message} {j.reason} {j.todo}".split())
        for j in sorted(open_ones, key=lambda j: -j.verdict.rank)
    )
    return ChecklistLine(level, f"errors: {text}", details)


def _others(findings: tuple[Finding, ...]) -> Iterable[ChecklistLine]:
    """Findings outside the groups: one line for each that did not pass, one for all that did."""
    own = [f for f in findings if _kind(f) is None and not f.id.startswith("rows")]
    right = [f for f in own if f.level is Level.PASS and f.id not in _NOTES]
    for finding in own:
        if finding.level is not Level.PASS or finding.id in _NOTES:
            yield _line(finding, "")
    if right:
        yield ChecklistLine(
            Level.PASS,
            f"other checks: {len(right)} passed",
            tuple(f.what for f in right),
        )


def _line(finding: Finding, group: str) -> ChecklistLine:
    text = f"{group}: {finding.what}" if group else finding.what
    details = [finding.why, finding.where] if finding.level is not Level.PASS else []
    return ChecklistLine(
        finding.level, text, (*(d for d in details if d), *finding.details), finding.todo
    )


def _todo(outcome: Outcome) -> tuple[Todo, ...]:
    """What the run leaves to the user, and what findings ask for with text to copy."""
    todo = [
        Todo(f"newer-{number}", f"{finding.what}. Copy them or accept the loss", finding.todo)
        for number, finding in enumerate(outcome.findings)
        if finding.id == "rows-newer"
    ]
    for id, text in _STATEMENTS.items():
        own = [f for f in outcome.findings if f.id == id and f.level is not Level.PASS]
        if own:
            lines = [line for f in own for line in f.details]
            todo.append(Todo(id, f"{text} on the target", "\n".join(lines)))
    todo += [Todo(f"todo-{n}", text, copy) for n, (text, copy) in enumerate(outcome.todo)]
    return tuple(todo)


_STATEMENTS = {
    "schema-grant": "Repeat the missing grants",
    "schema-owner": "Give objects to the roles that owned them, where it matters",
    "schema-sequence-value": "Set the sequences that are behind",
}
"""Findings whose details are statements, ready to run."""
