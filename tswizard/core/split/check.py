"""The check of a split migration: as strict as that of a full one, though hypertables and chunks
were recreated on the target."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial

from psycopg import Error

from tswizard.core.catalog.cagg_model import CaggState
from tswizard.core.catalog.catalog_shape import read_shape
from tswizard.core.catalog.inventory import Job
from tswizard.core.catalog.jobs import read_jobs
from tswizard.core.db.concurrency import both
from tswizard.core.db.connection import Connection, connected
from tswizard.core.db.errors import message_of
from tswizard.core.db.identifiers import parted
from tswizard.core.model.finding import Finding, Level
from tswizard.core.model.kept_history import kept_caggs
from tswizard.core.model.plan import Task
from tswizard.core.model.wording import plural
from tswizard.core.run.context import Context
from tswizard.core.split.caggs.compare import read_states, state_findings
from tswizard.core.split.caggs.compare_views import compare_views
from tswizard.core.split.check_stored import check_stored
from tswizard.core.split.ledger.table_stats import TableTotals, read_table_totals
from tswizard.core.split.new_on_source import expected_jobs, new_caggs_finding
from tswizard.core.split.policies.comparison import matched_ids, with_jobs
from tswizard.core.split.policies.recreate import possible_jobs, read_target_ids
from tswizard.core.split.policies.statements import JobApi, read_job_api
from tswizard.core.split.schema.cagg_facts import CaggFacts, Caggs, read_cagg_facts
from tswizard.core.split.schema.chunk_objects import (
    ChunkChanges,
    ChunkKey,
    read_chunk_changes,
    read_chunk_names,
)
from tswizard.core.split.schema.hypertable_facts import HypertableFacts, read_hypertable_facts
from tswizard.core.split.schema.named_before import without_named
from tswizard.core.split.schema.normalize import chunk_keys, normalize, read_not_migrated
from tswizard.core.split.schema.restore_chunk_objects import ChunkObjects, chunk_object_findings
from tswizard.core.split.schema.toc_selection import read_selection
from tswizard.core.split.split_run import is_over
from tswizard.core.steps.compare import compare_ends
from tswizard.core.verify import Comparability
from tswizard.core.verify.database_reader import DatabaseReader
from tswizard.core.verify.rows.row_sets import RowSet, SetKind
from tswizard.core.verify.schema.not_migrated import NotMigrated
from tswizard.core.verify.schema.read import ObjectKey, Schema
from tswizard.core.verify.schema.source_changes import internal_names


async def check_split(ctx: Context) -> None:
    """Compare both databases, and add what copying each table took to the compared tables.

    Continuous aggregates that were left out, and what depends on them, are not expected on the
    target.
    """
    stored = asyncio.Event()

    async def chunks_as_stored() -> None:
        if not is_over(ctx):
            await check_stored(ctx)
        stored.set()

    migrated = _Migrated(ctx, stored)
    compare = compare_ends(ctx, Comparability(migrated.schemas, migrated.rows))
    if ctx.task.concurrent:
        await both(chunks_as_stored(), compare)
    else:
        await chunks_as_stored()
        await compare
    if any(f.id == "cagg-states" for f in ctx.findings) and not migrated.states_were_equal:
        record = ctx.run_folder.record
        ctx.run_folder.save(replace(record, arrived=(*record.arrived, _STATES)))
    await _add_table_totals(ctx)


_STATES = "(states of continuous aggregates)"
"""In a record's `arrived`: they were equal at some check."""


