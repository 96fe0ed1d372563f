"""The checklist of a run: what was checked, what was skipped, what is left to do."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace

from tswizard.core.model.finding import WORST_FIRST, Finding, Level, worst
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

_REPEATED = 4
"""Findings of one kind that are one line from this number on."""

_FIRST = ("rows", "errors")
"""Groups that come first where something failed: a missing row weighs more than an index."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChecklistLine:
    """One thing that was checked or skipped."""

    level: Level
    text: str
    details: tuple[str, ...] = ()
    todo: str = ""
    group: str = ""
    """What it is about, which `text` begins with; empty where it belongs to nothing."""


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


_RESULTS = {
    Level.PASS: "Everything arrived.",
    Level.LOOK: "Finished, but something needs a look.",
    Level.FAIL: "Finished, but something was lost or differs.",
    Level.SKIP: "Finished, but nothing was checked.",
}


@dataclass(frozen=True, slots=True)
class Checklist:
    """`lines` are in the order of the screen; what was skipped comes last."""

    result: Level
    lines: tuple[ChecklistLine, ...]
    todo: tuple[Todo, ...]
    files: tuple[File, ...]

    @property
    def sentence(self) -> str:
        """What the result means."""
        return _RESULTS[self.result]

    def count(self, level: Level) -> int:
        """The number of lines of this level."""
        return sum(line.level is level for line in self.lines)

    def of(self, level: Level) -> tuple[ChecklistLine, ...]:
        """The lines of this level, in the order in which they want to be read: what says what to
        do before what does not, rows before objects."""
        lines = (line for line in self.lines if line.level is level)
        return tuple(sorted(lines, key=lambda line: (not line.todo, line.group not in _FIRST)))

    @property
    def next(self) -> str:
        """The one thing to do before all others; empty when nothing is left."""
        for level in (Level.FAIL, Level.LOOK):
            for line in self.of(level):
                if line.todo:
                    return line.todo
        return self.todo[0].text if self.todo else ""


