"""Constraints of hypertables, and foreign keys that point to one.

pg_dump writes `ALTER TABLE ONLY`, which a hypertable refuses (timescale/timescaledb#4917), so they
are added from pg_get_constraintdef. Primary keys of hypertables with many chunks come before these
(`early_keys`). Those of a hypertable whose chunks are compressed as they are copied come before its
rows: with compressed chunks no foreign key and no check can be added, and older versions refuse
more. All others come after the rows, so that each index is built once; so do all of a hypertable
with a constraint that is NOT VALID, since its old rows may violate it.
"""

from collections.abc import Collection, Iterable, Sequence

from tswizard.core.catalog.constraints import read_constraints
from tswizard.core.catalog.inventory import Constraint
from tswizard.core.db.connection import Connection, connected
from tswizard.core.db.identifiers import identifier, qualified
from tswizard.core.dump.toc import PG_CONSTRAINT, POST, Toc
from tswizard.core.model.finding import Finding, Level
from tswizard.core.run.context import Context, StepSkipped
from tswizard.core.split.schema.already_restored import read_already_restored
from tswizard.core.split.schema.dump import read_schema_toc
from tswizard.core.split.schema.early_keys import early_keys
from tswizard.core.split.schema.execute import (
    Change,
    RefusedChange,
    path_statement,
    run_changes,
)
from tswizard.core.split.schema.execute_at_once import run_changes_at_once
from tswizard.core.split.schema.hypertable_facts import read_hypertable_facts
from tswizard.core.split.schema.index_flags import (
    HypertableIndex,
    index_flag_statements,
    read_hypertable_indexes,
    reordered_chunk_findings,
)
from tswizard.core.split.schema.late_checks import add_late_checks
from tswizard.core.split.schema.restore import restore_entries
from tswizard.core.split.schema.target_session import schema_session
from tswizard.core.split.schema.toc_selection import read_exclusions
from tswizard.core.verify.schema.same_definition import same_definition

TableName = tuple[str, str]
"""Schema and name."""

_KIND_ORDER = "puxcf"
"""contype of keys, before that of what points to them."""

_AFTER_STORAGE = (" NOT VALID", " INITIALLY DEFERRED", " DEFERRABLE")


def constraint_statement(constraint: Constraint) -> str:
    """The SQL that adds it."""
    return (
        f"ALTER TABLE {qualified(constraint.schema, constraint.table)} "
        f"ADD CONSTRAINT {identifier(constraint.name)} {_definition(constraint)}"
    )


def _definition(constraint: Constraint) -> str:
    """The definition with the index's storage parameters, which precede its last words."""
    if not constraint.storage:
        return constraint.definition
    head, tail = constraint.definition, ""
    for words in _AFTER_STORAGE:
        if head.endswith(words):
            head, tail = head.removesuffix(words), words + tail
    return f"{head} WITH ({constraint.storage}){tail}"


def same_constraint(ours: Constraint, theirs: Constraint) -> bool:
    """Is it the same constraint on another server?"""
    return (
        ours.kind == theirs.kind
        and ours.validated == theirs.validated
        and same_definition(ours.definition, theirs.definition)
        and same_definition(ours.storage, theirs.storage)
    )


def keys_first(constraints: Sequence[Constraint]) -> tuple[Constraint, ...]:
    """Primary keys and unique constraints first, foreign keys last."""
    return tuple(sorted(constraints, key=lambda c: (_KIND_ORDER.index(c.kind), c.key)))


def before_compression(
    constraints: Sequence[Constraint],
    compressed: Collection[TableName],
    late: Collection[TableName] = (),
) -> tuple[Constraint, ...]:
    """Those that have to exist before the first chunk is compressed. Hypertables in `late` are
    compressed when everything else is there."""
    now = set(compressed) - compressed_last(constraints, compressed) - set(late)
    return keys_first([c for c in constraints if not c.incoming and c.on in now])


