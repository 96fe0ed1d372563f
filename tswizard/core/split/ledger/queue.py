"""The ledger of pieces, in the target itself: a piece's rows and its done-mark commit together.

Whoever wants a piece takes it with `FOR UPDATE SKIP LOCKED` in the very transaction that copies
it. So workers of this process, of other processes and of other machines take work alike, and the
server gives a piece back by itself when whoever held it is gone.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from pydantic import TypeAdapter

from tswizard.core.db.connection import Connection, rows, value
from tswizard.core.split.plan.piece import CopyPlan, Piece, PieceKind, Stage


class PieceState(StrEnum):
    """Where a piece stands. One that is being copied is `waiting` and locked."""

    WAITING = "waiting"
    BLOCKED = "blocked"
    """A compression whose chunk is not complete yet."""
    STAGED = "staged"
    """In a file."""
    DONE = "done"
    FAILED = "failed"
    GONE = "gone"
    """Its relation is no longer on the source."""


OPEN = (PieceState.WAITING, PieceState.BLOCKED, PieceState.STAGED)
"""States of work that is left."""

_PIECE = TypeAdapter(Piece)


@dataclass(frozen=True, slots=True)
class ClaimedPiece:
    """A piece that this transaction holds."""

    piece: Piece
    state: PieceState
    there: bool
    """Rows of an earlier copy of it are on the target."""


@dataclass(frozen=True, slots=True)
class StoredPiece:
    """A piece as the ledger has it."""

    piece: Piece
    state: PieceState
    snapshot_id: int | None
    """When it was copied."""
    rows: int | None


class CopyMode(StrEnum):
    """What a pass over the queue does; the ledger says which one is open."""

    STREAM = "stream"
    """Straight from source to target."""
    EXPORT = "export"
    """Into files."""
    LOAD = "load"
    """From files; what has none gets one first."""

    @property
    def states(self) -> tuple[PieceState, ...]:
        return (
            (PieceState.STAGED, PieceState.WAITING)
            if self is CopyMode.LOAD
            else (PieceState.WAITING,)
        )

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
                    plan.of(piece).label,
                    piece.kind,
                    piece.stage,
                    PieceState.BLOCKED if piece.kind is PieceKind.COMPRESS else PieceState.WAITING,
                    piece.bytes,
                    _PIECE.dump_json(piece).decode(),
                )
                for piece in pieces
            ],
        )


def relation_key(piece: Piece) -> str:
    """The relation that a piece is of; all its slices share it."""
    return json.dumps((piece.schema, piece.name), ensure_ascii=False)


async def read_pieces(target: Connection) -> list[StoredPiece]:
    """Every piece, in order."""
    found = await rows(
        target, "SELECT spec::text, state, snapshot_id, rows FROM _tswizard.piece ORDER BY id"
    )
    return [
        StoredPiece(_PIECE.validate_json(spec), PieceState(state), snapshot_id, rows_)
        for spec, state, snapshot_id, rows_ in found
    ]


_FREE = """
stage = %(stage)s AND state = ANY (%(states)s) AND (location IS NULL OR location = %(location)s)
AND (kind <> 'compress' OR %(compress)s)
"""

_CLAIM = f"""
SELECT spec::text, state, rows IS NOT NULL FROM _tswizard.piece WHERE {_FREE}
ORDER BY kind = 'compress' DESC, bytes DESC, id LIMIT 1
FOR UPDATE SKIP LOCKED
"""


def _free(stage: Stage, mode: CopyMode, location: str) -> dict[str, object]:
    return {
        "stage": stage,
        "states": list(mode.states),
        "location": location,
        "compress": mode.compresses,
    }


async def claim(
    target: Connection, stage: Stage, mode: CopyMode, location: str
) -> ClaimedPiece | None:
    """The largest free piece, held until the transaction ends; None when none is free.

    Compressions come before everything, so that little lies uncompressed at once.
    """
    found = await rows(target, _CLAIM, _free(stage, mode, location))
    if not found:
        return None
    spec, state, there = found[0]
    return ClaimedPiece(_PIECE.validate_json(spec), PieceState(state), there)


async def count_remaining(target: Connection, stage: Stage, mode: CopyMode, location: str) -> int:
    """Pieces that this pass still has to do, those included that somebody holds."""
    query = f"SELECT pg_catalog.count(*) FROM _tswizard.piece WHERE {_FREE}"
    return int(await value(target, query, _free(stage, mode, location)))


async def staged_elsewhere(target: Connection, location: str) -> list[str]:
    """Other places that hold files of pieces."""
    found = await rows(
        target,
        "SELECT DISTINCT location FROM _tswizard.piece WHERE state = 'staged' AND location <> %s",
        (location,),
    )
    return [name for (name,) in found]


async def requeue_lost_files(target: Connection, location: str) -> int:
    """The files at that location are gone: their pieces wait once more; how many."""
    cursor = await target.execute(
        "UPDATE _tswizard.piece SET state = 'waiting', location = NULL, snapshot_id = NULL "
        "WHERE state = 'staged' AND location = %s",
        (location,),
    )
    return cursor.rowcount


_DONE = """
UPDATE _tswizard.piece
SET state = 'done', rows = %s, copied = %s, snapshot_id = %s, error = NULL, location = NULL,
  updated_at = pg_catalog.now()
