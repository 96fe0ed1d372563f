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
from tswizard.core.split.coordinator import Coordinator
from tswizard.core.split.copy.upsert import recopy_table
from tswizard.core.split.ledger import queue
from tswizard.core.split.ledger.queue import PieceState, StoredPiece
from tswizard.core.split.plan.piece import (
    CopyPlan,
    Piece,
    PieceKind,
    SourceTable,
    Stage,
    condition,
    destination,
)
from tswizard.core.verify.database_reader import DatabaseReader, prepare
from tswizard.core.verify.rows.checksum import CHECKSUM_COLUMNS, ChecksumColumn, checksum, hash_of

COPY_STAGES = (Stage.TABLES, Stage.CHUNKS)

_MAX_ROUNDS = 5
"""A moment that is lost during a round makes another one necessary, as do rows that are gone on
the source while others refer to them. Of a single stage one round is enough: the last call is of
all stages."""


@dataclass(frozen=True, slots=True)
class ComparedUnit:
    """What is compared at once: a piece, or all pieces that only make sense together."""

    table: SourceTable
    pieces: tuple[Piece, ...]
    source: sql.Composable
    """`FROM … WHERE …` on the source, with the alias t."""
    target: sql.Composable
    hypertable: bool = False
    """The pieces are all of a hypertable, whose rows were routed."""


@dataclass(frozen=True, slots=True)
class UnitResult:
    """A unit on both ends."""

    unit: ComparedUnit
    source_rows: int
    target_rows: int
    equal: bool


def compared_units(plan: CopyPlan, stored: Iterable[StoredPiece]) -> list[ComparedUnit]:
    """What to compare for these pieces. Compressions hold no rows of their own."""
    single: list[ComparedUnit] = []
    relations: dict[str, list[Piece]] = {}
    routed: dict[int, list[Piece]] = {}
    for piece in (k.piece for k in stored):
        table = plan.of(piece)
        if piece.kind is PieceKind.COMPRESS:
            continue
        if piece.kind is PieceKind.OBJECTS:
            single.append(ComparedUnit(table, (piece,), _objects(piece), _objects(piece)))
        elif table.hypertable and piece.target_chunk is None:
            routed.setdefault(piece.table_index, []).append(piece)
        elif piece.by_ctid:
            relations.setdefault(queue.relation_key(piece), []).append(piece)
        else:
            single.append(_unit(table, piece))
    for pieces in relations.values():
        first = pieces[0]
        whole = sql.SQL(" FROM ONLY {} t").format(first.relation)
        single.append(ComparedUnit(plan.of(first), tuple(pieces), whole, whole))
    for number in routed:
        table = plan.tables[number]
        whole = sql.SQL(" FROM {} t").format(table.sql)
        mine = tuple(
            p for p in plan.pieces if p.table_index == number and p.kind is not PieceKind.COMPRESS
        )
        single.append(ComparedUnit(table, mine, whole, whole, hypertable=True))
    return single


