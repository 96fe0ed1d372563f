"""The queue of pieces, a table in the target: a piece's rows and its done-mark commit together.

Whoever wants a piece locks it with `FOR UPDATE SKIP LOCKED` in the very transaction that copies
it. So workers of this process, of other processes and of other machines share the queue, and the
server releases a piece when the session that holds it ends.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from pydantic import TypeAdapter

from tswizard.core.db.connection import Connection, rows, value
from tswizard.core.split.plan.piece import (
    CopyPlan,
    Piece,
    PieceKind,
    PieceState,
    Stage,
    StoredPiece,
    relation_key,
)

UNFINISHED = (PieceState.WAITING, PieceState.BLOCKED, PieceState.STAGED)
"""States of pieces that still have to reach the target."""

# Whoever claims a piece wants the first of those that are left, in an order that the first two
# indexes have: without them each claim would sort all of them, with N pieces N times.
CREATE_QUEUE = """
CREATE TABLE _tswizard.piece (
  id int PRIMARY KEY, relation text NOT NULL, label text NOT NULL, kind text NOT NULL,
  stage text NOT NULL, state text NOT NULL, bytes bigint NOT NULL, spec jsonb NOT NULL,
  snapshot_id int, rows bigint, copied bigint, attempts int NOT NULL DEFAULT 0, error text,
  location text, updated_at timestamptz);
CREATE INDEX ON _tswizard.piece (stage, (kind = 'compress') DESC, bytes DESC, id)
  WHERE state IN ('waiting', 'staged');
CREATE INDEX ON _tswizard.piece (stage, bytes DESC, id) WHERE state IN ('waiting', 'staged');
CREATE INDEX ON _tswizard.piece (relation);
"""

_PIECE = TypeAdapter(Piece)


@dataclass(frozen=True, slots=True)
class ClaimedPiece:
    """A piece that this transaction has locked."""

    piece: Piece
    state: PieceState
    on_target: bool
    """Rows of an earlier copy of it are on the target."""


class CopyMode(StrEnum):
    """What a pass over the queue does."""

    STREAM = "stream"
    """Copy from the source straight into the target."""
    EXPORT = "export"
    """Write files."""
    LOAD = "load"
    """Load files; a piece that has none is written first."""

    @property
    def states(self) -> tuple[PieceState, ...]:
        if self is CopyMode.LOAD:
            return PieceState.STAGED, PieceState.WAITING
        return (PieceState.WAITING,)

    @property
    def compresses(self) -> bool:
        return self is not CopyMode.EXPORT


async def add_pieces(target: Connection, plan: CopyPlan, pieces: Iterable[Piece]) -> None:
    """Add pieces to the queue."""
    async with target.cursor() as cursor:
        await cursor.executemany(
            "INSERT INTO _tswizard.piece (id, relation, label, kind, stage, state, bytes, spec) "
            "VALUES (%s, %s, %s, %s, %s, %s, %s, %s)",
            [
                (
                    piece.id,
                    relation_key(piece),
                    plan.table_of(piece).label,
                    piece.kind,
                    piece.stage,
                    PieceState.BLOCKED if piece.kind is PieceKind.COMPRESS else PieceState.WAITING,
                    piece.bytes,
                    _PIECE.dump_json(piece).decode(),
                )
                for piece in pieces
            ],
        )


async def read_pieces(target: Connection) -> list[StoredPiece]:
    """All pieces, by id."""
    found = await rows(
        target, "SELECT spec::text, state, snapshot_id, rows FROM _tswizard.piece ORDER BY id"
    )
    return [
        StoredPiece(_PIECE.validate_json(spec), PieceState(state), snapshot_id, rows_)
        for spec, state, snapshot_id, rows_ in found
    ]


AVAILABLE = """
stage = %(stage)s AND state = ANY (%(states)s)
AND (location IS NULL OR location = %(location)s) AND (kind <> 'compress' OR %(compress)s)
"""
"""Pieces that a pass may work on; its arguments are those of `available`."""


def read_spec(spec: str) -> Piece:
    """A piece as the ledger stores it."""
    return _PIECE.validate_json(spec)


def available(stage: Stage, mode: CopyMode, location: str) -> dict[str, object]:
    """The arguments of AVAILABLE."""
    return {
        "stage": stage,
        "states": list(mode.states),
        "location": location,
        "compress": mode.compresses,
    }


async def count_remaining(target: Connection, stage: Stage, mode: CopyMode, location: str) -> int:
    """Pieces that this pass still has to do, including those that are locked by a worker."""
    query = f"SELECT pg_catalog.count(*) FROM _tswizard.piece WHERE {AVAILABLE}"
    return int(await value(target, query, available(stage, mode, location)))


async def staged_elsewhere(target: Connection, location: str) -> list[str]:
    """Other locations that hold files of pieces."""
    found = await rows(
        target,
        "SELECT DISTINCT location FROM _tswizard.piece WHERE state = 'staged' AND location <> %s",
        (location,),
    )
    return [name for (name,) in found]


async def requeue_lost_files(target: Connection, location: str) -> int:
    """Requeue the pieces whose files at that location are lost; how many."""
    cursor = await target.execute(
        "UPDATE _tswizard.piece SET state = 'waiting', location = NULL, snapshot_id = NULL "
        "WHERE state = 'staged' AND location = %s",
        (location,),
    )
    return cursor.rowcount


DONE = """
UPDATE _tswizard.piece p
SET state = 'done', rows = d.rows, copied = d.copied, snapshot_id = %s, error = NULL,
  location = NULL, updated_at = pg_catalog.now()
