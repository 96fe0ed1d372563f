"""Findings on sequences and on rows of TimescaleDB's catalog."""

from collections.abc import Sequence
from typing import Literal

from tswizard.core.db.identifiers import qualified
from tswizard.core.model.finding import Finding, Level
from tswizard.core.verify.request import VerifyJob
from tswizard.core.verify.schema.catalog_rows import LIVELY, CatalogDifference
from tswizard.core.verify.schema.sequences import SequenceDifference

_ROWS = 20
"""Rows of one catalog table named singly."""


def sequence_findings(
    differences: Sequence[SequenceDifference], total: int, job: VerifyJob
) -> tuple[Finding, ...]:
    """One finding for those that are behind, one for those that the source moved since."""
    by_state = {
        state: [d for d in differences if d.state == state]
        for state in ("behind", "moved", "unreadable")
    }
    if not differences:
        if not total:
            return ()
        return (
            Finding(
                Level.PASS, "schema-sequence-value", f"{total} of {total} sequences at their value"
            ),
        )
    findings = []
    equal = total - len(differences)
    if behind := by_state["behind"]:
        findings.append(
            Finding(
                Level.FAIL,
                "schema-sequence-value",
                f"{equal} of {total} sequences at their value, {len(behind)} not",
                where=job.target.label,
                why="The next insert may fail with a duplicate key.",
                todo="Run these statements on the target.",
                details=tuple(_setval(d) for d in behind),
            )
        )
    if moved := by_state["moved"]:
        findings.append(
            Finding(
                Level.LOOK,
                "sequences-moved",
                f"{len(moved)} sequences have moved on at the source since the dump",
                where=job.source.label,
                why="A sequence is in no snapshot; rows written since took their numbers from it.",
                todo="If you bring those rows over, run these statements on the target.",
                details=tuple(_setval(d) for d in moved),
            )
        )
    if unreadable := by_state["unreadable"]:
        findings.append(
            Finding(
                Level.LOOK,
                "sequences-unreadable",
                f"{len(unreadable)} sequences could not be compared: this role may not read them",
                details=tuple(".".join(d.name) for d in unreadable),
            )
        )
    return tuple(findings)


def _setval(difference: SequenceDifference) -> str:
    name = qualified(*difference.name).replace("'", "''")
    return (
        f"SELECT setval('{name}', {difference.source}, false);  "
        f"-- the target's next value is {difference.target}"
    )


def catalog_findings(
    differences: Sequence[CatalogDifference], total: int, job: VerifyJob, *, written: bool
) -> tuple[Finding, ...]:
    """`written`: the source may have been written to since the dump, and no snapshot tells."""
    if not differences:
        if not total:
            return ()
        return (
            Finding(
                Level.PASS,
                "schema-catalog-row",
                f"{total:,} of {total:,} further rows of TimescaleDB's catalog",
            ),
        )
    return tuple(_catalog(d, job, written=written) for d in differences)


def _catalog(difference: CatalogDifference, job: VerifyJob, *, written: bool) -> Finding:
    lively = difference.table.startswith(LIVELY)
    level: Literal[Level.FAIL, Level.LOOK] = (
        Level.LOOK if (lively and written) or not difference.missing else Level.FAIL
    )
    details = [f"missing on the target: {row}" for row in difference.missing[:_ROWS]]
    details += [f"only on the target: {row}" for row in difference.extra[:_ROWS]]
    return Finding(
        level,
        "schema-catalog-row",
        f"TimescaleDB's catalog table {difference.table}: {len(difference.missing):,} rows missing,"
        f" {len(difference.extra):,} only on the target",
        where=job.target.label,
        why="It changes with every write and refresh, and the source was written to since the dump."
        if level is Level.LOOK and lively
        else "pg_dump carries these rows as they are.",
        todo="See in the log what pg_restore said of this table.",
        details=tuple(details),
    )
