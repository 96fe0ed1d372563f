"""Constraints of hypertables, and foreign keys that point to one.

pg_dump writes `ALTER TABLE ONLY`, which a hypertable refuses (timescale/timescaledb#4917); so
they are made from pg_get_constraintdef. On a hypertable whose chunks get compressed as they
arrive they come first: with compressed chunks no foreign key and no check can be added, and
older versions refuse more. All others come after the rows, so that each index is built once; so
do all of a hypertable with a constraint that is not valid, since its old rows may break it.
"""

from collections.abc import Collection, Sequence

from psycopg import Error

from tswizard.core.catalog.constraints import read_constraints
from tswizard.core.catalog.inventory import Constraint
from tswizard.core.db.connection import Connection, connected
from tswizard.core.db.identifiers import qualified
from tswizard.core.model.events import Unit
from tswizard.core.model.finding import Finding, Level
from tswizard.core.run.context import Context, StepSkipped
from tswizard.core.split.schema.already_restored import read_already_restored
from tswizard.core.split.schema.dump import read_schema_toc
from tswizard.core.split.schema.execute import identifier, refusal, run_statements
from tswizard.core.split.schema.hypertable_facts import read_hypertable_facts
from tswizard.core.split.schema.index_flags import (
    index_flag_statements,
    read_hypertable_indexes,
    reordered_chunks,
)
from tswizard.core.split.schema.restore import restore_entries
from tswizard.core.split.schema.target_session import schema_session
from tswizard.core.split.schema.toc import CONSTRAINT, POST, Toc
from tswizard.core.split.schema.toc_selection import read_exclusions
from tswizard.core.verify.schema.same_definition import same_definition

TableName = tuple[str, str]
"""Schema and name."""

_ORDER = "puxcf"
"""Keys before what points to them."""

_TAIL = (" NOT VALID", " INITIALLY DEFERRED", " DEFERRABLE")


def constraint_statement(fact: Constraint) -> str:
    """The SQL that makes it."""
    return (
        f"ALTER TABLE {qualified(fact.schema, fact.table)} "
        f"ADD CONSTRAINT {identifier(fact.name)} {_whole(fact)}"
    )


def _whole(fact: Constraint) -> str:
    if not fact.storage:
        return fact.definition
    head, tail = fact.definition, ""
    for words in _TAIL:
        if head.endswith(words):
            head, tail = head.removesuffix(words), words + tail
    return f"{head} WITH ({fact.storage}){tail}"


def same_constraint(mine: Constraint, other: Constraint) -> bool:
    """Is it the same constraint on another server?"""
    return (
        mine.kind == other.kind
        and mine.validated == other.validated
        and all(
            map(same_definition, (mine.definition, mine.storage), (other.definition, other.storage))
        )
    )


def keys_first(facts: Sequence[Constraint]) -> tuple[Constraint, ...]:
    """Every key before every foreign key."""
    return tuple(sorted(facts, key=lambda fact: (_ORDER.index(fact.kind), fact.key)))


def before_compression(
    facts: Sequence[Constraint], compressed: Collection[TableName]
) -> tuple[Constraint, ...]:
    """Those that must stand before the first chunk is compressed."""
    now = set(compressed) - compressed_last(facts, compressed)
    return keys_first([f for f in facts if not f.incoming and f.on in now])


def compressed_last(
    facts: Sequence[Constraint], compressed: Collection[TableName]
) -> frozenset[TableName]:
    """Compressed hypertables with a constraint that is not valid: old rows may break it, so it
    can only be made after the rows, and they can only be compressed after that."""
    return frozenset(
        f.on for f in facts if not f.validated and not f.incoming and f.on in compressed
    )


async def read_compressed_last(source: Connection) -> frozenset[TableName]:
    """Hypertables of the source whose chunks must not be compressed before
    `constraints_after_rows`."""
    tables = {(t.schema, t.name) for t in await read_hypertable_facts(source) if t.compression}
    return compressed_last(await read_constraints(source), tables)