FROM unnest(%s::int[], %s::bigint[], %s::bigint[]) AS d (id, rows, copied)
WHERE p.id = d.id
"""
"""The done-marks of pieces: the snapshot, their ids, their rows, their bytes."""
# The locks make the last two pieces of a chunk wait for each other: one of them sees both done.
# All workers take them in one order.
LOCK_COMPRESSIONS = """
SELECT id FROM _tswizard.piece WHERE kind = 'compress' AND relation = ANY (%s::text[])
ORDER BY id FOR UPDATE
"""
"""For UNBLOCK_COMPRESSIONS to follow."""
UNBLOCK_COMPRESSIONS = """
UPDATE _tswizard.piece c SET state = 'waiting'
WHERE c.kind = 'compress' AND c.relation = ANY (%s::text[]) AND NOT EXISTS (
  SELECT FROM _tswizard.piece p
  WHERE p.relation = c.relation AND p.kind <> 'compress' AND p.state <> 'done')
"""
"""Lets these chunks be compressed if all of them is copied."""

COMPRESSED = """
UPDATE _tswizard.piece SET state = 'done', rows = 0, copied = 0
WHERE relation = ANY (%s::text[]) AND kind = 'compress'
"""
"""A chunk that travels as it is stored arrives compressed."""


async def mark_done(
    target: Connection, piece: Piece, *, row_count: int, copied: int, snapshot_id: int | None
) -> None:
    """The done-mark, in the transaction that wrote the rows; unblocks the chunk's compression.

    `copied` is in bytes. Without a `snapshot_id` the piece is compared by the next reconciliation.
    """
    await target.execute(DONE, (snapshot_id, [piece.id], [row_count], [copied]))
    if piece.shell:
        await target.execute(COMPRESSED, ([relation_key(piece)],))
    elif piece.kind is PieceKind.CHUNK:
        found = await rows(target, LOCK_COMPRESSIONS, ([relation_key(piece)],))
        if found:
            await unblock_compression(target, piece)


async def unblock_compression(target: Connection, piece: Piece) -> None:
    """Let the chunk of this piece be compressed if all of it is copied."""
    await target.execute(UNBLOCK_COMPRESSIONS, ([relation_key(piece)],))


async def mark_staged(
    target: Connection, piece: Piece, location: str, snapshot_id: int, size: int
) -> None:
    """The mark that all of a piece is in a file at `location`."""
    await target.execute(
        "UPDATE _tswizard.piece SET state = 'staged', location = %s, snapshot_id = %s, "
        "copied = %s, updated_at = pg_catalog.now() WHERE id = %s",
        (location, snapshot_id, size, piece.id),
    )


async def set_state(
    target: Connection, ids: Sequence[int], state: PieceState, error: str | None = None
) -> None:
    """Set the state of pieces; their rows on the target are not touched."""
    await target.execute(
        "UPDATE _tswizard.piece SET state = %s, location = NULL, error = COALESCE(%s, error), "
        "updated_at = pg_catalog.now() WHERE id = ANY (%s)",
        (state, error, list(ids)),
    )


async def count_attempt(target: Connection, piece: Piece, error: str) -> int:
    """Count a failed attempt and store its message; the number of attempts so far."""
    return int(
        await value(
            target,
            "UPDATE _tswizard.piece SET attempts = attempts + 1, error = %s WHERE id = %s "
            "RETURNING attempts",
            (error, piece.id),
        )
    )


async def save_pieces(target: Connection, pieces: Iterable[Piece]) -> None:
    """Store pieces that have changed, for instance because their chunks were created."""
    async with target.cursor() as cursor:
        await cursor.executemany(
            "UPDATE _tswizard.piece SET spec = %s WHERE id = %s",
            [(_PIECE.dump_json(piece).decode(), piece.id) for piece in pieces],
        )


async def is_recompressed(target: Connection, piece: Piece) -> bool:
    """Is the chunk of this piece compressed after its copy?"""
    return bool(
        await value(
            target,
            "SELECT EXISTS (SELECT FROM _tswizard.piece WHERE relation = %s AND kind = 'compress')",
            (relation_key(piece),),
        )
    )


async def target_chunks_of(target: Connection, piece: Piece) -> list[tuple[str, str]]:
    """The chunks on the target that hold the rows of a source's chunk."""
    found = await rows(
        target,
        "SELECT DISTINCT spec -> 'target_chunk' FROM _tswizard.piece "
        "WHERE relation = %s AND kind = 'chunk' AND spec ->> 'target_chunk' IS NOT NULL",
        (relation_key(piece),),
    )
    return [(schema, name) for ((schema, name),) in found]


