"""Pieces that were copied at an earlier moment: compared at the last one, copied again if need be.

Between a crash and a resume the source lives on. What was copied before may not be what the
source holds at the moment that the rest is copied at; equality at the end needs all of it to be
of one moment.
"""

from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass

from psycopg import sql

from tswizard.core.db.concurrency import both, together
from tswizard.core.db.connection import connected, rows
from tswizard.core.db.endpoint import Endpoint
from tswizard.core.run.context import failed
from tswizard.core.split.coordinator import Session
from tswizard.core.split.copy.upsert import begin_again
from tswizard.core.split.ledger import queue
from tswizard.core.split.ledger.queue import Known, State
from tswizard.core.split.plan.piece import Kind, Piece, Plan, Stage, Table, condition, destination
from tswizard.core.verify.database_reader import DatabaseReader, prepare
from tswizard.core.verify.rows.checksum import CHECKSUM_COLUMNS, ChecksumColumn, checksum, hash_of

STAGES = (Stage.TABLES, Stage.CHUNKS)

_ROUNDS = 5
"""A moment that is lost during a round makes another one necessary, as do rows that are gone on
the source while others refer to them. Of a single stage one round is enough: the last call is of
all stages."""


@dataclass(frozen=True, slots=True)
class Unit:
    """What is compared at once: a piece, or all pieces that only make sense together."""

    table: Table
    pieces: tuple[Piece, ...]
    source: sql.Composable
    """`FROM … WHERE …` on the source, with the alias t."""
    target: sql.Composable
    hypertable: bool = False
    """The pieces are all of a hypertable, whose rows were routed."""


@dataclass(frozen=True, slots=True)
class Compared:
    """A unit on both ends."""

    unit: Unit
    source_rows: int
    target_rows: int
    equal: bool


def units(plan: Plan, known: Iterable[Known]) -> list[Unit]:
    """What to compare for these pieces. Compressions hold no rows of their own."""
    single: list[Unit] = []
    relations: dict[str, list[Piece]] = {}
    routed: dict[int, list[Piece]] = {}
    for piece in (k.piece for k in known):
        table = plan.of(piece)
        if piece.kind is Kind.COMPRESS:
            continue
        if piece.kind is Kind.OBJECTS:
            single.append(Unit(table, (piece,), _objects(piece), _objects(piece)))
        elif table.hypertable and piece.target is None:
            routed.setdefault(piece.table, []).append(piece)
        elif piece.local:
            relations.setdefault(queue.relation(piece), []).append(piece)
        else:
            single.append(_unit(table, piece))
    for pieces in relations.values():
        first = pieces[0]
        whole = sql.SQL(" FROM ONLY {} t").format(first.relation)
        single.append(Unit(plan.of(first), tuple(pieces), whole, whole))
    for number in routed:
        table = plan.tables[number]
        whole = sql.SQL(" FROM {} t").format(table.sql)
        mine = tuple(p for p in plan.pieces if p.table == number and p.kind is not Kind.COMPRESS)
        single.append(Unit(table, mine, whole, whole, hypertable=True))
    return single


def _unit(table: Table, piece: Piece) -> Unit:
    only = sql.SQL("ONLY " if piece.only else "")
    where = condition(piece)
    return Unit(
        table,
        (piece,),
        sql.SQL(" FROM {}{} t{}").format(only, piece.relation, where),
        sql.SQL(" FROM {}{} t{}").format(only, destination(table, piece), where),
    )


def _objects(piece: Piece) -> sql.Composed:
    return sql.SQL(
        " FROM pg_catalog.pg_largeobject_metadata t "
        "WHERE t.oid BETWEEN {}::bigint::pg_catalog.oid AND {}::bigint::pg_catalog.oid"
    ).format(piece.first_oid, piece.last_oid)


class Comparison:
    """Compares units side by side, inside the databases; no row travels."""

    def __init__(self, session: Session, snapshot: str | None) -> None:
        self._session = session
        self._snapshot = snapshot
        self._columns: dict[tuple[str, str], tuple[ChecksumColumn, ...]] = {}

    async def run(self, wanted: list[Unit]) -> list[Compared]:
        """Every unit on both ends. Raises VerifyStopped, psycopg.Error."""
        await self._read_columns({unit.table for unit in wanted})
        waiting, found = deque(wanted), list[Compared]()
        workers = min(self._session.job.workers, max(1, len(wanted)))
        await together(self._work(waiting, found, len(wanted)) for _ in range(workers))
        return found

    async def _work(self, waiting: deque[Unit], found: list[Compared], total: int) -> None:
        job, hands = self._session.job, self._session.hands
        source = DatabaseReader("source", job.source, self._snapshot)
        target = DatabaseReader("target", job.target)
        try:
            while waiting:
                await hands.going.wait()
                unit = waiting.popleft()
                hands.progress(len(found), total, unit.table.label)
                found.append(await self._compare(unit, source, target))
        finally:
            await source.close()
            await target.close()

    async def _compare(
        self, unit: Unit, source: DatabaseReader, target: DatabaseReader
    ) -> Compared:
        head = sql.SQL("SELECT pg_catalog.count(*), {}").format(self._sum(unit))
        ours, theirs = await both(
            source.fetch(head + unit.source), target.fetch(head + unit.target)
        )
        return Compared(unit, int(ours[0][0]), int(theirs[0][0]), ours[0] == theirs[0])

    def _sum(self, unit: Unit) -> sql.Composable:
        if unit.pieces[0].kind is Kind.OBJECTS:
            return hash_of(sql.SQL("pg_catalog.record_send(ROW(t.oid, pg_catalog.lo_get(t.oid)))"))
        return checksum(self._columns[unit.table.schema, unit.table.name])

    async def _read_columns(self, tables: set[Table]) -> None:
        """The columns that both ends have. One that only one of them has since the plan was made is
        the check's to name."""
        job = self._session.job
        ours, theirs = await both(_columns(job.source, tables), _columns(job.target, tables))
        for name, columns in ours.items():
            there = {column.name for column in theirs.get(name, ())}
            self._columns[name] = tuple(column for column in columns if column.name in there)


