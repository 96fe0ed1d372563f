"""A later moment's plan against the one in the ledger: what is new, gone or rewritten."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from tswizard.core.db.connection import Connection, rows
from tswizard.core.split.ledger import queue
from tswizard.core.split.ledger.plan_store import save_tables
from tswizard.core.split.ledger.queue import Known, State, relation
from tswizard.core.split.plan.columns import read_columns
from tswizard.core.split.plan.piece import Kind, Plan, Table


@dataclass(frozen=True, slots=True)
class Merge:
    """What a later moment's plan brings."""

    added: Plan
    """All tables, and the pieces that are new."""
    gone: tuple[Known, ...]
    """Pieces whose relation is no longer on the source."""
    rewritten: tuple[Known, ...]
    """Pieces that named places in a file which is another one now; all of their relations."""
    altered: dict[int, Table]
    """Tables whose columns are others now, by their place in the plan."""
    homeless: tuple[Table, ...] = ()
    """New tables that the target lacks."""


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
    altered = {
        place: table
        for table in fresh.tables
        if (place := places.get((table.schema, table.name), len(old))) < len(old)
        and old[place].columns != table.columns
    }
    return Merge(
        Plan(tuple(tables), tuple(added)),
        tuple(gone),
        tuple(k for k in known if relation(k.piece) in rewritten),
        altered,
    )


async def adopt(target: Connection, merge: Merge) -> Merge:
    """What of it has a place on the target.

    Altered tables get their new columns if the target has them too; the others stay `altered`, and
    are copied in the columns that were planned. Pieces of new tables that the target lacks are left
    out, and their tables are `homeless`, once the schema is there.
    """
    tables = list(merge.added.tables)
    oids = await _oids(target, tables)
    columns = await read_columns(target, (oids[n] for n in merge.altered if n in oids))
    altered = {}
    for place, table in merge.altered.items():
        there = columns[oids[place]].columns if place in oids else ()
        if set(table.columns) <= set(there):
            tables[place] = table
        else:
            altered[place] = table
    pieces, homeless = merge.added.pieces, set[int]()
    if any(tables[place].schema != "pg_catalog" for place in oids):
        homeless = {piece.table for piece in pieces if piece.table not in oids}
        pieces = tuple(piece for piece in pieces if piece.table not in homeless)
    return replace(
        merge,
        added=Plan(tuple(tables), pieces),
        altered=altered,
        homeless=tuple(tables[place] for place in sorted(homeless)),
    )


async def _oids(target: Connection, tables: Sequence[Table]) -> dict[int, int]:
    """Of the tables that are on the target, by their places."""
    found = await rows(
        target,
        "SELECT w.place::int, pg_catalog.to_regclass(w.name)::oid::bigint "
        "FROM pg_catalog.unnest(%s::text[]) WITH ORDINALITY AS w (name, place)",
        ([table.sql.as_string(None) for table in tables],),
    )
    return {place - 1: oid for place, oid in found if oid is not None}


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
