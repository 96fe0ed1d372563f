"""Compares source and target after a migration: every object, every row."""

from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import replace

from psycopg.errors import InternalError_

from tswizard.core.catalog.catalog_shape import Shape
from tswizard.core.db.concurrency import both
from tswizard.core.db.connection import Connection
from tswizard.core.db.errors import message_of
from tswizard.core.model.events import TableState
from tswizard.core.model.finding import Finding, Level
from tswizard.core.model.write_counters import WriteCounters
from tswizard.core.verify.attached_tablespaces import (
    read_unknown_tablespaces,
    tablespace_findings,
)
from tswizard.core.verify.comparability import Comparability
from tswizard.core.verify.database_reader import DatabaseReader, open_reader
from tswizard.core.verify.request import (
    OnProgress,
    Verification,
    VerifyJob,
    VerifyProgress,
    VerifyStopped,
)
from tswizard.core.verify.rows.compare import RowComparison, SetResult, no_pause
from tswizard.core.verify.rows.findings import (
    Evidence,
    misplaced_findings,
    rows_findings,
    table_rows,
)
from tswizard.core.verify.rows.large_sets import cut_large
from tswizard.core.verify.rows.root_table_rows import misplaced
from tswizard.core.verify.rows.row_sets import RowSet, SetName, read_sets
from tswizard.core.verify.rows.write_counters import read_counters, read_next_xid
from tswizard.core.verify.rows.written_since import (
    WritesSince,
    written_on_target,
    younger_rows,
)
from tswizard.core.verify.schema.catalog_rows import compare_catalog_rows
from tswizard.core.verify.schema.column_details import with_columns
from tswizard.core.verify.schema.compare import compare_schemas
from tswizard.core.verify.schema.findings import schema_findings
from tswizard.core.verify.schema.named_beforehand import named_beforehand
from tswizard.core.verify.schema.read import Object, ObjectKey, Schema, own_objects, read_schema
from tswizard.core.verify.schema.sequences import (
    Name,
    SequenceState,
    compare_sequence_states,
    read_numbers_in_use,
    read_sequence_states,
)
from tswizard.core.verify.schema.source_changes import explained
from tswizard.core.verify.schema.view_equivalence import without_equal_views
from tswizard.core.verify.sequence_catalog_findings import catalog_findings, sequence_findings
from tswizard.core.verify.since_snapshot import SourceThen, read_changes

Unpaused = Callable[[], Awaitable[None]]


async def verify(
    job: VerifyJob,
    on_progress: OnProgress,
    unpaused: Unpaused = no_pause,
    comparability: Comparability | None = None,
) -> Verification:
    """Compare source and target by their catalogs and their rows. Both are only read.

    A `comparability` says what is compared where not everything is, or not as it is stored.
    `unpaused` is awaited before each range of rows, so that a run can be paused there. Raises
    psycopg.Error when a catalog cannot be read, VerifyStopped when a server can no longer be
    reached or is in restore mode. When cancelled, running queries are canceled too.
    """
    async with (
        open_reader("source", job.source, job.snapshot) as source,
        open_reader("target", job.target) as target,
    ):
        await both(_refuse_restore_mode(source), _refuse_restore_mode(target))
        on_progress(_reading("schemas"))
        findings, shape, objects = await _schemas(job, source, target, comparability)
        on_progress(_reading("sequences and TimescaleDB's catalog"))
        catalog = {} if comparability is None else comparability.catalog

        async def rest_of_source(
            connection: Connection,
        ) -> tuple[dict[Name, SequenceState], tuple[RowSet, ...]]:
            states = await read_sequence_states(connection)
            return states, await read_sets(connection, shape)

        (ours, sets), theirs = await both(
            source.run(rest_of_source), target.run(read_sequence_states)
        )
        then = SourceThen(objects, sets)
        findings += await _sequences(job, target, ours, theirs, own_ids=catalog is None)
        if catalog is not None:
            findings += await _catalog(job, source, target, shape, catalog)
        if comparability is not None:
            sets = tuple(found for rows in sets if (found := comparability.rows(rows)) is not None)
        sets = await source.run(lambda connection: cut_large(connection, sets))
    comparison = RowComparison(job, sets, on_progress, unpaused)
    await comparison.run()
    newer_objects, newer = await read_changes(job, then, comparison.results)
    evidence = await _evidence(job, comparison.results, newer)
    return Verification(
        (*findings, *newer_objects, *rows_findings(comparison.results, evidence)),
        table_rows(comparison.results, newer),
    )


def _reading(what: str) -> VerifyProgress:
    return VerifyProgress(
        done=0, total=0, table="", what=f"reading {what}", state=TableState.WAITING
    )


