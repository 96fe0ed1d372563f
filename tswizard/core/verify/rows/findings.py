"""The comparison of rows as findings and as the report's table."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from tswizard.core.model.finding import Finding, Level, worst
from tswizard.core.model.judged import JudgedMessage
from tswizard.core.model.outcome import RangeRows, TableRows
from tswizard.core.model.verdict import Verdict
from tswizard.core.model.wording import plural
from tswizard.core.model.write_counters import WriteCounters
from tswizard.core.verify.request import VerifyJob
from tswizard.core.verify.rows.compare import SetResult
from tswizard.core.verify.rows.row_sets import ALL_LARGE_OBJECTS, SetKind, SetName
from tswizard.core.verify.rows.written_since import (
    WritesSince,
    relations_of,
    relations_of_chunk,
    writes_between,
)

_RANGES = 200
"""Ranges listed in one finding."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What can explain a difference."""

    job: VerifyJob
    counters: WriteCounters | None
    """The source's counters after the comparison; None where none were read before the dump."""
    newer: Mapping[SetName, WritesSince]
    """Writes after the snapshot; only with a snapshot."""
    there: Mapping[str, WritesSince] = field(default_factory=dict)
    """Writes to the target since it was checked first, of tables that had arrived."""
    younger: Mapping[str, int] = field(default_factory=dict)
    """Rows on the source that are younger than the dump, of tables that differ by no more."""


def table_rows(
    results: Iterable[SetResult], newer: Mapping[SetName, WritesSince]
) -> tuple[TableRows, ...]:
    """The report's table, by name."""
    return tuple(
        TableRows(
            name=result.rows.name,
            source_rows=result.source_rows,
            target_rows=result.target_rows,
            equal=result.equal,
            newer_on_source=newer[result.rows.identity].rows
            if result.rows.identity in newer
            else 0,
            differing=tuple(result.differing),
        )
        for result in sorted(results, key=lambda result: result.rows.name)
    )


def rows_findings(results: tuple[SetResult, ...], evidence: Evidence) -> tuple[Finding, ...]:
    """One finding for the total, one for each table that is not equal."""
    wrong = [
        _unreadable(result, evidence) if result.unreadable else _differs(result, evidence)
        for result in sorted(results, key=lambda result: result.rows.name)
        if not result.equal
    ]
    return (_sum(results, evidence.job, worst(wrong)), *wrong, *_newer(evidence))


def _sum(results: tuple[SetResult, ...], job: VerifyJob, level: Level) -> Finding:
    equal = [result for result in results if result.equal]
    total = sum(result.source_rows for result in equal)
    how = "counted and checksummed" if job.verify == "checksum" else "counted only, as you chose"
    return Finding(
        level,
        "rows",
        f"{len(equal)} of {plural(len(results), 'table')} equal, {plural(total, 'row')} {how}",
        why="" if job.verify == "checksum" else "Equal counts do not prove equal contents.",
        details=tuple(r.rows.name for r in results if not r.equal),
    )


def _unreadable(result: SetResult, evidence: Evidence) -> Finding:
    name, end = result.rows.name, result.unreadable[0]
    endpoint = evidence.job.source if end.server == "source" else evidence.job.target
    if end.forbidden:
        return Finding(
            Level.LOOK,
            "rows-unreadable",
            f"{name} could not be compared: this role lacks the privilege to read all of it.",
            where=endpoint.label,
            why=end.message,
            todo=f"Check it as a role that has it: SELECT count(*) FROM {name};",
        )
    if end.missing and end.server == "target":
        return Finding(
            Level.FAIL,
            "rows-lost",
            f"{name} does not exist on the target; "
            f"{plural(result.source_rows, 'row is', 'rows are')} lost.",
            where=endpoint.label,
            todo="See the log for why it was not created.",
        )
    return Finding(
        Level.FAIL,
        "rows-unreadable",
        f"{name} could not be compared: reading it on the {end.server} failed.",
        where=endpoint.label,
        why=end.message,
        todo="Fix the cause, then check again.",
    )