class _Migrated:
    """What the split method has brought to the target."""

    def __init__(self, ctx: Context, stored: asyncio.Event) -> None:
        self._ctx = ctx
        self._stored = stored
        """Set when chunks that traveled as stored were compared, under the snapshot that ends
        with the comparison."""
        self._task = ctx.task
        self.states_were_equal = _STATES in ctx.run_folder.record.arrived
        self._caggs = frozenset(cagg.label for cagg in ctx.task.inventory.caggs)
        """Those of the source; once `schemas` was called also those that it has created since."""
        kept = kept_caggs(ctx.task.inventory, ctx.task.answers)
        self._kept = frozenset(cagg.label for cagg in kept)
        self._on_target: Mapping[str, CaggFacts] = {}
        self._not_migrated = NotMigrated()

    async def schemas(
        self, source: DatabaseReader, target: DatabaseReader, ours: Schema, theirs: Schema
    ) -> tuple[Schema, Schema]:
        """Both schemas in a form in which only what did not arrive differs."""
        selection = await read_selection(self._ctx)
        here, there = await both(
            source.run(_read_source), target.run(partial(_read_target, self._task))
        )
        self._on_target = there.caggs
        if (new := new_caggs_finding(self._task, selection, here.caggs, there.caggs)) is not None:
            self._ctx.found(new)
        self._caggs |= here.caggs.keys()
        absent = {facts.quoted for label, facts in here.caggs.items() if label not in there.caggs}
        ours_alone = here.chunk_changes.without(absent)
        objects = ChunkObjects(ours_alone, there.chunk_changes, there.chunk_names)
        for finding in chunk_object_findings(objects, self._task.target.label):
            self._ctx.found(finding)
        self._not_migrated = await source.run(
            lambda connection: read_not_migrated(connection, selection, self._on_target)
        )
        inside = self._task.inventory.hazards.in_extension_schemas
        self._not_migrated = NotMigrated(
            self._not_migrated.identities | {found.identity for found in inside},
            self._not_migrated.functions | {found.signature for found in inside},
        )
        await self._stored.wait()
        states = self._compare_states(here.states, there.states)
        await self._compare_views(source, target, states)
        caggs = Caggs(here.caggs, self._kept)
        chunks = chunk_keys(ours, here.hypertables, caggs)
        ours, theirs = normalize(
            (ours, here.hypertables),
            (theirs, there.hypertables),
            self._not_migrated,
            (caggs, Caggs(self._on_target, self._kept)),
        )
        ours = self._without_new(ours, theirs, chunks)
        hazards = self._task.inventory.hazards
        ours, theirs = without_named(ours, hazards), without_named(theirs, hazards)
        roles = self._task.inventory.server.role.name, self._task.target_server.role.name
        return (
            with_jobs(
                ours,
                expected_jobs(self._task, here.jobs, self._caggs - self._on_target.keys()),
                there.api,
                roles[0],
            ),
            with_jobs(theirs, there.jobs, there.api, roles[1]),
        )

    def _without_new(self, ours: Schema, theirs: Schema, chunks: Mapping[str, ObjectKey]) -> Schema:
        """Chunks that the source has created since it was inspected, and that did not arrive, are
        named by themselves; whether rows are missing is said by the comparison of rows."""
        known = set(internal_names(self._task.inventory))
        new = {
            key: relation
            for relation, key in chunks.items()
            if relation not in known and key not in theirs.objects
        }
        if not new:
            return ours
        self._ctx.found(
            Finding(
                Level.LOOK,
                "chunks-new",
                f"{plural(len(new), 'chunk')} created on the source after it was inspected, not on "
                "the target",
                where=self._task.source.label,
                why="Rows that were written after reading began are not migrated.",
                todo="Copy their rows, or accept the loss.",
                details=tuple(sorted(new.values())),
            )
        )
        return replace(ours, objects={k: o for k, o in ours.objects.items() if k not in new})

    def _compare_states(
        self, here: Mapping[str, CaggState], there: Mapping[str, CaggState]
    ) -> dict[str, CaggState]:
        kept = {label: state for label, state in here.items() if label in self._kept}
        for finding in state_findings(kept, there, self._task.target.label):
            self._ctx.found(_moved(finding) if self.states_were_equal else finding)
        return kept

    async def _compare_views(
        self, source: DatabaseReader, target: DatabaseReader, states: Mapping[str, CaggState]
    ) -> None:
        """Of continuous aggregates that keep their rows; none once either end has moved on."""
        if self.states_were_equal:
            return
        inventory = self._task.inventory
        there = self._kept & self._on_target.keys()
        caggs = [cagg for cagg in inventory.caggs if cagg.label in there]
        dependents = [d for d in inventory.cagg_dependents if there.issuperset(d.caggs)]
        await compare_views(self._ctx, (source, target), caggs, states, dependents)

    def rows(self, rows: RowSet) -> RowSet | None:
        """These rows as they are compared; None when they were not to arrive. Call it after
        `schemas`."""
        if rows.of_cagg and rows.name in self._caggs:
            facts = self._on_target.get(rows.name)
            if facts is None:
                return None
            kind = SetKind.HYPERTABLE if rows.name in self._kept else SetKind.RECOMPUTED
            return replace(rows, kind=kind, target=facts.materialization.key)
        absent = {parted(identity) for identity in self._not_migrated.identities}
        return None if (rows.schema, rows.table) in absent else rows


