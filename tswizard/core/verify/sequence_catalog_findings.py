"""Findings about sequence values and rows of TimescaleDB's catalog."""

from collections.abc import Iterable, Sequence
from typing import Literal

from tswizard.core.db.identifiers import qualified
from tswizard.core.model.finding import Finding, Level
from tswizard.core.model.wording import plural
from tswizard.core.verify.request import VerifyJob
from tswizard.core.verify.schema.catalog_rows import VOLATILE, CatalogDifference
from tswizard.core.verify.schema.sequences import SequenceDifference

_ROWS = 20
"""Rows listed of one catalog table."""


def sequence_findings(
    differences: Sequence[SequenceDifference], total: int, job: VerifyJob
) -> tuple[Finding, ...]:
    """One finding for values that are behind, one for those advanced on either end since."""
    by_state = {
        state: [d for d in differences if d.state == state]
        for state in ("behind", "moved", "beyond", "ahead", "unreadable")
    }
    if not differences:
        if not total:
            return ()
        return (Finding(Level.PASS, "schema-sequence-value", _equal(total, total)),)
    findings = []
    equal = total - len(differences)
    if behind := by_state["behind"]:
        findings.append(
            Finding(
                Level.FAIL,
                "schema-sequence-value",
                f"{_equal(equal, total)}, {len(behind)} behind",
                where=job.target.label,
                why="The next INSERT may fail with a duplicate key.",
                todo="Run these statements on the target.",
                details=tuple(_setval(d) for d in behind),
            )
        )
    if moved := by_state["moved"]:
        findings.append(
            Finding(
                Level.LOOK,
                "sequences-moved",
                f"{plural(len(moved), 'sequence')} advanced on the source since copying began",
                where=job.source.label,
                why="Sequences are not part of a snapshot; rows written since used their values.",
                todo="If you copy those rows, run these statements on the target.",
                details=tuple(_setval(d) for d in moved),
            )
        )
    if beyond := by_state["beyond"]:
        findings.append(
            Finding(
                Level.PASS,
                "sequences-beyond",
                f"{plural(len(beyond), 'sequence')} of TimescaleDB further on the source",
                where=job.source.label,
                why="Chunks were created there since copying began. On the target they are beyond "
                "every number that is in use there.",
                details=tuple(".".join(d.name) for d in beyond),
            )
        )
    if ahead := by_state["ahead"]:
        findings.append(
            Finding(
                Level.LOOK,
                "sequences-ahead",
                f"{plural(len(ahead), 'sequence')} further on the target than on the source",
                where=job.target.label,
                why="Numbers were taken there since, as they are after the cut-over.",
                todo="Nothing, if the target is in use. Do not set them back: the next INSERT "
                "would fail with a duplicate key.",
                details=tuple(
                    f"{'.'.join(d.name)}: the target's next value is {d.target}, the source's "
                    f"{d.source}"
                    for d in ahead
                ),
            )
        )
    if unreadable := by_state["unreadable"]:
        findings.append(
            Finding(
                Level.LOOK,
                "sequences-unreadable",
                f"{plural(len(unreadable), 'sequence')} could not be compared: this role lacks "
                "SELECT on them",
                todo="GRANT SELECT on them to this role, on source and target, then check again.",
                details=tuple(".".join(d.name) for d in unreadable),
            )
        )
    return tuple(findings)


def _equal(equal: int, total: int) -> str:
    values = plural(total, "sequence value")
    return f"{equal:,} of {values}, TimescaleDB's own included"


def _setval(difference: SequenceDifference) -> str:
    name = qualified(*difference.name).replace("'", "''")
    return (
        f"SELECT setval('{name}', {difference.source}, false);  "
        f"-- the target's next value is {difference.target}"
    )


def catalog_findings(
    differences: Sequence[CatalogDifference], total: int, job: VerifyJob, *, written: bool
) -> tuple[Finding, ...]:
    """`written`: the source was written to since the dump, and no snapshot was shared."""
    if not differences:
        if not total:
            return ()
        return (
            Finding(
                Level.PASS,
                "schema-catalog-row",
                f"{total:,} of {total:,} other rows of TimescaleDB's catalog",
            ),
        )
    moving = [d for d in differences if written and d.table.startswith(VOLATILE)]
    others = (_catalog(d, job) for d in differences if d not in moving)
    return (*others, *([_moving(moving, job)] if moving else ()))


def _catalog(difference: CatalogDifference, job: VerifyJob) -> Finding:
    level: Literal[Level.FAIL, Level.LOOK] = Level.FAIL if difference.missing else Level.LOOK
    volatile = level is Level.LOOK and difference.table.startswith(VOLATILE)
    return Finding(
        level,
        "schema-catalog-row",
        f"TimescaleDB's catalog table {_amounts(difference)}",
        where=job.target.label,
        why="It changes with every write and refresh."
        if volatile
        else "pg_dump dumps these rows as they are.",
        todo="See what pg_restore reported about this table in the log.",
        details=tuple(_rows(difference, _ROWS)),
    )


def _moving(differences: Sequence[CatalogDifference], job: VerifyJob) -> Finding:
    """Tables that writing alone explains: one finding for all of them."""
    if len(differences) == 1:
        what = f"table {_amounts(differences[0])}"
    else:
        missing = sum(len(d.missing) for d in differences)
        extra = sum(len(d.extra) for d in differences)
        what = (
            f"({', '.join(d.table for d in differences)}): {plural(missing, 'row')} missing, "
            f"{extra:,} only on the target"
        )
    details = [
        line for d in differences for line in (_amounts(d), *_rows(d, _ROWS // len(differences)))
    ]
    return Finding(
        Level.LOOK,
        "schema-catalog-row",
        f"TimescaleDB's catalog {what}",
        where=job.target.label,
        why="It changes with every write and refresh, and the source was written to since the "
        "dump.",
        todo="See what pg_restore reported about these tables in the log.",
        details=tuple(details),
    )


def _amounts(difference: CatalogDifference) -> str:
    missing = plural(len(difference.missing), "row")
    return f"{difference.table}: {missing} missing, {len(difference.extra):,} only on the target"


def _rows(difference: CatalogDifference, at_most: int) -> Iterable[str]:
    at_most = max(at_most, 1)
    yield from (f"missing on the target: {row}" for row in difference.missing[:at_most])
    yield from (f"only on the target: {row}" for row in difference.extra[:at_most])