async def _refuse_restore_mode(reader: DatabaseReader) -> None:
    """In restore mode SELECT omits the rows of compressed chunks (measured on 2.23.1)."""
    mode = await reader.fetch("SELECT pg_catalog.current_setting('timescaledb.restoring', true)")
    if mode[0][0] == "on":
        raise VerifyStopped(
            Finding(
                Level.FAIL,
                "restore-mode",
                f"The {reader.name} is in restore mode, which hides compressed rows.",
                where=reader.endpoint.label,
                todo="Run SELECT timescaledb_post_restore(); there as the database's owner, then "
                "check again.",
            )
        )


async def _schemas(
    job: VerifyJob,
    source: DatabaseReader,
    target: DatabaseReader,
    comparability: Comparability | None,
) -> tuple[list[Finding], Shape, dict[ObjectKey, Object]]:
    """Findings, and of the source what is told from the rows later, and its own objects."""
    ours, theirs = await both(_source_schema(source, job), target.run(read_schema))
    objects = {} if job.snapshot is None else own_objects(ours.objects)
    if comparability is not None:
        ours, theirs = await comparability.schemas(source, target, ours, theirs)
    compared = compare_schemas(ours, theirs)
    differences = await target.run(
        lambda connection: without_equal_views(connection, compared.differences)
    )
    differences = await with_columns(
        (source, ours.catalogs), (target, theirs.catalogs), differences
    )
    if job.snapshot is None:
        differences = explained(differences, job.inventory, ours)
    differences = named_beforehand(differences, job)
    labels = {**theirs.labels, **ours.labels}
    findings = list(schema_findings(replace(compared, differences=differences), labels))
    shapes = ours.catalogs.shape, theirs.catalogs.shape

    async def rest_of_target(
        connection: Connection,
    ) -> tuple[dict[str, int], list[tuple[str, str]]]:
        lying = await misplaced(connection, shapes[1])
        return lying, await read_unknown_tablespaces(connection, shapes[1])

    here, (there, unknown) = await both(
        source.run(lambda connection: misplaced(connection, shapes[0])), target.run(rest_of_target)
    )
    findings += tablespace_findings(unknown, job.target.label)
    return findings + list(misplaced_findings(here, there, job)), shapes[0], objects


async def _source_schema(source: DatabaseReader, job: VerifyJob) -> Schema:
    """PostgreSQL prints definitions from the catalog as it is now: that fails for a view that the
    snapshot still shows and that was dropped since."""
    try:
        return await source.run(read_schema)
    except InternalError_ as error:
        if job.snapshot is None:
            raise
        raise VerifyStopped(
            Finding(
                Level.FAIL,
                "dropped-during-run",
                "The source's catalog can no longer be read as it was when its rows were read.",
                where=source.endpoint.label,
                why=f"A view or another object was dropped since: {message_of(error)}.",
                todo="Resume the run: it compares without what was dropped, and names what the "
                "target has of it.",
            )
        ) from error


async def _sequences(
    job: VerifyJob,
    target: DatabaseReader,
    ours: dict[Name, SequenceState],
    theirs: dict[Name, SequenceState],
    *,
    own_ids: bool,
) -> list[Finding]:
    own = {name: at for name, at in ours.items() if name[0].startswith("_timescaledb_")}
    if own_ids:  # the extension numbers its chunks and jobs on each server
        ours = {name: at for name, at in ours.items() if name not in own}
    before = {(s.schema, s.name): s for s in job.inventory.sequences}
    both_ends = sum(name in theirs for name in ours)
    differ = not own_ids and any(theirs.get(name) != at for name, at in own.items())
    used = await target.run(read_numbers_in_use) if differ else {}
    differences = compare_sequence_states(ours, theirs, before, used)
    return list(sequence_findings(differences, both_ends, job))


async def _catalog(
    job: VerifyJob,
    source: DatabaseReader,
    target: DatabaseReader,
    shape: Shape,
    without: Mapping[str, Collection[int]],
) -> list[Finding]:
    if not shape.timescaledb:
        return []
    differences, total = await compare_catalog_rows(source, target, without)
    written = False
    if differences and job.snapshot is None:
        for reader, before in (
            (source, job.counters_before),
            (target, job.target_counters_before),
        ):
            if before is not None:
                now = await reader.run(read_counters)
                written = written or now.written != before.written
        if job.source_xid is not None and not job.inventory.server.concurrent:
            # Its statistics count nothing, and nothing but writes takes a transaction's number.
            written = written or await source.run(read_next_xid) != job.source_xid
    return list(catalog_findings(differences, total, job, written=written))


async def _evidence(
    job: VerifyJob, results: tuple[SetResult, ...], newer: Mapping[SetName, WritesSince]
) -> Evidence:
    counters: WriteCounters | None = None
    there: dict[str, WritesSince] = {}
    younger: dict[str, int] = {}
    if job.snapshot is None and any(r.differing for r in results):
        if job.counters_before is not None:
            async with open_reader("source", job.source) as source:
                counters = await source.run(read_counters)
        there = await written_on_target(job, results)
        younger = await younger_rows(job, results)
    return Evidence(job=job, counters=counters, newer=newer, there=there, younger=younger)