def compressed_last(
    constraints: Sequence[Constraint], compressed: Collection[TableName]
) -> frozenset[TableName]:
    """Compressed hypertables with a constraint that is NOT VALID: old rows may violate it, so it
    can only be added after the rows, and they can only be compressed after that."""
    return frozenset(
        c.on for c in constraints if not c.validated and not c.incoming and c.on in compressed
    )


async def read_compressed_last(
    source: Connection, late: Collection[TableName] = ()
) -> frozenset[TableName]:
    """Hypertables of the source that must not be compressed before `constraints_after_rows`:
    besides what their constraints tell, those in `late`."""
    compressed = {t.key for t in await read_hypertable_facts(source) if t.compression}
    last = compressed_last(await read_constraints(source), compressed)
    return last | compressed.intersection(late)


def referenced_keys(
    toc: Toc, constraints: Sequence[Constraint], excluded: frozenset[int]
) -> set[int]:
    """IDs of post-data entries that foreign keys among these constraints depend on: keys of plain
    tables, and of a partitioned table also those of its partitions. `excluded` are OIDs of
    constraints that pg_restore does not create."""
    foreign_keys = [toc.find(PG_CONSTRAINT, c.oid) for c in constraints if c.kind == "f"]
    needed = toc.dependencies(entry.id for entry in foreign_keys if entry)
    attached = {
        entry.id
        for entry in toc.section(POST)
        if entry.kind == "INDEX ATTACH" and entry.depends_on & needed
    }
    wanted = needed | attached | toc.dependencies(attached)
    return {
        entry.id
        for entry in toc.section(POST)
        if entry.id in wanted and not (entry.catalog == PG_CONSTRAINT and entry.oid in excluded)
    }


async def keys_before_chunks(ctx: Context) -> None:
    """Add the primary keys that precede the chunks of their hypertables. Raises StepFailed,
    CannotConnect, psycopg.Error."""
    async with connected(ctx.task.source) as source:
        constraints = await read_constraints(source)
    await _add_constraints(ctx, _early(ctx, constraints))


def _early(ctx: Context, constraints: Iterable[Constraint]) -> tuple[Constraint, ...]:
    return early_keys(constraints, ctx.task.inventory, ctx.task.target_server)


def _without_early(ctx: Context, constraints: Sequence[Constraint]) -> tuple[Constraint, ...]:
    """A key that was refused before the chunks is not tried again after them."""
    early = _early(ctx, constraints)
    return tuple(c for c in constraints if c not in early)


async def constraints_before_rows(ctx: Context) -> None:
    """Add constraints and unique indexes of hypertables that are compressed, and the keys that they
    point to.

    The rows of plain tables that they point to must be there. Raises StepFailed, StepSkipped,
    CannotConnect, psycopg.Error.
    """
    async with connected(ctx.task.source) as source:
        constraints = _without_early(ctx, await read_constraints(source))
        compressed = {t.key for t in await read_hypertable_facts(source) if t.compression}
        indexes = await read_hypertable_indexes(source)
    late = ctx.task.inventory.hazards.compressed_late
    chosen = before_compression(constraints, compressed, late)
    unique = [i for i in indexes if i.unique and (i.schema, i.table) in compressed - late]
    if not chosen and not unique:
        raise StepSkipped("no compressed hypertable has constraints that can precede its rows")
    await _restore_referenced_keys(ctx, chosen)
    await _add_constraints(ctx, chosen)
    await _create_unique_indexes(ctx, unique)


async def _create_unique_indexes(ctx: Context, indexes: Sequence[HypertableIndex]) -> None:
    """Before 2.18 a hypertable with compression takes none (ts_process_utility of 2.11 to 2.17)."""
    paths = ctx.task.inventory.hazards.index_paths
    async with schema_session(ctx) as target:
        there = {index.key for index in await read_hypertable_indexes(target)}
        changes = [
            Change(
                i.label,
                (*path_statement(paths.get(i.key)), i.definition, *_cluster(i)),
                frozenset({(i.schema, i.table)}),
            )
            for i in indexes
            if i.definition and i.key not in there
        ]
        refused = await run_changes_at_once(ctx, target, changes)
    _report_refused(ctx, "unique-indexes", "unique indexes could not be created", refused)