def _moved(finding: Finding) -> Finding:
    """Of a check again, where an earlier one had found everything equal."""
    if finding.level is Level.PASS:
        return finding
    return replace(
        finding,
        level=Level.LOOK,
        why="All were equal at an earlier check: refreshes on the source or the target have moved "
        "them since.",
        todo="Nothing, if policies or you refresh them on the source or the target.",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _End:
    """What is read of an end beside its schema."""

    caggs: Mapping[str, CaggFacts]
    states: Mapping[str, CaggState]
    hypertables: tuple[HypertableFacts, ...]
    chunk_changes: ChunkChanges
    jobs: tuple[Job, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Target(_End):
    chunk_names: Mapping[ChunkKey, str]
    api: JobApi


async def _read_source(connection: Connection) -> _End:
    shape = await read_shape(connection)
    return _End(
        caggs=await read_cagg_facts(connection),
        states=await read_states(connection),
        hypertables=await read_hypertable_facts(connection),
        chunk_changes=await read_chunk_changes(connection),
        jobs=await read_jobs(connection, shape) if shape.timescaledb else (),
    )


async def _read_target(task: Task, connection: Connection) -> _Target:
    end = await _read_source(connection)
    return _Target(
        caggs=end.caggs,
        states=end.states,
        hypertables=end.hypertables,
        chunk_changes=end.chunk_changes,
        chunk_names=await read_chunk_names(connection),
        jobs=end.jobs,
        api=await read_job_api(connection, task.target_server.timescaledb_schema or "public"),
    )


async def _add_table_totals(ctx: Context) -> None:
    try:
        async with connected(ctx.task.target) as target:
            totals = await read_table_totals(target)
    except Error as error:
        ctx.say(f"pieces and retries are missing in the report: {message_of(error)}")
        return
    record = ctx.run_folder.record
    tables = tuple(
        replace(
            table,
            pieces=total.pieces,
            pieces_failed=total.failed,
            retries=total.retries,
            bytes_copied=total.bytes,
        )
        for table in record.tables
        # A table without pieces is a hypertable without chunks.
        for total in (totals.get(table.name, TableTotals()),)
    )
    ctx.run_folder.save(replace(record, tables=tables))


async def known_ids(ctx: Context) -> Mapping[int, int]:
    """Source's job id -> target's; by what they do where the run's own tables are gone, which they
    are once everything has passed. Raises CannotConnect, psycopg.Error."""
    task = ctx.task
    async with connected(task.target) as target:
        ids = await read_target_ids(target)
        if ids:
            return ids
        ours = possible_jobs(task, await read_cagg_facts(target))
        api = await read_job_api(target, task.target_server.timescaledb_schema or "public")
        theirs = await read_jobs(target, await read_shape(target))
    roles = task.inventory.server.role.name, task.target_server.role.name
    return matched_ids(ours, theirs, api, roles)
