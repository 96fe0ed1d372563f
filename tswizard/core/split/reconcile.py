"""Pieces that were copied under earlier snapshots: compared under the last, copied again if they
differ.

The source is in use between a crash and a resume. Rows that were copied before may not be what the
source holds under the snapshot that the rest is copied with; equality at the end needs all of them
to be of one snapshot.
"""

from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from psycopg import sql

from tswizard.core.db.concurrency import both, together
from tswizard.core.db.connection import Connection, connected, rows
from tswizard.core.db.endpoint import Endpoint
from tswizard.core.model.events import Unit
from tswizard.core.model.wording import plural
from tswizard.core.run.context import failed
from tswizard.core.split.coordinator import Coordinator
from tswizard.core.split.copy.snapshot import SourceSnapshot
from tswizard.core.split.copy.upsert import recopy_table
from tswizard.core.split.ledger import queue
from tswizard.core.split.plan.piece import (
    CopyPlan,
    Piece,
    PieceKind,
    PieceState,
    SourceTable,
    Stage,
    StoredPiece,
    destination,
    relation_key,
    where_clause,
)
from tswizard.core.verify.database_reader import DatabaseReader
from tswizard.core.verify.rows.checksum import CHECKSUM_COLUMNS, ChecksumColumn, checksum, hash_of

ROW_STAGES = (Stage.TABLES, Stage.CHUNKS)