async def _columns(
    end: Endpoint, tables: set[Table]
) -> dict[tuple[str, str], list[ChecksumColumn]]:
    names = [(t.schema, t.name) for t in tables]
    async with connected(end) as connection:
        await prepare(connection)
        oids = {
            oid: (schema, name)
            for oid, schema, name in await rows(
                connection, _OIDS, ([s for s, _ in names], [n for _, n in names])
            )
        }
        found: dict[tuple[str, str], list[ChecksumColumn]] = {name: [] for name in names}
        for oid, name, binary in await rows(connection, CHECKSUM_COLUMNS, (list(oids),)):
            found[oids[int(oid)]].append(ChecksumColumn(name, binary))
    return found


_OIDS = """
SELECT c.oid::bigint, n.nspname::text, c.relname::text
FROM unnest(%s::text[], %s::text[]) AS w (schema, name)
JOIN pg_catalog.pg_namespace n ON n.nspname = w.schema
JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relname = w.name
"""


async def stale(session: Session) -> list[Known]:
    """Pieces on the target that are of an earlier moment than the last."""
    now = session.moments.now
    assert now is not None
    return [
        known
        for known in await queue.read_pieces(await session.target())
        if known.state is State.DONE
        and known.piece.kind is not Kind.COMPRESS
        and known.moment != now.id
    ]


MakeWay = Callable[[Iterable[Table]], Awaitable[None]]
"""Readies tables of the target for another copy of their rows."""


async def _is_ready(_tables: Iterable[Table]) -> None:
    """Nothing stands in the way before what comes after the rows was made."""


async def settle(
    session: Session, make_way: MakeWay = _is_ready, stages: Sequence[Stage] = STAGES
) -> int:
    """Bring every piece of the stages to the last moment; how many were copied again.

    Raises StepFailed, VerifyStopped, psycopg.Error.
    """
    await _copy_new(session, make_way, stages)
    repeated, everything = 0, len(stages) == len(STAGES)
    for _ in range(_ROUNDS if everything else 1):
        old = [known for known in await stale(session) if known.piece.stage in stages]
        if not old:
            return repeated
        now = session.moments.now
        assert now is not None
        session.hands.say(f"{len(old)} pieces are of an earlier moment; they are compared")
        compared = await Comparison(session, now.snapshot).run(units(session.plan, old))
        differing = [c for c in compared if not c.equal]
        repeated += sum(len(c.unit.pieces) for c in differing)
        await make_way({c.unit.table for c in differing})
        await _write_down(session, compared, now.id)
        if differing:
            tables = ", ".join(dict.fromkeys(c.unit.table.label for c in differing))
            session.hands.say(f"changed on the source since they were copied: {tables}")
            for stage in stages:
                await session.run_all(stage)
    if everything and await stale(session):
        raise failed(
            "moments-pass",
            "The source is being rewritten faster than it can be copied.",
            where=session.job.source.label,
            why=f"In each of {_ROUNDS} rounds a table was rewritten or a chunk was compressed, "
            "which takes its rows out of the sight of the moment that is copied.",
            todo="Pause what does that (compression jobs above all), then resume.",
        )
    return repeated


async def copy(session: Session, make_way: MakeWay, stage: Stage) -> None:
    """Everything of a stage that waits. Raises StepFailed, psycopg.Error."""
    places = await queue.waiting_tables(await session.target(), stage)
    await make_way([session.plan.tables[place] for place in places])
    await session.run_all(stage)


async def _copy_new(session: Session, make_way: MakeWay, stages: Sequence[Stage]) -> None:
    """Copy what has come to the plan since the stages ended, such as chunks made meanwhile."""
    for stage in stages:
        if not await queue.waiting_tables(await session.target(), stage):
            continue
        if stage is Stage.CHUNKS:
            await session.make_chunks()
        await copy(session, make_way, stage)


async def _write_down(session: Session, compared: list[Compared], moment: int) -> None:
    """What is equal is of this moment too; what differs waits to be copied again."""
    target = await session.target()
    equal = [piece.id for c in compared if c.equal for piece in c.unit.pieces]
    async with target.transaction():
        await queue.confirmed(target, equal, moment)
        for c in compared:
            if c.equal:
                continue
            if c.unit.hypertable:
                await target.execute(sql.SQL("TRUNCATE {}").format(c.unit.table.sql))
                await queue.forget(target, c.unit.pieces)
            elif c.unit.pieces[0].local:
                await begin_again(target, c.unit.table, c.unit.pieces)
            else:
                await queue.repeat(target, c.unit.pieces)
