"""Compares source and target after a full migration: every object, every row."""

from collections.abc import Awaitable, Callable

from tswizard.core.events import TableState
from tswizard.core.finding import Finding
from tswizard.core.verify.both import both
from tswizard.core.verify.extra_findings import catalog_findings, sequence_findings
from tswizard.core.verify.job import (
    Counters,
    OnProgress,
    Verification,
    VerifyJob,
    VerifyProgress,
)
from tswizard.core.verify.rows.compare import RowComparison, SetResult, no_pause
from tswizard.core.verify.rows.counters import read_counters
from tswizard.core.verify.rows.findings import (
    Evidence,
    misplaced_findings,
    rows_findings,
    table_rows,
)
from tswizard.core.verify.rows.newer import Written, newer_rows
from tswizard.core.verify.rows.roots import misplaced
from tswizard.core.verify.rows.sets import read_sets
from tswizard.core.verify.schema.catalog_rows import compare_catalog_rows
from tswizard.core.verify.schema.compare import Comparison, compare
from tswizard.core.verify.schema.explain import explained
from tswizard.core.verify.schema.findings import schema_findings
from tswizard.core.verify.schema.proof import without_equal_views
from tswizard.core.verify.schema.read import Schema, read_schema
from tswizard.core.verify.schema.sequences import compare_values, read_values
from tswizard.core.verify.session import Side, opened

Unpaused = Callable[[], Awaitable[None]]


async def verify(
    job: VerifyJob, on_progress: OnProgress, unpaused: Unpaused = no_pause
) -> Verification:
    """Compare both ends by their catalogs and by their rows. Both are only read.

    `unpaused` is awaited before each range of rows, so that a run can be held there. Raises
    CannotConnect and psycopg.Error when a catalog cannot be read, VerifyStopped when the rows
    cannot be read to the end. When cancelled, no query goes on.
    """
    async with (
        opened("source", job.source, job.snapshot) as source,
        opened("target", job.target) as target,
    ):
        on_progress(_reading("schemas"))
        findings, ours = await _schemas(job, source, target)
        on_progress(_reading("sequences and TimescaleDB's catalog"))
        findings += await _sequences(job, source, target)
        findings += await _catalog(job, source, target, ours)
        comparison = RowComparison(
            job,
            await read_sets(await source.connection(), ours.catalogs.shape),
            on_progress,
            unpaused,
        )
    await comparison.run()
    evidence = await _evidence(job, comparison.results)
    return Verification(
        (*findings, *rows_findings(comparison.results, evidence)),
        table_rows(comparison.results, evidence.newer),
    )


def _reading(what: str) -> VerifyProgress:
    return VerifyProgress(0, 0, "", f"reading {what}", state=TableState.WAITING)


async def _schemas(job: VerifyJob, source: Side, target: Side) -> tuple[list[Finding], Schema]:
    here, there = await source.connection(), await target.connection()
    ours, theirs = await both(read_schema(here), read_schema(there))
    compared = compare(ours, theirs)
    differences = await without_equal_views(there, compared.differences)
    if job.snapshot is None:
        differences = explained(differences, job.inventory, ours)
    result = Comparison(differences, compared.compared, compared.parts_compared)
    findings = list(schema_findings(result, ours))
    lying = await both(
        misplaced(here, ours.catalogs.shape), misplaced(there, theirs.catalogs.shape)
    )
    return findings + list(misplaced_findings(*lying, job)), ours


async def _sequences(job: VerifyJob, source: Side, target: Side) -> list[Finding]:
    ours, theirs = await both(
        read_values(await source.connection()), read_values(await target.connection())
    )
    before = {(s.schema, s.name): s for s in job.inventory.sequences}
    both_ends = sum(name in theirs for name in ours)
    return list(sequence_findings(compare_values(ours, theirs, before), both_ends, job))


async def _catalog(job: VerifyJob, source: Side, target: Side, ours: Schema) -> list[Finding]:
    if not ours.catalogs.shape.timescaledb:
        return []
    connection = await source.connection()
    differences, total = await compare_catalog_rows(connection, await target.connection())
    written = False
    if differences and job.snapshot is None and job.counters_before is not None:
        now = await read_counters(connection)
        written = now.written != job.counters_before.written
    return list(catalog_findings(differences, total, job, written=written))


async def _evidence(job: VerifyJob, results: tuple[SetResult, ...]) -> Evidence:
    counters: Counters | None = None
    newer: dict[str, Written] = {}
    if job.snapshot is not None:
        newer = await newer_rows(job, results)
    elif job.counters_before is not None and any(r.differing for r in results):
        async with opened("source", job.source) as source:
            counters = await read_counters(await source.connection())
    return Evidence(job, counters, newer)