def checklist(outcome: Outcome, report: str = "") -> Checklist:
    """The checklist of a finished run. `report` is the path of its Markdown report."""
    findings = settled(outcome.findings)
    lines = (
        *_groups(findings),
        *_rows(findings),
        _errors(outcome.judged),
        *_others(findings),
        *(ChecklistLine(level=Level.SKIP, text=text) for text in outcome.skipped),
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
    levels = {
        worst(settled(tuple(findings))),
        *(_level(j.verdict) for j in judged if not j.only_adds_up),
    }
    if any(not table.equal for table in tables):
        levels.add(Level.LOOK)
    return next(level for level in WORST_FIRST if level in levels)


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
        yield from _lines((f for f, _ in own if f.level is not Level.PASS), group)


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
        text += f", {plural(more, 'more kind of object', 'more kinds of objects')}"
    details = [line for finding, _ in right for line in (finding.what, *finding.details)]
    return ChecklistLine(
        level=Level.PASS, text=f"{group}: {text}", details=tuple(details), group=group
    )


def _rows(findings: tuple[Finding, ...]) -> Iterable[ChecklistLine]:
    yield from _lines((f for f in findings if f.id.startswith("rows")), "rows")


def _errors(judged: tuple[JudgedMessage, ...]) -> ChecklistLine:
    """The errors of pg_dump and pg_restore, and whether each is explained."""
    errors = [j for j in judged if j.counts_as_error]
    count = Counter(j.verdict for j in errors)
    explained = count[Verdict.SAFE] + count[Verdict.LATER]
    open_ones = [j for j in judged if not j.verdict.explained and not j.only_adds_up]
    lost = sum(j.verdict is Verdict.LOST for j in open_ones)
    level = Level.FAIL if lost else Level.LOOK if open_ones else Level.PASS
    if not errors:
        text = "pg_dump and pg_restore reported none"
    elif explained == len(errors):
        all_of_them = "it is" if explained == 1 else "all are"
        text = f"pg_restore ignored {explained}; {all_of_them} explained"
    else:
        need = "needs" if count[Verdict.LOOK] == 1 else "need"
        parts = [f"{explained} explained", f"{count[Verdict.LOOK]} {need} a look"]
        if count[Verdict.LOST]:
            parts.append(f"{count[Verdict.LOST]} lost something")
        text = f"pg_restore ignored {len(errors)}: {', '.join(parts)}"
    warnings = sum(not j.counts_as_error for j in open_ones)
    if warnings:
        text += f"; {plural(warnings, 'warning')} to look at"
    alike = _alike(sorted(open_ones, key=lambda j: -j.verdict.rank))
    lost_of = [_who_lost(some) for some in alike if some[0].verdict is Verdict.LOST]
    if lost_of:
        text += f"; lost: {', '.join(lost_of[:_SHOWN])}"
        text += f" and {len(lost_of) - _SHOWN} more" if len(lost_of) > _SHOWN else ""
    details = tuple(line for some in alike for line in _said(some))
    return ChecklistLine(level=level, text=f"errors: {text}", details=details, group="errors")


def _alike(judged: Iterable[JudgedMessage]) -> list[list[JudgedMessage]]:
    """Messages that mean the same for the same object together, such as those of all chunks of
    one hypertable; in their order."""
    groups: dict[tuple[str, ...], list[JudgedMessage]] = {}
    for one in judged:
        # What a rule says names what is lost; what none knows differs by its message.
        own = "" if one.rule else one.message
        key = (str(one.verdict), one.rule, one.object, one.todo, own)
        groups.setdefault(key, []).append(one)
    return list(groups.values())


def _who_lost(some: list[JudgedMessage]) -> str:
    """`hypertable public.metrics (40 chunks)`."""
    first = some[0]
    who = first.object or first.relation or first.message
    chunks = len({one.relation for one in some if one.relation})
    return f"{who} ({plural(chunks, 'chunk')})" if chunks > 1 else who


def _said(some: list[JudgedMessage]) -> Iterable[str]:
    """The first in full, how many there are like it, and what they are about."""
    j = some[0]
    again = f"({plural(len(some), 'message')})" if len(some) > 1 else ""
    yield " ".join(
        f"{j.verdict.upper()} {j.object} {again} {j.message} {j.reason} {j.todo}".split()
    )
    names = dict.fromkeys(f"{one.schema}.{one.relation}".strip(".") for one in some)
    if len(some) > 1 and any(names):
        yield f"  {', '.join(filter(None, names))}"


def _others(findings: tuple[Finding, ...]) -> Iterable[ChecklistLine]:
    """Findings outside the groups: one line for each that did not pass, one for all that did."""
    own = [f for f in findings if _kind(f) is None and not f.id.startswith("rows")]
    right = [f for f in own if f.level is Level.PASS and f.id not in _NOTES]
    yield from _lines((f for f in own if f.level is not Level.PASS or f.id in _NOTES), "")
    if right:
        yield ChecklistLine(
            level=Level.PASS,
            text=f"other checks: {len(right)} passed",
            details=tuple(f.what for f in right),
        )


def _lines(findings: Iterable[Finding], group: str) -> Iterable[ChecklistLine]:
    """One line for each, or one for many that say the same of different objects."""
    alike: dict[tuple[Level, str, str], list[Finding]] = {}
    for finding in findings:
        alike.setdefault((finding.level, finding.id, finding.todo), []).append(finding)
    for some in alike.values():
        if len(some) < _REPEATED:
            yield from (_line(finding, group) for finding in some)
            continue
        first = _line(some[0], group)
        details = tuple(line for f in some for line in (f.what, *_indented(_line(f, group))))
        yield replace(first, text=f"{first.text}; {len(some) - 1} more like this", details=details)


def _indented(line: ChecklistLine) -> Iterable[str]:
    return (f"  {detail}" for detail in line.details)


def _line(finding: Finding, group: str) -> ChecklistLine:
    text = f"{group}: {finding.what}" if group else finding.what
    details = [finding.why, finding.where] if finding.level is not Level.PASS else []
    shown = (*(d for d in details if d), *finding.details)
    return ChecklistLine(
        level=finding.level, text=text, details=shown, todo=finding.todo, group=group
    )


def _todo(outcome: Outcome) -> tuple[Todo, ...]:
    """What the run leaves to the user, and what findings ask for with text to copy."""
    todo = [
        Todo(
            f"newer-{number}",
            f"{finding.what}. Copy them or accept the loss",
            "\n".join(finding.details),
        )
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