_MAX_ROUNDS = 5
"""A snapshot that is lost during a round makes another round necessary, as do rows that were
deleted on the source while others refer to them. A single stage needs one round only: the last
call is for all stages."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparisonUnit:
    """What is compared by one query: a piece, or all pieces that only make sense together."""

    table: SourceTable
    pieces: tuple[Piece, ...]
    source: sql.Composable
    """`FROM … WHERE …` on the source, with the alias t."""
    target: sql.Composable
    hypertable: bool = False
    """The pieces are all those of a hypertable, whose rows were routed."""


@dataclass(frozen=True, slots=True)
class ComparedUnit:
    """A unit that was compared on both databases."""

    unit: ComparisonUnit
    equal: bool


def comparison_units(plan: CopyPlan, stored: Iterable[StoredPiece]) -> list[ComparisonUnit]:
    """What to compare for these pieces. Compressions hold no rows of their own."""
    units: list[ComparisonUnit] = []
    by_ctid: dict[str, list[Piece]] = {}
    routed: dict[int, None] = {}
    for piece in (s.piece for s in stored):
        table = plan.table_of(piece)
        if piece.kind is PieceKind.COMPRESS:
            continue
        if piece.kind is PieceKind.OBJECTS:
            objects = _objects(piece)
            units.append(
                ComparisonUnit(table=table, pieces=(piece,), source=objects, target=objects)
            )
        elif table.hypertable and piece.target_chunk is None:
            routed[piece.table_index] = None
        elif piece.by_ctid:
            by_ctid.setdefault(relation_key(piece), []).append(piece)
        else:
            units.append(_unit(table, piece))
    for pieces in by_ctid.values():
        whole = sql.SQL(" FROM ONLY {} t").format(pieces[0].relation)
        units.append(
            ComparisonUnit(
                table=plan.table_of(pieces[0]), pieces=tuple(pieces), source=whole, target=whole
            )
        )
    for index in routed:
        table = plan.tables[index]
        here, there = (sql.SQL(" FROM {} t").format(n) for n in (table.sql, table.target_sql))
        all_pieces = tuple(
            p for p in plan.pieces if p.table_index == index and p.kind is not PieceKind.COMPRESS
        )
        units.append(
            ComparisonUnit(
                table=table, pieces=all_pieces, source=here, target=there, hypertable=True
            )
        )
    return units


def _unit(table: SourceTable, piece: Piece) -> ComparisonUnit:
    only = sql.SQL("ONLY " if piece.only else "")
    where = where_clause(piece)
    return ComparisonUnit(
        table=table,
        pieces=(piece,),
        source=sql.SQL(" FROM {}{} t{}").format(only, piece.relation, where),
        target=sql.SQL(" FROM {}{} t{}").format(only, destination(table, piece), where),
    )


def _objects(piece: Piece) -> sql.Composed:
    return sql.SQL(
        " FROM pg_catalog.pg_largeobject_metadata t "
        "WHERE t.oid BETWEEN {}::bigint::pg_catalog.oid AND {}::bigint::pg_catalog.oid"
    ).format(piece.first_oid, piece.last_oid)


class PieceComparison:
    """Compares units in parallel, inside the databases; no row is transferred."""

    def __init__(self, coordinator: Coordinator, snapshot: str | None) -> None:
        self._coordinator = coordinator
        self._snapshot = snapshot
        self._columns: dict[tuple[str, str], tuple[ChecksumColumn, ...]] = {}

    async def run(self, units: list[ComparisonUnit]) -> list[ComparedUnit]:
        """Compare all units on both databases. Raises VerifyStopped, psycopg.Error."""
        await self._read_columns({unit.table for unit in units})
        waiting, compared = deque(units), list[ComparedUnit]()
        workers = min(self._coordinator.job.workers, max(1, len(units)))
        await together(self._work(waiting, compared, len(units)) for _ in range(workers))
        return compared

    async def _work(
        self, waiting: deque[ComparisonUnit], compared: list[ComparedUnit], total: int
    ) -> None:
        job, reporter = self._coordinator.job, self._coordinator.reporter
        source = DatabaseReader("source", job.source, self._snapshot)
        target = DatabaseReader("target", job.target)
        try:
            while waiting:
                await reporter.going.wait()
                unit = waiting.popleft()
                reporter.progress(len(compared), total, unit.table.label, Unit.ITEMS)
                compared.append(await self._compare(unit, source, target))
        finally:
            await source.close()
            await target.close()

    async def _compare(
        self, unit: ComparisonUnit, source: DatabaseReader, target: DatabaseReader
    ) -> ComparedUnit:
        head = sql.SQL("SELECT pg_catalog.count(*), {}").format(self._checksum(unit))
        ours, theirs = await both(
            source.fetch(head + unit.source), target.fetch(head + unit.target)
        )
        return ComparedUnit(unit, ours[0] == theirs[0])

    def _checksum(self, unit: ComparisonUnit) -> sql.Composable:
        if unit.pieces[0].kind is PieceKind.OBJECTS:
            return hash_of(sql.SQL("pg_catalog.record_send(ROW(t.oid, pg_catalog.lo_get(t.oid)))"))
        return checksum(self._columns[unit.table.schema, unit.table.name])

    async def _read_columns(self, tables: set[SourceTable]) -> None:
        """The columns that both databases have. The check names those that only one of them has."""
        job = self._coordinator.job
        here = {(t.schema, t.name): (t.schema, t.name) for t in tables}
        there = {(t.schema, t.name): t.on_target for t in tables if t.on_target}
        ours, theirs = await both(_columns(job.source, here), _columns(job.target, there))
        for name, columns in ours.items():
            on_target = {column.name for column in theirs.get(name, ())}
            self._columns[name] = tuple(c for c in columns if c.name in on_target)


async def _columns(
    end: Endpoint, names: Mapping[tuple[str, str], tuple[str, str]]
) -> dict[tuple[str, str], list[ChecksumColumn]]:
    """Columns of tables by their names on the source; `names` has those of this end."""
    keys = {name: key for key, name in names.items()}
    async with connected(end) as connection:
        oids = {
            oid: keys[schema, name]
            for oid, schema, name in await rows(
                connection, _OIDS, ([s for s, _ in keys], [n for _, n in keys])
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


async def _outdated(coordinator: Coordinator, stages: Sequence[Stage]) -> list[StoredPiece]:
    """Pieces on the target that were copied under an earlier snapshot than the last."""
    current = _current_snapshot(coordinator)
    return [
        stored
        for stored in await queue.read_pieces(await coordinator.target())
        if stored.state is PieceState.DONE
        and stored.piece.kind is not PieceKind.COMPRESS
        and stored.piece.stage in stages
        and stored.snapshot_id != current.id
    ]


def _current_snapshot(coordinator: Coordinator) -> SourceSnapshot:
    current = coordinator.snapshots.current
    assert current is not None
    return current


PrepareTables = Callable[[Iterable[SourceTable]], Awaitable[None]]
"""Prepares tables of the target for another copy of their rows."""


async def _nothing_to_prepare(_tables: Iterable[SourceTable]) -> None:
    """Tables without constraints, triggers and the like need no preparation."""


async def reconcile(
    coordinator: Coordinator,
    prepare_tables: PrepareTables = _nothing_to_prepare,
    stages: Sequence[Stage] = ROW_STAGES,
) -> int:
    """Bring all pieces of the stages to the last snapshot; how many were copied again.

    Raises StepFailed, VerifyStopped, psycopg.Error.
    """
    await _copy_new_pieces(coordinator, prepare_tables, stages)
    recopied, all_stages = 0, len(stages) == len(ROW_STAGES)
    for _ in range(_MAX_ROUNDS if all_stages else 1):
        outdated = await _outdated(coordinator, stages)
        if not outdated:
            return recopied
        snapshot = _current_snapshot(coordinator)
        coordinator.reporter.say(
            f"comparing {plural(len(outdated), 'piece')} copied under an earlier snapshot"
        )
        units = comparison_units(coordinator.plan, outdated)
        compared = await PieceComparison(coordinator, snapshot.name).run(units)
        differing = [c.unit for c in compared if not c.equal]
        recopied += sum(len(unit.pieces) for unit in differing)
        await prepare_tables({unit.table for unit in differing})
        await _record(coordinator, compared, snapshot.id)
        if differing:
            tables = ", ".join(dict.fromkeys(unit.table.label for unit in differing))
            coordinator.reporter.say(f"changed on the source since they were copied: {tables}")
            for stage in stages:
                await coordinator.copy_stage(stage)
    if all_stages and await _outdated(coordinator, stages):
        raise failed(
            "source-rewritten",
            "The source is rewritten faster than it can be copied.",
            where=coordinator.job.source.label,
            why=f"In each of {_MAX_ROUNDS} rounds a table was rewritten or a chunk was compressed, "
            "which makes its rows invisible to the snapshot in use.",
            todo="Pause what does that (compression jobs above all), then resume.",
        )
    return recopied


async def copy_unfinished(
    coordinator: Coordinator, prepare_tables: PrepareTables, stage: Stage
) -> None:
    """Copy all pieces of a stage that are not on the target. Raises StepFailed, psycopg.Error."""
    indexes = await queue.unfinished_tables(await coordinator.target(), stage)
    await prepare_tables([coordinator.plan.tables[index] for index in indexes])
    if stage is Stage.CHUNKS:
        await coordinator.make_shells()
    await coordinator.copy_stage(stage)


async def _copy_new_pieces(
    coordinator: Coordinator, prepare_tables: PrepareTables, stages: Sequence[Stage]
) -> None:
    """Copy what was added to the plan after the stages were done, such as new chunks."""
    for stage in stages:
        if not await queue.unfinished_tables(await coordinator.target(), stage):
            continue
        if stage is Stage.CHUNKS:
            await coordinator.create_chunks()
        await copy_unfinished(coordinator, prepare_tables, stage)


async def _record(coordinator: Coordinator, compared: list[ComparedUnit], snapshot_id: int) -> None:
    """Equal units are of this snapshot too; the pieces of the others are copied again."""
    target = await coordinator.target()
    equal = [piece.id for c in compared if c.equal for piece in c.unit.pieces]
    async with target.transaction():
        await queue.confirm(target, equal, snapshot_id)
        for unit in (c.unit for c in compared if not c.equal):
            if unit.hypertable:
                await _empty(target, unit.table)
                await queue.reset(target, unit.pieces)
            elif unit.pieces[0].by_ctid:
                await recopy_table(target, unit.table, unit.pieces)
            else:
                await queue.requeue(target, unit.pieces)


async def _empty(target: Connection, table: SourceTable) -> None:
    """Delete every row of a hypertable; call it in a transaction.

    TRUNCATE is refused on what holds a continuous aggregate's rows, and tells those that read a
    hypertable that all of it changed: the next refresh would remove their history.
    """
    if table.cagg is None and not table.feeds_caggs:
        await target.execute(sql.SQL("TRUNCATE {}").format(table.target_sql))
        return
    limit = "timescaledb.max_tuples_decompressed_per_dml_transaction"
    await target.execute(
        "SELECT pg_catalog.set_config(name, '0', true) FROM pg_catalog.pg_settings WHERE name = %s",
        (limit,),
    )
    await target.execute(sql.SQL("DELETE FROM {}").format(table.target_sql))