async def open_pass(target: Connection, stage: Stage, mode: CopyMode) -> None:
    """Tell the workers of other processes what to work on."""
    await target.execute("UPDATE _tswizard.ledger SET open_pass = %s", (f"{stage} {mode}",))


async def close_pass(target: Connection) -> None:
    """Nothing is to be worked on until the next pass is opened."""
    await target.execute("UPDATE _tswizard.ledger SET open_pass = NULL")


async def read_open_pass(target: Connection) -> tuple[Stage, CopyMode] | None:
    """The pass that the run's leader has opened."""
    found = await value(target, "SELECT open_pass FROM _tswizard.ledger")
    if not found:
        return None
    stage, mode = str(found).split(" ")
    return Stage(stage), CopyMode(mode)


async def count_unfinished(target: Connection) -> int:
    """Pieces of all stages that are not on the target yet."""
    query = "SELECT pg_catalog.count(*) FROM _tswizard.piece WHERE state = ANY (%s)"
    return int(await value(target, query, (list(UNFINISHED),)))


async def unfinished_tables(target: Connection, stage: Stage) -> list[int]:
    """Indexes of a stage's tables with pieces that are not on the target yet."""
    found = await rows(
        target,
        "SELECT DISTINCT (spec ->> 'table_index')::int FROM _tswizard.piece "
        "WHERE stage = %s AND state = ANY (%s)",
        (stage, list(UNFINISHED)),
    )
    return [index for (index,) in found]


async def count_failed(target: Connection) -> int:
    """Pieces that could not be copied."""
    query = "SELECT pg_catalog.count(*) FROM _tswizard.piece WHERE state = 'failed'"
    return int(await value(target, query))


async def add_snapshot(target: Connection, name: str | None) -> int:
    """Record a new snapshot of the source; its number."""
    return int(
        await value(
            target,
            "INSERT INTO _tswizard.snapshot (id, name) "
            "SELECT COALESCE(pg_catalog.max(id), 0) + 1, %s FROM _tswizard.snapshot RETURNING id",
            (name,),
        )
    )


async def last_snapshot(target: Connection) -> tuple[int, str | None] | None:
    """Number and name of the latest snapshot."""
    found = await rows(target, "SELECT id, name FROM _tswizard.snapshot ORDER BY id DESC LIMIT 1")
    return (found[0][0], found[0][1]) if found else None


async def confirm(target: Connection, ids: Sequence[int], snapshot_id: int) -> None:
    """These pieces equal the source under this snapshot, which is later than their copy's."""
    await target.execute(
        "UPDATE _tswizard.piece SET snapshot_id = %s WHERE id = ANY (%s)", (snapshot_id, list(ids))
    )


async def requeue_failed(target: Connection) -> None:
    """Requeue failed pieces: whoever resumes the run has fixed something."""
    await target.execute(
        "UPDATE _tswizard.piece SET state = 'waiting', attempts = 0, location = NULL "
        "WHERE state = 'failed'"
    )


async def requeue(target: Connection, pieces: Iterable[Piece]) -> None:
    """Have these pieces copied again, replacing the rows on the target. Call it in a
    transaction."""
    some = list(pieces)
    await set_state(target, [piece.id for piece in some], PieceState.WAITING)
    await target.execute(
        "UPDATE _tswizard.piece SET state = 'blocked' "
        "WHERE kind = 'compress' AND state <> 'gone' AND relation = ANY (%s)",
        (sorted({relation_key(piece) for piece in some}),),
    )


async def reset(target: Connection, pieces: Iterable[Piece]) -> None:
    """Have these pieces copied again, as if for the first time: their rows were removed from the
    target. Call it in a transaction."""
    some = list(pieces)
    await requeue(target, some)
    await target.execute(
        "UPDATE _tswizard.piece SET snapshot_id = NULL, rows = NULL WHERE id = ANY (%s)",
        ([piece.id for piece in some],),
    )


async def merge_slices(target: Connection, slices: Sequence[Piece]) -> None:
    """Make one waiting piece of a table's slices by page, whose rows stay on the target.

    Call it in a transaction.
    """
    first, *others = slices
    whole = replace(
        first,
        kind=PieceKind.TABLE,
        where="",
        by_ctid=False,
        whole_relation=True,
        filenode=None,
        bytes=sum(piece.bytes for piece in slices),
        rows_estimate=sum(piece.rows_estimate for piece in slices),
    )
    await save_pieces(target, [whole])
    await target.execute(
        "UPDATE _tswizard.piece SET kind = %s, bytes = %s, state = 'waiting', location = NULL, "
        "rows = COALESCE(rows, 0) WHERE id = %s",
        (whole.kind, whole.bytes, whole.id),
    )
    await target.execute(
        "DELETE FROM _tswizard.piece WHERE id = ANY (%s)", ([piece.id for piece in others],)
    )