def _differs(result: SetResult, evidence: Evidence) -> Finding:
    name, where = result.rows.name, evidence.job.target.label
    what, details = f"{name}: {_amounts(result)}", _details(result.differing)
    if result.rows.kind is SetKind.MATVIEW:
        return Finding(
            Level.LOOK,
            "rows-recomputed",
            what,
            where=where,
            why="pg_restore refreshes a materialized view from the restored tables; the source's "
            "was last refreshed at some earlier time.",
            todo="Run REFRESH MATERIALIZED VIEW on the source, then check again.",
            details=details,
        )
    if result.rows.kind is SetKind.RECOMPUTED:
        return Finding(
            Level.LOOK,
            "cagg-recomputed",
            what,
            where=where,
            why="It was refreshed from the raw rows on the target, as you chose: buckets without "
            "raw rows are missing, and averages of floating-point numbers may differ in the last "
            "digits.",
            todo="Nothing, if that is what you want.",
            details=details,
        )
    if lost := _lost(result, evidence.job.judged):
        return Finding(
            Level.FAIL,
            "rows-lost",
            what,
            where=where,
            why=f"{lost[0].tool} reported {plural(len(lost), 'error')}, first: {lost[0].message}",
            todo=lost[0].todo or "Fix the cause, then migrate again into a new, empty target.",
            details=details,
        )
    if name in evidence.there:
        return Finding(
            Level.LOOK,
            "rows-written-there",
            what,
            where=where,
            why="All rows were equal at an earlier check, and the target was written to since "
            f"({evidence.there[name].words}).",
            todo="Nothing, if your applications or jobs write there already; otherwise find out "
            "who does.",
            details=details,
        )
    written = _explained(result, evidence)
    if written and name in evidence.job.arrived:
        return Finding(
            Level.LOOK,
            "rows-written",
            what,
            where=where,
            why="All rows were equal at an earlier check, and the source was written to since "
            f"({written.words}).",
            todo="Nothing, if you do not need these rows; otherwise copy the listed ranges.",
            details=details,
        )
    if written:
        return Finding(
            Level.LOOK,
            "rows-written",
            what,
            where=where,
            why=f"The source was written to since copying began ({written.words}), and copy and "
            "check shared no snapshot: whether everything from before then arrived is unknown.",
            todo="Stop the writes and migrate again, or compare the listed ranges by hand.",
            details=details,
        )
    if name in evidence.younger:
        return Finding(
            Level.LOOK,
            "rows-written",
            what,
            where=where,
            why="By their transactions, "
            f"{plural(evidence.younger[name], 'row on the source was', 'rows on the source were')} "
            "written since copying began, and copy and check had no snapshot in common: whether "
            "everything from before then arrived is unknown.",
            todo="Stop the writes and migrate again, or compare the listed ranges by hand.",
            details=details,
        )
    return Finding(
        Level.FAIL,
        "rows-differ",
        what,
        where=where,
        why="Cause unknown.",
        todo="Do not use this target. Find the cause (the ranges below, the log), then migrate "
        "again into a new, empty target.",
        details=details,
    )


def _amounts(result: SetResult) -> str:
    missing = sum(max(0, r.source_rows - r.target_rows) for r in result.differing)
    extra = sum(max(0, r.target_rows - r.source_rows) for r in result.differing)
    changed = sum(r.source_rows == r.target_rows for r in result.differing)
    words = [
        f"{plural(result.source_rows, 'row')} on the source, {result.target_rows:,} on the target"
    ]
    if missing:
        words.append(f"{missing:,} missing")
    if extra:
        words.append(f"{extra:,} only on the target")
    if changed:
        ranges = plural(changed, "range")
        words.append(f"contents differ in {ranges} (same row count)")
    return "; ".join(words)


def _details(differing: list[RangeRows]) -> tuple[str, ...]:
    lines = [
        f"{r.range or 'whole table'}: {plural(r.source_rows, 'row')} on the source, "
        f"{r.target_rows:,} on the target" + (f" ({', '.join(r.chunks)})" if r.chunks else "")
        for r in differing[:_RANGES]
    ]
    if len(differing) > _RANGES:
        lines.append(f"and {len(differing) - _RANGES:,} more")
    return tuple(lines)


