"""Constraints of hypertables, and foreign keys that point to one.

pg_dump writes `ALTER TABLE ONLY`, which a hypertable refuses (timescale/timescaledb#4917); so
they are made from pg_get_constraintdef. On a hypertable whose chunks get compressed as they
arrive they come first: with compressed chunks no foreign key and no check can be added, and
older versions refuse more. All others come after the rows, so that each index is built once; so
do all of a hypertable with a constraint that is not valid, since its old rows may break it.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from psycopg import Error

from tswizard.core.connection import Connection, connected, rows
from tswizard.core.context import Context, StepSkipped
from tswizard.core.events import Unit
from tswizard.core.finding import Finding, Level
from tswizard.core.naming import qualified
from tswizard.core.split.schema.dump import contents
from tswizard.core.split.schema.facts import read_hypertables
from tswizard.core.split.schema.made import read_made
from tswizard.core.split.schema.marks import mark_statements, read_indexes
from tswizard.core.split.schema.restore import restore
from tswizard.core.split.schema.session import schema_session
from tswizard.core.split.schema.text import identifier, refusal, run
from tswizard.core.split.schema.toc import CONSTRAINT, POST, Toc
from tswizard.core.split.schema.waiting import read_special
from tswizard.core.verify.schema.equivalent import same

Table = tuple[str, str]
"""Schema and name."""

_ORDER = "puxcf"
"""Keys before what points to them."""

_QUERY = """
WITH h AS (
  SELECT c.oid, h.id FROM _timescaledb_catalog.hypertable h
  JOIN pg_catalog.pg_namespace n ON n.nspname = h.schema_name
  JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relname = h.table_name
  WHERE n.nspname <> '_timescaledb_internal')
SELECT k.oid::bigint, n.nspname::text, c.relname::text, k.conname::text, k.contype::text,
  pg_catalog.pg_get_constraintdef(k.oid), k.convalidated,
  CASE WHEN k.contype IN ('p', 'u') THEN (
    SELECT pg_catalog.string_agg(pg_catalog.quote_ident(o.option_name) || '=' ||
                                 pg_catalog.quote_literal(o.option_value), ', ')
    FROM pg_catalog.pg_class x, pg_catalog.pg_options_to_table(x.reloptions) o
    WHERE x.oid = k.conindid) END,
  own.oid IS NULL
FROM pg_catalog.pg_constraint k
JOIN pg_catalog.pg_class c ON c.oid = k.conrelid
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN h own ON own.oid = k.conrelid
LEFT JOIN h other ON other.oid = k.confrelid AND k.contype = 'f'
WHERE k.contype IN ('p', 'u', 'x', 'c', 'f') AND k.conparentid = 0
  AND n.nspname !~ '^_timescaledb_'
  AND (own.oid IS NOT NULL OR other.oid IS NOT NULL)
ORDER BY 2, 3, pg_catalog.strpos('puxcf', k.contype::text), 4
"""

_TAIL = (" NOT VALID", " INITIALLY DEFERRED", " DEFERRABLE")


@dataclass(frozen=True, slots=True)
class ConstraintFact:
    """A constraint of a hypertable, or a foreign key that points to one."""

    oid: int
    schema: str
    table: str
    name: str
    kind: str
    """As pg_constraint.contype."""
    definition: str
    validated: bool
    storage: str | None
    """Options of the index behind it, which pg_get_constraintdef leaves out."""
    incoming: bool
    """A foreign key of a plain table that points to a hypertable."""

    @property
    def label(self) -> str:
        return f"{self.schema}.{self.table}.{self.name}"

    @property
    def key(self) -> tuple[str, str, str]:
        return self.schema, self.table, self.name

    @property
    def on(self) -> Table:
        return self.schema, self.table

    @property
    def statement(self) -> str:
        """The SQL that makes it."""
        return (
            f"ALTER TABLE {qualified(self.schema, self.table)} "
            f"ADD CONSTRAINT {identifier(self.name)} {self._whole()}"
        )

    def _whole(self) -> str:
        if not self.storage:
            return self.definition
        head, tail = self.definition, ""
        for words in _TAIL:
            if head.endswith(words):
                head, tail = head.removesuffix(words), words + tail
        return f"{head} WITH ({self.storage}){tail}"

    def equals(self, other: "ConstraintFact") -> bool:
        """The same constraint on another server."""
        mine = (self.kind, self.definition, self.validated, self.storage)
        return all(map(same, mine, (other.kind, other.definition, other.validated, other.storage)))


async def read_constraints(connection: Connection) -> tuple[ConstraintFact, ...]:
    """All of one end, each table's keys before its foreign keys."""
    return tuple(ConstraintFact(*row) for row in await rows(connection, _QUERY))