WHERE id = %s
"""

# The lock makes the last two pieces of a chunk wait for each other: one of them sees both done.
_LOCK_COMPRESSION = """
SELECT id FROM _tswizard.piece WHERE relation = %s AND kind = 'compress' FOR UPDATE
"""
_UNBLOCK_COMPRESSION = """
UPDATE _tswizard.piece c SET state = 'waiting'
WHERE c.relation = %s AND c.kind = 'compress' AND NOT EXISTS (
  SELECT FROM _tswizard.piece p
  WHERE p.relation = c.relation AND p.kind <> 'compress' AND p.state <> 'done')
"""


async def mark_done(
    target: Connection, piece: Piece, *, rows_: int, copied: int, snapshot_id: int | None
) -> None:
    """The done-mark, in the transaction that holds the rows; frees the chunk's compression."""
    await target.execute(_DONE, (rows_, copied, snapshot_id, piece.id))
    if piece.kind is PieceKind.CHUNK:
        found = await rows(target, _LOCK_COMPRESSION, (relation_key(piece),))
        if found:
            await unblock_compression(target, piece)


async def unblock_compression(target: Connection, piece: Piece) -> None:
    """Let the chunk of this piece be compressed, when all of it is there."""
    await target.execute(_UNBLOCK_COMPRESSION, (relation_key(piece),))


async def mark_staged(
    target: Connection, piece: Piece, location: str, snapshot_id: int, size: int
) -> None:
    """The mark that a piece lies complete in a file at `location`."""
    await target.execute(
        "UPDATE _tswizard.piece SET state = 'staged', location = %s, snapshot_id = %s, "
        "copied = %s, updated_at = pg_catalog.now() WHERE id = %s",
        (location, snapshot_id, size, piece.id),
    )


async def set_state(
    target: Connection, ids: Sequence[int], state: PieceState, error: str | None = None
) -> None:
    """Put pieces into a state, by themselves; rows are untouched."""
    await target.execute(
        "UPDATE _tswizard.piece SET state = %s, location = NULL, error = COALESCE(%s, error), "
        "updated_at = pg_catalog.now() WHERE id = ANY (%s)",
        (state, error, list(ids)),
    )


async def count_attempt(target: Connection, piece: Piece, error: str) -> int:
    """Count a failed attempt and keep its message; how many there were."""
    return int(
        await value(
            target,
            "UPDATE _tswizard.piece SET attempts = attempts + 1, error = %s WHERE id = %s "
            "RETURNING attempts",
            (error, piece.id),
        )
    )


async def save_pieces(target: Connection, pieces: Iterable[Piece]) -> None:
    """Remember what has changed of each piece, such as the chunk that was made for it."""
    async with target.cursor() as cursor:
        await cursor.executemany(
            "UPDATE _tswizard.piece SET spec = %s WHERE id = %s",
            [(_PIECE.dump_json(piece).decode(), piece.id) for piece in pieces],
        )


async def is_recompressed(target: Connection, piece: Piece) -> bool:
    """Is the chunk of this piece compressed again after its copy?"""
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