def referenced_keys(toc: Toc, facts: Sequence[Constraint], ours: frozenset[int]) -> set[int]:
    """Entries that foreign keys of these constraints need: keys of plain tables, with whatever
    those need after the rows (a partitioned table's key has parts)."""
    foreign = [toc.find(CONSTRAINT, fact.oid) for fact in facts if fact.kind == "f"]
    below = toc.below(entry.id for entry in foreign if entry)
    parts = {
        entry.id
        for entry in toc.section(POST)
        if entry.kind == "INDEX ATTACH" and entry.needs & below
    }
    wanted = below | parts | toc.below(parts)
    return {
        entry.id
        for entry in toc.section(POST)
        if entry.id in wanted and not (entry.catalog == CONSTRAINT and entry.oid in ours)
    }


async def constraints_before_rows(ctx: Context) -> None:
    """Constraints of hypertables that get compressed, and the keys that they point to.

    The rows of the plain tables that they point to must be there. Raises StepFailed.
    """
    async with connected(ctx.task.source) as source:
        facts = await read_constraints(source)
        tables = await read_hypertable_facts(source)
    chosen = before_compression(facts, {(t.schema, t.name) for t in tables if t.compression})
    if not chosen:
        raise StepSkipped("no compressed hypertable has a constraint that can come before its rows")
    await _make_keys(ctx, chosen)
    await add_constraints(ctx, chosen)


async def constraints_after_rows(ctx: Context) -> None:
    """All other constraints of hypertables, foreign keys that point to one, and marks on indexes.

    Raises StepFailed.
    """
    async with connected(ctx.task.source) as source:
        facts = keys_first(await read_constraints(source))
        indexes = await read_hypertable_indexes(source)
        for finding in await reordered_chunks(source, ctx.task.source.label):
            ctx.found(finding)
    if not facts and not indexes:
        raise StepSkipped("no hypertable has a constraint or a marked index")
    await _make_keys(ctx, [fact for fact in facts if not fact.incoming])
    await add_constraints(ctx, facts)
    async with schema_session(ctx) as target:
        there = {index.key: index for index in await read_hypertable_indexes(target)}
        marks = [(i.label, index_flag_statements(i, there.get(i.key))) for i in indexes]
        refused = await _each(ctx, target, marks)
    _name(ctx, "index-marks", "indexes of hypertables could not be made or marked", refused)


async def _make_keys(ctx: Context, facts: Sequence[Constraint]) -> None:
    """Keys of plain tables that these constraints point to; they come with the post-data
    otherwise, which is too late."""
    async with connected(ctx.task.source) as source:
        exclusions = await read_exclusions(source)
    toc = await read_schema_toc(ctx)
    keys = referenced_keys(toc, facts, exclusions.constraints)
    made = (await read_already_restored(ctx)).entries(toc)
    entries = [e for e in toc.section(POST) if e.id in keys and e.id not in made]
    await restore_entries(ctx, entries, "referenced-keys", POST)


async def add_constraints(ctx: Context, facts: Sequence[Constraint]) -> None:
    """Make those that are not there as they should be; name every one that is refused."""
    async with schema_session(ctx) as target:
        there = {fact.key: fact for fact in await read_constraints(target)}
        todo = [
            (fact.label, (constraint_statement(fact),))
            for fact in facts
            if (found := there.get(fact.key)) is None or not same_constraint(fact, found)
        ]
        refused = await _each(ctx, target, todo)
    _name(ctx, "constraints-not-made", "constraints of hypertables could not be made", refused)


async def _each(
    ctx: Context, target: Connection, todo: Sequence[tuple[str, tuple[str, ...]]]
) -> list[str]:
    """Run each one's statements in a transaction; what was refused, with the server's words."""
    refused = []
    for done, (label, statements) in enumerate(todo):
        await ctx.unpaused()
        ctx.progress(done, len(todo), Unit.ITEMS, label)
        try:
            await run_statements(ctx, target, *statements)
        except Error as error:
            refused.append(f"{'; '.join(statements)};  -- {refusal(error)}")
    ctx.progress(len(todo), len(todo), Unit.ITEMS)
    return refused


def _name(ctx: Context, id: str, what: str, refused: Sequence[str]) -> None:
    if not refused:
        return
    ctx.found(
        Finding(
            Level.FAIL,
            id,
            f"{len(refused)} {what}.",
            where=ctx.task.target.label,
            why="What the server said stands behind each statement.",
            todo="Mend the cause and run the statements on the target.",
            details=tuple(refused),
        )
    )