def in_order(facts: Sequence[ConstraintFact]) -> tuple[ConstraintFact, ...]:
    """Every key before every foreign key."""
    return tuple(sorted(facts, key=lambda fact: (_ORDER.index(fact.kind), fact.key)))


def early(
    facts: Sequence[ConstraintFact], compressed: Collection[Table]
) -> tuple[ConstraintFact, ...]:
    """Those that must stand before the first chunk is compressed."""
    now = set(compressed) - compressed_last(facts, compressed)
    return in_order([f for f in facts if not f.incoming and f.on in now])


def compressed_last(
    facts: Sequence[ConstraintFact], compressed: Collection[Table]
) -> frozenset[Table]:
    """Compressed hypertables with a constraint that is not valid: old rows may break it, so it
    can only be made after the rows, and they can only be compressed after that."""
    return frozenset(
        f.on for f in facts if not f.validated and not f.incoming and f.on in compressed
    )


async def read_compressed_last(source: Connection) -> frozenset[Table]:
    """Hypertables of the source whose chunks must not be compressed before `after_rows`."""
    tables = {(t.schema, t.name) for t in await read_hypertables(source) if t.compression}
    return compressed_last(await read_constraints(source), tables)


def referenced_keys(toc: Toc, facts: Sequence[ConstraintFact], ours: frozenset[int]) -> set[int]:
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


async def before_rows(ctx: Context) -> None:
    """Constraints of hypertables that get compressed, and the keys that they point to.

    The rows of the plain tables that they point to must be there. Raises StepFailed.
    """
    async with connected(ctx.task.source) as source:
        facts = await read_constraints(source)
        tables = await read_hypertables(source)
    chosen = early(facts, {(t.schema, t.name) for t in tables if t.compression})
    if not chosen:
        raise StepSkipped("no compressed hypertable has a constraint that can come before its rows")
    await _make_keys(ctx, chosen)
    await add(ctx, chosen)


async def after_rows(ctx: Context) -> None:
    """All other constraints of hypertables, foreign keys that point to one, and marks on indexes.

    Raises StepFailed.
    """
    async with connected(ctx.task.source) as source:
        facts = in_order(await read_constraints(source))
        indexes = await read_indexes(source)
    if not facts and not indexes:
        raise StepSkipped("no hypertable has a constraint or a marked index")
    await _make_keys(ctx, [fact for fact in facts if not fact.incoming])
    await add(ctx, facts)
    async with schema_session(ctx) as target:
        there = {index.key: index for index in await read_indexes(target)}
        marks = [(i.label, mark_statements(i, there.get(i.key))) for i in indexes]
        refused = await _each(ctx, target, marks)
    _name(ctx, "index-marks", "indexes of hypertables could not be made or marked", refused)


async def _make_keys(ctx: Context, facts: Sequence[ConstraintFact]) -> None:
    """Keys of plain tables that these constraints point to; they come with the post-data
    otherwise, which is too late."""
    async with connected(ctx.task.source) as source:
        special = await read_special(source)
    toc = await contents(ctx)
    keys = referenced_keys(toc, facts, special.constraints)
    made = (await read_made(ctx)).entries(toc)
    entries = [e for e in toc.section(POST) if e.id in keys and e.id not in made]
    await restore(ctx, entries, "referenced-keys", POST)


async def add(ctx: Context, facts: Sequence[ConstraintFact]) -> None:
    """Make those that are not there as they should be; name every one that is refused."""
    async with schema_session(ctx) as target:
        there = {fact.key: fact for fact in await read_constraints(target)}
        todo = [
            (fact.label, (fact.statement,))
            for fact in facts
            if (found := there.get(fact.key)) is None or not fact.equals(found)
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
            await run(ctx, target, *statements)
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