def _unit(table: SourceTable, piece: Piece) -> ComparedUnit:
    only = sql.SQL("ONLY " if piece.only else "")
    where = condition(piece)
    return ComparedUnit(
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


class PieceComparison:
    """Compares units side by side, inside the databases; no row travels."""

    def __init__(self, coordinator: Coordinator, snapshot: str | None) -> None:
        self._coordinator = coordinator
        self._snapshot = snapshot
        self._columns: dict[tuple[str, str], tuple[ChecksumColumn, ...]] = {}

    async def run(self, wanted: list[ComparedUnit]) -> list[UnitResult]:
        """Every unit on both ends. Raises VerifyStopped, psycopg.Error."""
        await self._read_columns({unit.table for unit in wanted})
        waiting, found = deque(wanted), list[UnitResult]()
        workers = min(self._coordinator.job.workers, max(1, len(wanted)))
        await together(self._work(waiting, found, len(wanted)) for _ in range(workers))
        return found

    async def _work(
        self, waiting: deque[ComparedUnit], found: list[UnitResult], total: int
    ) -> None:
        job, reporter = self._coordinator.job, self._coordinator.reporter
        source = DatabaseReader("source", job.source, self._snapshot)
        target = DatabaseReader("target", job.target)
        try:
            while waiting:
                await reporter.going.wait()
                unit = waiting.popleft()
                reporter.progress(len(found), total, unit.table.label)
                found.append(await self._compare(unit, source, target))
        finally:
            await source.close()
            await target.close()

    async def _compare(
        self, unit: ComparedUnit, source: DatabaseReader, target: DatabaseReader
    ) -> UnitResult:
        head = sql.SQL("SELECT pg_catalog.count(*), {}").format(self._sum(unit))
        ours, theirs = await both(
            source.fetch(head + unit.source), target.fetch(head + unit.target)
        )
        return UnitResult(unit, int(ours[0][0]), int(theirs[0][0]), ours[0] == theirs[0])

    def _sum(self, unit: ComparedUnit) -> sql.Composable:
        if unit.pieces[0].kind is PieceKind.OBJECTS:
            return hash_of(sql.SQL("pg_catalog.record_send(ROW(t.oid, pg_catalog.lo_get(t.oid)))"))
        return checksum(self._columns[unit.table.schema, unit.table.name])

    async def _read_columns(self, tables: set[SourceTable]) -> None:
        """The columns that both ends have. One that only one of them has since the plan was made is
        the check's to name."""
        job = self._coordinator.job
        ours, theirs = await both(_columns(job.source, tables), _columns(job.target, tables))
        for name, columns in ours.items():
            there = {column.name for column in theirs.get(name, ())}
            self._columns[name] = tuple(column for column in columns if column.name in there)


async def _columns(
    end: Endpoint, tables: set[SourceTable]
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


async def outdated_pieces(coordinator: Coordinator) -> list[StoredPiece]:
    """Pieces on the target that are of an earlier moment than the last."""
    current = coordinator.snapshots.current
    assert current is not None
    return [
        stored
        for stored in await queue.read_pieces(await coordinator.target())
        if stored.state is PieceState.DONE
        and stored.piece.kind is not PieceKind.COMPRESS
        and stored.snapshot_id != current.id
    ]


PrepareTables = Callable[[Iterable[SourceTable]], Awaitable[None]]
"""Readies tables of the target for another copy of their rows."""


async def _nothing_to_prepare(_tables: Iterable[SourceTable]) -> None:
    """Nothing stands in the way before what comes after the rows was made."""


async def reconcile(
    coordinator: Coordinator,
    prepare_tables: PrepareTables = _nothing_to_prepare,
    stages: Sequence[Stage] = COPY_STAGES,
) -> int:
    """Bring every piece of the stages to the last moment; how many were copied again.

    Raises StepFailed, VerifyStopped, psycopg.Error.
    """
    await _copy_new_pieces(coordinator, prepare_tables, stages)
    repeated, everything = 0, len(stages) == len(COPY_STAGES)
    for _ in range(_MAX_ROUNDS if everything else 1):
        outdated = [
            stored for stored in await outdated_pieces(coordinator) if stored.piece.stage in stages
        ]
        if not outdated:
            return repeated
        current = coordinator.snapshots.current
        assert current is not None
        coordinator.reporter.say(
            f"{len(outdated)} pieces are of an earlier moment; they are compared"
        )
        compared = await PieceComparison(coordinator, current.name).run(
            compared_units(coordinator.plan, outdated)
        )
        differing = [c for c in compared if not c.equal]
        repeated += sum(len(c.unit.pieces) for c in differing)
        await prepare_tables({c.unit.table for c in differing})
        await _record_results(coordinator, compared, current.id)
        if differing:
            tables = ", ".join(dict.fromkeys(c.unit.table.label for c in differing))
            coordinator.reporter.say(f"changed on the source since they were copied: {tables}")
            for stage in stages:
                await coordinator.copy_stage(stage)
    if everything and await outdated_pieces(coordinator):
        raise failed(
            "moments-pass",
            "The source is being rewritten faster than it can be copied.",
            where=coordinator.job.source.label,
            why=f"In each of {_MAX_ROUNDS} rounds a table was rewritten or a chunk was compressed, "
            "which takes its rows out of the sight of the moment that is copied.",
            todo="Pause what does that (compression jobs above all), then resume.",
        )
    return repeated


async def copy_unfinished(
    coordinator: Coordinator, prepare_tables: PrepareTables, stage: Stage
) -> None:
    """Everything of a stage that waits. Raises StepFailed, psycopg.Error."""
    places = await queue.unfinished_tables(await coordinator.target(), stage)
    await prepare_tables([coordinator.plan.tables[place] for place in places])
    await coordinator.copy_stage(stage)


async def _copy_new_pieces(
    coordinator: Coordinator, prepare_tables: PrepareTables, stages: Sequence[Stage]
) -> None:
    """Copy what has come to the plan since the stages ended, such as chunks made meanwhile."""
    for stage in stages:
        if not await queue.unfinished_tables(await coordinator.target(), stage):
            continue
        if stage is Stage.CHUNKS:
            await coordinator.create_chunks()
        await copy_unfinished(coordinator, prepare_tables, stage)


async def _record_results(
    coordinator: Coordinator, compared: list[UnitResult], snapshot_id: int
) -> None:
    """What is equal is of this moment too; what differs waits to be copied again."""
    target = await coordinator.target()
    equal = [piece.id for c in compared if c.equal for piece in c.unit.pieces]
    async with target.transaction():
        await queue.confirm(target, equal, snapshot_id)
        for c in compared:
            if c.equal:
                continue
            if c.unit.hypertable:
                await target.execute(sql.SQL("TRUNCATE {}").format(c.unit.table.sql))
                await queue.reset(target, c.unit.pieces)
            elif c.unit.pieces[0].by_ctid:
                await recopy_table(target, c.unit.table, c.unit.pieces)
            else:
                await queue.requeue(target, c.unit.pieces)