async def constraints_after_rows(ctx: Context) -> None:
    """Add all other constraints of hypertables, foreign keys that point to one, and flags of
    indexes.

    Raises StepFailed, StepSkipped, CannotConnect, psycopg.Error.
    """
    async with connected(ctx.task.source) as source:
        constraints = keys_first(_without_early(ctx, await read_constraints(source)))
        indexes = await read_hypertable_indexes(source)
        for finding in await reordered_chunk_findings(source, ctx.task.source.label):
            ctx.found(finding)
    late = ctx.task.inventory.hazards.late_checks
    if not constraints and not indexes and not late:
        raise StepSkipped("no hypertable has constraints or indexes")
    waiting = {(tried.schema, tried.table, tried.name) for tried in late}
    constraints = tuple(c for c in constraints if c.kind != "c" or c.key not in waiting)
    await _restore_referenced_keys(ctx, [c for c in constraints if not c.incoming])
    await _add_constraints(ctx, constraints)
    async with schema_session(ctx) as target:
        existing = {index.key: index for index in await read_hypertable_indexes(target)}
        flags = [Change(i.label, index_flag_statements(i, existing.get(i.key))) for i in indexes]
        refused = await run_changes(ctx, target, [change for change in flags if change.statements])
    _report_refused(ctx, "index-flags", "index flags of hypertables could not be set", refused)
    await add_late_checks(ctx)


def _cluster(index: HypertableIndex) -> tuple[str, ...]:
    """As pg_restore does it: without the mark it would create the index once more."""
    if not index.clustered:
        return ()
    return (
        f"ALTER TABLE {qualified(index.schema, index.table)} CLUSTER ON {identifier(index.name)}",
    )


async def _restore_referenced_keys(ctx: Context, constraints: Sequence[Constraint]) -> None:
    """Keys of plain tables that these constraints point to; they would otherwise come with the
    post-data, which is too late."""
    async with connected(ctx.task.source) as source:
        exclusions = await read_exclusions(source)
    toc = await read_schema_toc(ctx)
    keys = referenced_keys(toc, constraints, exclusions.constraints)
    restored = (await read_already_restored(ctx)).ids(toc)
    entries = [e for e in toc.section(POST) if e.id in keys and e.id not in restored]
    await restore_entries(ctx, entries, "referenced-keys", POST, jobs=ctx.task.jobs)


async def _add_constraints(ctx: Context, constraints: Sequence[Constraint]) -> None:
    """Add those that the target lacks or has with another definition; report what is refused."""
    paths = ctx.task.inventory.hazards.index_paths
    by_path = {key: path_statement(path) for key, path in paths.items()}
    async with schema_session(ctx) as target:
        existing = {c.key: c for c in await read_constraints(target)}
        changes = [
            Change(
                c.label,
                (*by_path.get((c.schema, c.name), ()), constraint_statement(c)),
                frozenset({c.on, c.references} if c.references else {c.on}),
            )
            for c in constraints
            if (found := existing.get(c.key)) is None or not same_constraint(c, found)
        ]
        refused = await run_changes_at_once(ctx, target, changes)
    _report_refused(
        ctx, "constraints-missing", "constraints of hypertables could not be added", refused
    )


def _report_refused(ctx: Context, id: str, what: str, refused: Sequence[RefusedChange]) -> None:
    if not refused:
        return
    ctx.found(
        Finding(
            Level.FAIL,
            id,
            f"{len(refused)} {what}.",
            where=ctx.task.target.label,
            why="The server's message follows each statement.",
            todo="Fix the cause, then run the statements on the target.",
            details=tuple(refusal.as_sql for refusal in refused),
        )
    )