def _lost(result: SetResult, judged: tuple[JudgedMessage, ...]) -> list[JudgedMessage]:
    """Verdicts about a relation that holds rows of this set; by its unqualified name where the
    log has no schema."""
    full = {*relations_of(result.rows), result.rows.name}
    bare = {name.split(".", 1)[-1] for name in full}
    return [
        j
        for j in judged
        if j.verdict is Verdict.LOST
        and (f"{j.schema}.{j.relation}" in full if j.schema else j.relation in bare)
    ]


def _explained(result: SetResult, evidence: Evidence) -> WritesSince | None:
    """Writes since the dump that touch every range that differs; None when one is untouched."""
    before, now = evidence.job.counters_before, evidence.counters
    if evidence.job.snapshot is not None or before is None or now is None:
        return None
    chunks = {f"{c.schema}.{c.name}": c for c in result.rows.chunks}
    touched: list[str] = []
    for part in result.differing:
        names = tuple(
            relation
            for chunk in part.chunks
            if chunk in chunks
            for relation in relations_of_chunk(chunks[chunk])
        ) or relations_of(result.rows)
        if writes_between(names, before, now) is None and not _dropped(result, evidence):
            return None
        touched += names
    return writes_between(tuple(dict.fromkeys(touched)), before, now) or WritesSince(
        inserted=0, updated=0, deleted=0
    )


def _dropped(result: SetResult, evidence: Evidence) -> bool:
    """Has the source dropped chunks of this hypertable since it was inspected?"""
    now = {(chunk.schema, chunk.name) for chunk in result.rows.chunks}
    return any(
        (chunk.schema, chunk.name) not in now
        for hypertable in evidence.job.inventory.hypertables
        if hypertable.label == result.rows.name
        for chunk in hypertable.chunks
    )


def _newer(evidence: Evidence) -> Iterable[Finding]:
    for written in sorted(evidence.newer.values(), key=lambda written: written.name):
        if written.name == ALL_LARGE_OBJECTS:
            yield _newer_large_objects(written, evidence.job)
            continue
        amount = "rows changed"
        if written.rows:
            amount = f"{f'{written.rows:+}'[0]}{plural(abs(written.rows), 'row')}"
        yield Finding(
            Level.LOOK,
            "rows-newer",
            f"{written.name}: {amount} on the source since copying began",
            where=evidence.job.source.label,
            why=f"Written since: {written.words}."
            if written.inserted or written.updated or written.deleted
            else "",
            todo="On the source, run this and copy the rows it returns, or accept the loss."
            if written.show
            else "Copy these rows, or accept the loss.",
            details=(written.show,) if written.show else (),
        )


def _newer_large_objects(written: WritesSince, job: VerifyJob) -> Finding:
    more = f"{written.rows:+,}" if written.rows else "some changed"
    return Finding(
        Level.LOOK,
        "rows-newer",
        f"{written.name}: {more} on the source since copying began",
        where=job.source.label,
        why="They are compared together: others may have changed as well." if written.rows else "",
        todo="Copy them again, or accept the loss.",
    )


def misplaced_findings(
    source: Mapping[str, int], target: Mapping[str, int], job: VerifyJob
) -> tuple[Finding, ...]:
    """Rows in root tables: no query returns them, and no dump of the source includes them."""
    findings = [
        Finding(
            Level.FAIL,
            "rows-misplaced",
            f"{name}: {plural(count, 'row')} in the hypertable's root table, where no query sees "
            "them.",
            where=job.target.label,
            why="They were restored there because restore mode was off "
            "(timescale/timescaledb#7137).",
            todo="Migrate again into a new, empty target.",
        )
        for name, count in target.items()
    ]
    findings += [
        Finding(
            Level.LOOK,
            "rows-hidden",
            f"{name}: {plural(count, 'row')} in the root table on the source, where no query and "
            "no dump sees them.",
            where=job.source.label,
            why="They were written before it was a hypertable, or in restore mode.",
            todo=f"If you need them, run on the source: SELECT * FROM ONLY {name};",
        )
        for name, count in source.items()
    ]
    return tuple(findings)