async def requeue_failed(target: Connection) -> None:
    """Failed pieces wait once more: whoever resumes has mended something."""
    await target.execute(
        "UPDATE _tswizard.piece SET state = 'waiting', attempts = 0, location = NULL "
        "WHERE state = 'failed'"
    )


async def open_pass(target: Connection, stage: Stage, mode: CopyMode) -> None:
    """Tell whoever helps what may be worked on now."""
    await target.execute("UPDATE _tswizard.ledger SET open_pass = %s", (f"{stage} {mode}",))


async def close_pass(target: Connection) -> None:
    """Nothing may be worked on until another pass is opened."""
    await target.execute("UPDATE _tswizard.ledger SET open_pass = NULL")


async def read_open_pass(target: Connection) -> tuple[Stage, CopyMode] | None:
    """The pass that whoever leads the run has opened."""
    found = await value(target, "SELECT open_pass FROM _tswizard.ledger")
    if not found:
        return None
    stage, mode = str(found).split(" ")
    return Stage(stage), CopyMode(mode)


async def count_unfinished(target: Connection) -> int:
    """Pieces that are not on the target yet, of any stage."""
    query = "SELECT pg_catalog.count(*) FROM _tswizard.piece WHERE state = ANY (%s)"
    return int(await value(target, query, (list(OPEN),)))


async def unfinished_tables(target: Connection, stage: Stage) -> list[int]:
    """Places in the plan of a stage's tables with pieces that are not on the target yet."""
    found = await rows(
        target,
        "SELECT DISTINCT (spec ->> 'table_index')::int FROM _tswizard.piece "
        "WHERE stage = %s AND state = ANY (%s)",
        (stage, list(OPEN)),
    )
    return [index for (index,) in found]


async def read_errors(target: Connection) -> list[tuple[str, str, str]]:
    """(label, relation's name, message) of every failed piece."""
    return [
        (label, json.loads(relation_)[1], error or "")
        for label, relation_, error in await rows(
            target,
            "SELECT label, relation, error FROM _tswizard.piece WHERE state = 'failed' ORDER BY id",
        )
    ]


async def add_snapshot(target: Connection, snapshot: str | None) -> int:
    """Begin a moment of the source; its number."""
    return int(
        await value(
            target,
            "INSERT INTO _tswizard.snapshot (id, name) "
            "SELECT COALESCE(pg_catalog.max(id), 0) + 1, %s FROM _tswizard.snapshot RETURNING id",
            (snapshot,),
        )
    )


async def last_snapshot(target: Connection) -> tuple[int, str | None] | None:
    """The latest moment and its snapshot."""
    found = await rows(target, "SELECT id, name FROM _tswizard.snapshot ORDER BY id DESC LIMIT 1")
    return (found[0][0], found[0][1]) if found else None


async def confirm(target: Connection, ids: Sequence[int], snapshot_id: int) -> None:
    """These pieces were found equal at a later moment than they were copied at."""
    await target.execute(
        "UPDATE _tswizard.piece SET snapshot_id = %s WHERE id = ANY (%s)", (snapshot_id, list(ids))
    )


async def requeue(target: Connection, pieces: Iterable[Piece]) -> None:
    """These pieces must be copied again, in place of what is there; call it in a transaction."""
    some = list(pieces)
    await set_state(target, [piece.id for piece in some], PieceState.WAITING)
    await target.execute(
        "UPDATE _tswizard.piece SET state = 'blocked' "
        "WHERE kind = 'compress' AND state <> 'gone' AND relation = ANY (%s)",
        (sorted({relation_key(piece) for piece in some}),),
    )


async def reset(target: Connection, pieces: Iterable[Piece]) -> None:
    """These pieces must be copied again, and nothing of them is there any more."""
    some = list(pieces)
    await requeue(target, some)
    await target.execute(
        "UPDATE _tswizard.piece SET snapshot_id = NULL, rows = NULL WHERE id = ANY (%s)",
        ([piece.id for piece in some],),
    )


async def merge_slices(target: Connection, slices: Sequence[Piece]) -> None:
    """Slices of one table that name places in the source's files, but whose rows cannot be taken
    off the target: one piece from now on, which waits and whose rows are there.

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
