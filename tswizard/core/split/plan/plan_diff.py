"""A new plan compared with the one in the ledger: what was added, dropped or rewritten."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from tswizard.core.split.plan.piece import (
    CopyPlan,
    Piece,
    PieceKind,
    PieceState,
    SourceTable,
    StoredPiece,
    relation_key,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanDiff:
    """What has changed on the source since its plan was stored."""

    added: CopyPlan
    """All tables, and the pieces that are new."""
    dropped: tuple[StoredPiece, ...]
    """Pieces whose relation no longer exists on the source."""
    rewritten: tuple[StoredPiece, ...]
    """All pieces of relations that were sliced by page and have another file now."""
    columns_changed: dict[int, SourceTable]
    """Tables with other columns than stored, by index in the plan."""
    missing_on_target: tuple[SourceTable, ...] = ()
    """New tables that the target lacks."""


def diff_plans(
    stored: Sequence[StoredPiece], stored_tables: tuple[SourceTable, ...], new: CopyPlan
) -> PlanDiff:
    """What the new plan adds to the stored one, and what it lacks.

    A relation in both keeps its stored pieces: its first and last slices are open-ended, so they
    hold all rows that were added since.
    """
    files = {relation_key(piece): piece.filenode for piece in new.pieces if piece.by_ctid}
    rewritten = {
        relation_key(s.piece)
        for s in stored
        if s.piece.by_ctid and files.get(relation_key(s.piece)) != s.piece.filenode
    }
    relations_now = {relation_key(piece) for piece in new.pieces}
    rewritten &= relations_now
    kept = [s for s in stored if relation_key(s.piece) not in rewritten]
    copied = {relation_key(s.piece) for s in kept if s.piece.kind is not PieceKind.COMPRESS}
    compressed = {relation_key(s.piece) for s in kept if s.piece.kind is PieceKind.COMPRESS}
    objects = any(s.piece.kind is PieceKind.OBJECTS for s in stored)
    tables = list(stored_tables)
    indexes = {(t.schema, t.name): n for n, t in enumerate(stored_tables)}
    last_id = max((s.piece.id for s in stored), default=0)
    added: list[Piece] = []
    for piece in new.pieces:
        existing = compressed if piece.kind is PieceKind.COMPRESS else copied
        if relation_key(piece) in existing or (piece.kind is PieceKind.OBJECTS and objects):
            continue
        table = new.table_of(piece)
        index = indexes.setdefault((table.schema, table.name), len(tables))
        if index == len(tables):
            tables.append(table)
        added.append(replace(piece, id=last_id + len(added) + 1, table_index=index))
    columns_changed = {
        index: replace(
            table, target=stored_tables[index].target, layouts=stored_tables[index].layouts
        )
        for table in new.tables
        if (index := indexes.get((table.schema, table.name), len(stored_tables)))
        < len(stored_tables)
        and stored_tables[index].columns != table.columns
    }
    return PlanDiff(
        added=CopyPlan(tuple(tables), tuple(added)),
        dropped=tuple(
            s
            for s in stored
            if s.piece.kind is not PieceKind.OBJECTS
            and s.state is not PieceState.GONE
            and relation_key(s.piece) not in relations_now
        ),
        rewritten=tuple(s for s in stored if relation_key(s.piece) in rewritten),
        columns_changed=columns_changed,
    )
