"""A later moment's plan against the one in the ledger: what is new, gone or rewritten."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from tswizard.core.db.connection import Connection, rows
from tswizard.core.split.ledger import queue
from tswizard.core.split.ledger.plan_store import save_tables
from tswizard.core.split.ledger.queue import PieceState, StoredPiece, relation_key
from tswizard.core.split.plan.columns import read_columns
from tswizard.core.split.plan.piece import CopyPlan, PieceKind, SourceTable


@dataclass(frozen=True, slots=True)
class PlanDiff:
    """What a later moment's plan brings."""

    added: CopyPlan
    """All tables, and the pieces that are new."""
    dropped: tuple[StoredPiece, ...]
    """Pieces whose relation is no longer on the source."""
    rewritten: tuple[StoredPiece, ...]
    """Pieces that named places in a file which is another one now; all of their relations."""
    columns_changed: dict[int, SourceTable]
    """Tables whose columns are others now, by their place in the plan."""
    missing_on_target: tuple[SourceTable, ...] = ()
    """New tables that the target lacks."""


def diff_plans(
    known: Sequence[StoredPiece], old: tuple[SourceTable, ...], fresh: CopyPlan
) -> PlanDiff:
    """Relations that are new, and those that are gone.

    A relation that is known keeps its pieces: the first and the last slice have open ends, so
    they hold whatever has come since.
    """
    files = {relation_key(piece): piece.filenode for piece in fresh.pieces if piece.by_ctid}
    rewritten = {
        relation_key(k.piece)
        for k in known
        if k.piece.by_ctid and files.get(relation_key(k.piece)) != k.piece.filenode
    }
    rewritten &= {relation_key(piece) for piece in fresh.pieces}
    unchanged = [k for k in known if relation_key(k.piece) not in rewritten]
    relations = {relation_key(k.piece) for k in unchanged if k.piece.kind is not PieceKind.COMPRESS}
    compressed = {relation_key(k.piece) for k in unchanged if k.piece.kind is PieceKind.COMPRESS}
    objects = any(k.piece.kind is PieceKind.OBJECTS for k in known)
    tables = list(old)
    indexes = {(t.schema, t.name): n for n, t in enumerate(old)}
    number = max((k.piece.id for k in known), default=0)
    added = []
    for piece in fresh.pieces:
        existing = compressed if piece.kind is PieceKind.COMPRESS else relations
        if relation_key(piece) in existing or (piece.kind is PieceKind.OBJECTS and objects):
            continue
        table = fresh.of(piece)
        index = indexes.setdefault((table.schema, table.name), len(tables))
        if index == len(tables):
            tables.append(table)
        number += 1
        added.append(replace(piece, id=number, table_index=index))
    relations_now = {relation_key(piece) for piece in fresh.pieces}
    dropped = [
        k
        for k in known
        if k.piece.kind is not PieceKind.OBJECTS
        and k.state is not PieceState.GONE
        and relation_key(k.piece) not in relations_now
    ]
    columns_changed = {
        index: table
        for table in fresh.tables
        if (index := indexes.get((table.schema, table.name), len(old))) < len(old)
        and old[index].columns != table.columns
    }
    return PlanDiff(
        CopyPlan(tuple(tables), tuple(added)),
        tuple(dropped),
        tuple(k for k in known if relation_key(k.piece) in rewritten),
        columns_changed,
    )


async def fit_to_target(target: Connection, diff: PlanDiff) -> PlanDiff:
    """What of it has a place on the target.

    Altered tables get their new columns if the target has them too; the others stay `altered`, and
    are copied in the columns that were planned. Pieces of new tables that the target lacks are left
    out, and their tables are `homeless`, once the schema is there.
    """
    tables = list(diff.added.tables)
    oids = await _oids(target, tables)
    columns = await read_columns(target, (oids[n] for n in diff.columns_changed if n in oids))
    columns_changed = {}
    for index, table in diff.columns_changed.items():
        there = columns[oids[index]].columns if index in oids else ()
        if set(table.columns) <= set(there):
            tables[index] = table
        else:
            columns_changed[index] = table
    pieces, missing_on_target = diff.added.pieces, set[int]()
    if any(tables[index].schema != "pg_catalog" for index in oids):
        missing_on_target = {piece.table_index for piece in pieces if piece.table_index not in oids}
        pieces = tuple(piece for piece in pieces if piece.table_index not in missing_on_target)
    return replace(
        diff,
        added=CopyPlan(tuple(tables), pieces),
        columns_changed=columns_changed,
        missing_on_target=tuple(tables[index] for index in sorted(missing_on_target)),
    )


async def _oids(target: Connection, tables: Sequence[SourceTable]) -> dict[int, int]:
    """Of the tables that are on the target, by their places."""
    found = await rows(
        target,
        "SELECT w.place::int, pg_catalog.to_regclass(w.name)::oid::bigint "
        "FROM pg_catalog.unnest(%s::text[]) WITH ORDINALITY AS w (name, place)",
        ([table.sql.as_string(None) for table in tables],),
    )
    return {index - 1: oid for index, oid in found if oid is not None}


async def apply_diff(target: Connection, diff: PlanDiff) -> None:
    """Write the difference down; call it in a transaction."""
    if diff.rewritten:
        await target.execute(
            "DELETE FROM _tswizard.piece WHERE relation = ANY (%s)",
            (sorted({relation_key(k.piece) for k in diff.rewritten}),),
        )
    await queue.add_pieces(target, diff.added, diff.added.pieces)
    await save_tables(target, diff.added.tables)
    for piece in diff.added.pieces:
        if piece.kind is PieceKind.COMPRESS:
            await queue.unblock_compression(target, piece)
    await queue.set_state(target, [k.piece.id for k in diff.dropped], PieceState.GONE)
