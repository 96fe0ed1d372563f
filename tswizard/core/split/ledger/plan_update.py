"""Brings the ledger up to a later snapshot of the source: what is new is added, what is gone is
marked, what was rewritten is copied again."""

from collections.abc import Sequence
from dataclasses import replace

from tswizard.core.db.connection import Connection, rows
from tswizard.core.split.ledger import queue
from tswizard.core.split.ledger.plan_store import save_tables
from tswizard.core.split.plan.columns import read_columns
from tswizard.core.split.plan.piece import (
    CopyPlan,
    PieceKind,
    PieceState,
    SourceTable,
    relation_key,
)
from tswizard.core.split.plan.plan_diff import PlanDiff


async def fit_to_target(target: Connection, diff: PlanDiff) -> PlanDiff:
    """The part of a difference that the target has tables and columns for.

    Tables get their new columns if the target has them too; the others stay in `columns_changed`
    and are copied with the stored columns. Once the target has a schema, pieces of new tables that
    it lacks are left out, and those tables are in `missing_on_target`.
    """
    tables = list(diff.added.tables)
    oids = await _oids_on_target(target, tables)
    found = await read_columns(target, (oids[n] for n in diff.columns_changed if n in oids))
    columns_changed = {}
    for index, table in diff.columns_changed.items():
        on_target = found[oids[index]].columns if index in oids else ()
        if set(table.columns) <= set(on_target):
            tables[index] = table
        else:
            columns_changed[index] = table
    pieces, missing = diff.added.pieces, set[int]()
    if any(tables[index].schema != "pg_catalog" for index in oids):
        missing = {
            piece.table_index
            for piece in pieces
            if piece.table_index not in oids and tables[piece.table_index].on_target
        }
        pieces = tuple(piece for piece in pieces if piece.table_index not in missing)
    return replace(
        diff,
        added=CopyPlan(tuple(tables), pieces),
        columns_changed=columns_changed,
        missing_on_target=tuple(tables[index] for index in sorted(missing)),
    )


async def _oids_on_target(target: Connection, tables: Sequence[SourceTable]) -> dict[int, int]:
    """OIDs of the tables that the target has, by index in the plan."""
    names = [table.target_sql.as_string(None) if table.on_target else None for table in tables]
    found = await rows(
        target,
        "SELECT w.number::int, pg_catalog.to_regclass(w.name)::oid::bigint "
        "FROM pg_catalog.unnest(%s::text[]) WITH ORDINALITY AS w (name, number)",
        (names,),
    )
    return {number - 1: oid for number, oid in found if oid is not None}


async def apply_diff(target: Connection, diff: PlanDiff) -> None:
    """Store the difference. Call it in a transaction."""
    if diff.rewritten:
        await target.execute(
            "DELETE FROM _tswizard.piece WHERE relation = ANY (%s)",
            (sorted({relation_key(s.piece) for s in diff.rewritten}),),
        )
    await queue.add_pieces(target, diff.added, diff.added.pieces)
    await save_tables(target, diff.added.tables)
    for piece in diff.added.pieces:
        if piece.kind is PieceKind.COMPRESS:
            await queue.unblock_compression(target, piece)
    await queue.set_state(target, [s.piece.id for s in diff.dropped], PieceState.GONE)
