"""Differences as findings: one per kind of object and level, with the objects as details."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping

from tswizard.core.db.identifiers import identifier
from tswizard.core.model.finding import Finding, Level
from tswizard.core.model.object_kinds import OBJECT_KINDS, ObjectKind
from tswizard.core.model.wording import plural
from tswizard.core.verify.schema.compare import Difference, SchemaComparison
from tswizard.core.verify.schema.compare_grants import AS_OWNER
from tswizard.core.verify.schema.source_changes import NEW_ON_SOURCE

Labels = Mapping[str, str]

_DETAILS = 500
"""Objects listed in one finding."""
_LABELS = 3
"""Hypertables named in the sentence itself."""
_CHUNK = "chunk"
_PARTS = 5
"""Objects listed for the chunks of one hypertable."""


def schema_findings(comparison: SchemaComparison, labels: Labels) -> tuple[Finding, ...]:
    """One finding per kind and level, in the order of OBJECT_KINDS; none for absent kinds.

    `labels` maps an internal relation to what it belongs to.
    """
    by_kind: dict[str, list[Difference]] = defaultdict(list)
    newer: list[Difference] = []
    for difference in comparison.differences:
        of_new_chunk = difference.why == NEW_ON_SOURCE
        (newer if of_new_chunk else by_kind[difference.key.kind]).append(difference)
    beyond = Counter(difference.key.kind for difference in newer)
    findings: list[Finding] = []
    for kind in OBJECT_KINDS.values():
        parts = comparison.parts_compared[kind.id] - beyond[kind.id]
        findings += _of_kind(kind, comparison.compared[kind.id], parts, by_kind[kind.id], labels)
        if kind.id == _CHUNK and newer:
            findings.append(_new_chunks(newer, labels))
    return tuple(findings)


def _new_chunks(newer: list[Difference], labels: Labels) -> Finding:
    """All that the source has of chunks which it did not have then is one finding: each would be
    named once for every kind of object in it."""
    lines, counts = [], []
    for label, some in _by_label(newer, labels).items():
        chunks = {d.part for d in some if d.key.kind == _CHUNK} or {d.part for d in some}
        names = sorted(part for part in chunks if part)
        counts.append((label, len(names)))
        more = f" and {len(names) - _DETAILS:,} more" if len(names) > _DETAILS else ""
        lines.append(f"{label}: {', '.join(names[:_DETAILS])}{more}")
    count = sum(number for _, number in counts)
    where = plural(len(counts), "hypertable")
    if len(counts) <= _LABELS:
        where = ", ".join(f"{label} {number:,}" for label, number in counts)
    return Finding(
        Level.LOOK,
        "rows-new-chunks",
        f"{plural(count, 'chunk')} created on the source since it was inspected, not on the "
        f"target: {where}",
        todo="Copy their rows if you need them: the lines about rows name the ranges.",
        details=tuple(lines),
    )


def _of_kind(
    kind: ObjectKind, total: int, parts: int, differences: list[Difference], labels: Labels
) -> Iterable[Finding]:
    wrong = [d for d in differences if d.level in (Level.FAIL, Level.LOOK)]
    if not wrong:
        if total or parts or differences:
            if not total:  # only internal relations, or nothing on the source at all
                total, parts = parts, 0
            inside = f" (and {parts:,} inside TimescaleDB)" if parts else ""
            details = tuple(d.words for d in differences)
            yield Finding(
                Level.PASS, _id(kind), _count(total, total, kind) + inside, details=details
            )
        return
    for level in (Level.FAIL, Level.LOOK):
        some = [d for d in wrong if d.level is level]
        if some:
            yield _finding(kind, level, some, total, labels)


def _finding(
    kind: ObjectKind, level: Level, differences: list[Difference], total: int, labels: Labels
) -> Finding:
    own = [d for d in differences if d.part is None]
    of_parts = [d for d in differences if d.part is not None]
    equal = max(0, total - len({d.key for d in own if d.state != "extra"}))
    words = [_count(equal, total, kind)] if own else []
    words += [f"{n} {what}" for what, n in _states(own).items()]
    details = [_line(d) for d in own[:_DETAILS]]
    if len(own) > _DETAILS:
        details.append(f"and {len(own) - _DETAILS:,} more")
    if of_parts:
        behind = _by_label(of_parts, labels)
        where = ", ".join(behind) if len(behind) <= _LABELS else plural(len(behind), "hypertable")
        states = ", ".join(f"{n:,} {what}" for what, n in _states(of_parts).items())
        words.append(f"{kind.many} inside {where}: {states}")
    for label, some in _by_label(of_parts, labels).items():
        details += [f"{label}: {_line(d)}" for d in some[:_PARTS]]
        if len(some) > _PARTS:
            details.append(f"{label}: and {len(some) - _PARTS:,} more of this kind")
    todo = _todo(level, differences) if _refused(kind, differences) else kind.todo
    todo = todo or _todo(level, differences)
    return Finding(level, _id(kind), ", ".join(words), todo=todo, details=tuple(details))


def _refused(kind: ObjectKind, differences: list[Difference]) -> bool:
    """Extensions that are missing, not of another version."""
    return kind.id == "extension" and {d.state for d in differences} == {"missing"}


def _todo(level: Level, differences: list[Difference]) -> str:
    states = {d.state for d in differences}
    if states == {"extra"}:
        return (
            "It does not come from the source; find out who created it, and drop it if it is not "
            "wanted."
        )
    if level is Level.LOOK and states == {"missing"}:
        return (
            "Do without it; or have a role with the privilege create it on the target, then what "
            "depends on it, and check again."
        )
    if states == {"unseen"}:
        return (
            "Compare the options as a role that may see them (the one that is mapped, or a "
            "superuser), and set those that are missing: ALTER USER MAPPING … OPTIONS (…)."
        )
    if level is Level.LOOK:
        return "Compare the two, and decide whether the difference matters."
    if "missing" not in states:
        return "Compare the two below, change the target's to match, then check again."
    return "See the log for why it was not created, create it on the target, then check again."


def _states(differences: list[Difference]) -> dict[str, int]:
    names = {
        "missing": "missing",
        "differs": "different",
        "extra": "only on the target",
        "unseen": "not compared",
    }
    counts = {words: sum(d.state == state for d in differences) for state, words in names.items()}
    return {words: count for words, count in counts.items() if count}


def _count(equal: int, total: int, kind: ObjectKind) -> str:
    return f"{equal:,} of {total:,} {kind.one if total == 1 else kind.many}"


def _id(kind: ObjectKind) -> str:
    return f"schema-{kind.id}"


def _by_label(differences: list[Difference], labels: Labels) -> dict[str, list[Difference]]:
    groups: dict[str, list[Difference]] = defaultdict(list)
    for difference in differences:
        part = difference.part or ""
        groups[labels.get(part, part)].append(difference)
    return groups


_ON = {
    "table": "TABLE",
    "sequence": "SEQUENCE",
    "schema": "SCHEMA",
    "function": "ROUTINE",
    "type": "TYPE",
    "language": "LANGUAGE",
    "foreign data wrapper": "FOREIGN DATA WRAPPER",
    "foreign server": "FOREIGN SERVER",
    "large object": "LARGE OBJECT",
}
"""Kind of object in the name of a grant -> what GRANT … ON calls it."""
_ALTER = {
    **_ON,
    "foreign server": "SERVER",
    "materialized view": "MATERIALIZED VIEW",
    "publication": "PUBLICATION",
}
"""What ALTER calls it."""


def _line(difference: Difference) -> str:
    """The difference in one line; after the statement that settles it, where that is known."""
    if difference.key.kind == "owner":
        return _owner_line(difference)
    if difference.statement:
        return f"{difference.statement}  -- {' '.join(difference.words.split())}"
    if difference.key.kind == "grant" and difference.grantee:
        return _grant_line(difference) or difference.words
    return difference.words


def _grant_line(difference: Difference) -> str:
    """What the target lacks, else what only the target grants; empty if it is not one statement."""
    what = next((what for what in _ON if difference.on.startswith(f"{what} ")), None)
    _, here, there = difference.changed[0]
    wanted, found = (text.split(", ") if text else [] for text in (here, there))
    lacking, extra = ([p for p in a if p not in b] for a, b in ((wanted, found), (found, wanted)))
    if what is None or not (lacking or extra):
        return ""
    on, role = f"{_ON[what]} {difference.on[len(what) + 1 :]}", _role(difference.grantee)
    if lacking:
        option = " WITH GRANT OPTION" if all(p.endswith("*") for p in lacking) else ""
        why = f"  -- {difference.why}" if difference.why else ""
        return f"GRANT {_bare(lacking)} ON {on} TO {role}{option};{why}"
    if {p.rstrip("*") for p in extra} & {p.rstrip("*") for p in wanted}:
        return ""  # only its grant option
    why = difference.why or "only the target grants it"
    return f"REVOKE {_bare(extra)} ON {on} FROM {role};  -- {why}"


def _bare(privileges: Iterable[str]) -> str:
    return ", ".join(privilege.rstrip("*") for privilege in privileges)


def _owner_line(difference: Difference) -> str:
    _, wanted, found = difference.changed[0]
    what = next((what for what in _ALTER if difference.on.startswith(f"{what} ")), None)
    if what is None or wanted is None:
        return difference.words
    note = f"; {AS_OWNER}" if difference.why.endswith(AS_OWNER) else ""
    name = difference.on[len(what) + 1 :]
    return f"ALTER {_ALTER[what]} {name} OWNER TO {_role(wanted)};  -- now {found}{note}"


def _role(name: str) -> str:
    """Quoted where that is needed."""
    return name if name == "PUBLIC" or _NEEDS_NO_QUOTES.match(name) else identifier(name)


_NEEDS_NO_QUOTES = re.compile(r"[a-z_][a-z0-9_]*$")
