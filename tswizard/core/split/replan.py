"""A later moment's plan against the one in the ledger: what is new, gone or rewritten."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from tswizard.core.connection import Connection
from tswizard.core.split import queue
from tswizard.core.split.header import save_tables
from tswizard.core.split.piece import Kind, Plan, Table
from tswizard.core.split.queue import Known, State, relation


@dataclass(frozen=True, slots=True)
class Merge:
    """What a later moment's plan brings."""

    added: Plan
    """All tables, and the pieces that are new."""
    gone: tuple[Known, ...]
    """Pieces whose relation is no longer on the source."""
    rewritten: tuple[Known, ...]
    """Pieces that named places in a file which is another one now; all of their relations."""


def merged(known: Sequence[Known], old: tuple[Table, ...], fresh: Plan) -> Merge:
    """Relations that are new, and those that are gone.

    A relation that is known keeps its pieces: the first and the last slice have open ends, so
    they hold whatever has come since.
    """
    files = {relation(piece): piece.filenode for piece in fresh.pieces if piece.local}
    rewritten = {
        relation(k.piece)
        for k in known
        if k.piece.local and files.get(relation(k.piece)) != k.piece.filenode
    }
    rewritten &= {relation(piece) for piece in fresh.pieces}
    kept = [k for k in known if relation(k.piece) not in rewritten]
    relations = {relation(k.piece) for k in kept if k.piece.kind is not Kind.COMPRESS}
    compressed = {relation(k.piece) for k in kept if k.piece.kind is Kind.COMPRESS}
    objects = any(k.piece.kind is Kind.OBJECTS for k in known)
    tables = list(old)
    places = {(t.schema, t.name): n for n, t in enumerate(old)}
    number = max((k.piece.id for k in known), default=0)
    added = []
    for piece in fresh.pieces:
        have = compressed if piece.kind is Kind.COMPRESS else relations
        if relation(piece) in have or (piece.kind is Kind.OBJECTS and objects):
            continue
        table = fresh.of(piece)
        place = places.setdefault((table.schema, table.name), len(tables))
        if place == len(tables):
            tables.append(table)
        number += 1
        added.append(replace(piece, id=number, table=place))
    still = {relation(piece) for piece in fresh.pieces}
    gone = [
        k
        for k in known
        if k.piece.kind is not Kind.OBJECTS
        and k.state is not State.GONE
        and relation(k.piece) not in still
    ]
    return Merge(
        Plan(tuple(tables), tuple(added)),
        tuple(gone),
        tuple(k for k in known if relation(k.piece) in rewritten),
    )


async def apply(target: Connection, merge: Merge) -> None:
    """Write the difference down; call it in a transaction."""
    if merge.rewritten:
        await target.execute(
            "DELETE FROM _tswizard.piece WHERE relation = ANY (%s)",
            (sorted({relation(k.piece) for k in merge.rewritten}),),
        )
    await queue.add(target, merge.added, merge.added.pieces)
    await save_tables(target, merge.added.tables)
    for piece in merge.added.pieces:
        if piece.kind is Kind.COMPRESS:
            await queue.free_compression(target, piece)
    await queue.set_state(target, [k.piece.id for k in merge.gone], State.GONE)
