"""Bundles: several small pieces that one transaction claims, copies and marks.

A round trip is the same for a piece of ten rows as for one of a gigabyte. So small pieces share
those of the claim, of the mark and of the commit; what holds for a piece holds for all of a bundle:
their rows are on the target if and only if their marks are.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from psycopg import sql

from tswizard.core.db.connection import Connection, Statement, batch
from tswizard.core.split.ledger.queue import (
    AVAILABLE,
    COMPRESSED,
    DONE,
    LOCK_COMPRESSIONS,
    UNBLOCK_COMPRESSIONS,
    ClaimedPiece,
    CopyMode,
    available,
    read_spec,
)
from tswizard.core.split.plan.packed import Way
from tswizard.core.split.plan.piece import Piece, PieceKind, PieceState, Stage, relation_key

BUNDLE_PIECES = 32
"""Each takes locks for its relation, the indexes and TOAST, until the bundle ends."""
BUNDLE_BYTES = 32 << 20
"""What is lost, and copied again, when a bundle is interrupted."""
_FEWEST = 4
"""Pieces in a bundle where so many are left: fewer than that for each worker are not shared out."""

# Pieces whose copy is nothing but TRUNCATE and COPY: the first copy of a table or a chunk, rows or
# batches. Not one that the target decompresses and compresses again, which takes its time.
_SIMPLE = """
{0}.state = 'waiting' AND {0}.rows IS NULL AND NOT {0}.id = ANY (%(alone)s)
AND ({0}.spec ->> 'packed' IS NULL OR {0}.spec -> 'shell' ->> 'way' = 'stored')
AND ({0}.kind = 'table' OR {0}.kind = 'chunk' AND {0}.spec ->> 'target_chunk' IS NOT NULL)
"""

# The largest comes first, so none that follows is larger.
_CLAIM = f"""
WITH first AS MATERIALIZED (
  SELECT p.* FROM _tswizard.piece p WHERE {AVAILABLE}
  ORDER BY p.kind = 'compress' DESC, p.bytes DESC, p.id LIMIT 1
  FOR UPDATE SKIP LOCKED
), more AS MATERIALIZED (
  SELECT p.* FROM _tswizard.piece p
  WHERE {AVAILABLE} AND {_SIMPLE.format("p")}
    AND p.id <> (SELECT f.id FROM first f WHERE {_SIMPLE.format("f")})
  ORDER BY p.bytes DESC, p.id
  LIMIT (
    SELECT GREATEST(0, LEAST(
      %(most)s, %(bytes)s / GREATEST(f.bytes, 1), GREATEST(%(fewest)s, (
        SELECT pg_catalog.count(*) / %(workers)s FROM _tswizard.piece p WHERE {AVAILABLE}))) - 1)
    FROM first f)
  FOR UPDATE SKIP LOCKED
)
SELECT spec::text, state, rows IS NOT NULL FROM first
UNION ALL SELECT spec::text, state, rows IS NOT NULL FROM more
"""


def claim_statement(
    stage: Stage, mode: CopyMode, location: str, *, workers: int, alone: Collection[int]
) -> tuple[str, Mapping[str, Any]]:
    """The claim itself, with its arguments; see `claim_bundle`."""
    return _CLAIM, available(stage, mode, location) | {
        "alone": list(alone),
        "workers": workers,
        "most": BUNDLE_PIECES if mode is CopyMode.STREAM else 1,
        "bytes": BUNDLE_BYTES,
        "fewest": _FEWEST,
    }


async def claim_bundle(
    target: Connection,
    stage: Stage,
    mode: CopyMode,
    location: str,
    *,
    workers: int,
    alone: Collection[int],
) -> list[ClaimedPiece]:
    """Begin a transaction and lock what one worker copies next in it: a single piece, or several
    that are small; nothing if no piece is available.

    Pieces in `alone` come without others: a bundle that they were in has failed. Compressions come
    first, so that little lies uncompressed at any time.
    """
    claim = claim_statement(stage, mode, location, workers=workers, alone=alone)
    _, found = await batch(target, [("BEGIN", None), claim])
    return [
        ClaimedPiece(read_spec(spec), PieceState(state), on_target)
        for spec, state, on_target in found
    ]


def is_simple(claimed: ClaimedPiece) -> bool:
    """Is its copy nothing but TRUNCATE and COPY, as in a bundle?"""
    piece = claimed.piece
    return (
        claimed.state is PieceState.WAITING
        and not claimed.on_target
        and (piece.packed is None or (piece.shell is not None and piece.shell.way is Way.STORED))
        and (
            piece.kind is PieceKind.TABLE
            or (piece.kind is PieceKind.CHUNK and piece.target_chunk is not None)
        )
    )


@dataclass(frozen=True, slots=True)
class CopiedPiece:
    """A piece whose rows were written in a transaction that is still open."""

    piece: Piece
    rows: int
    bytes: int


async def commit_bundle(
    target: Connection, copied: Sequence[CopiedPiece], *, snapshot_id: int
) -> None:
    """Mark these pieces as done, let the chunks that are complete be compressed, and commit."""
    relations = [relation_key(c.piece) for c in copied if not c.piece.shell]
    arrived = [relation_key(c.piece) for c in copied if c.piece.shell]
    statements: list[Statement] = [
        (
            DONE,
            (
                snapshot_id,
                [c.piece.id for c in copied],
                [c.rows for c in copied],
                [c.bytes for c in copied],
            ),
        ),
        (LOCK_COMPRESSIONS, (relations,)),
        (UNBLOCK_COMPRESSIONS, (relations,)),
        (COMPRESSED, (arrived,)),
        ("COMMIT", None),
    ]
    await batch(target, statements)


_COMPRESS_LONGEST = 2
"""Seconds after which no further chunk is begun, so that a run can be paused and stopped."""

# Each chunk in a transaction of its own, as if it came by itself.
_COMPRESS = """
DO $compress$
DECLARE
  began timestamptz := pg_catalog.clock_timestamp();
  piece record;
  chunk record;
BEGIN
  FOR number IN 1 .. {most} LOOP
    SELECT p.id, p.relation INTO piece FROM _tswizard.piece p
    WHERE p.stage = {stage} AND p.state = 'waiting' AND p.kind = 'compress'
      AND p.location IS NULL AND NOT (p.spec ->> 'table_index')::int = ANY ({routed}::int[])
    ORDER BY p.bytes DESC, p.id LIMIT 1 FOR UPDATE SKIP LOCKED;
    EXIT WHEN NOT FOUND;
    FOR chunk IN
      SELECT DISTINCT p.spec -> 'target_chunk' AS name FROM _tswizard.piece p
      WHERE p.relation = piece.relation AND p.kind = 'chunk'
        AND p.spec ->> 'target_chunk' IS NOT NULL
    LOOP
      PERFORM {compress_chunk}(pg_catalog.format(
        '%I.%I', chunk.name ->> 0, chunk.name ->> 1)::pg_catalog.regclass, true);
    END LOOP;
    UPDATE _tswizard.piece p SET state = 'done', rows = 0, copied = 0,
      snapshot_id = {snapshot_id}, error = NULL, updated_at = pg_catalog.now()
    WHERE p.id = piece.id;
    COMMIT;
    EXIT WHEN pg_catalog.clock_timestamp() - began > {longest} * interval '1 second';
  END LOOP;
END $compress$
"""


async def compress_some(
    target: Connection,
    stage: Stage,
    *,
    timescaledb_schema: str,
    routed: Collection[int],
    snapshot_id: int,
) -> None:
    """Claim, carry out and mark some compressions, one after the other, in one round trip.

    Not those of the tables in `routed` (indexes), whose chunks are not known by name. Raises
    psycopg.Error; what was compressed before is marked.
    https://docs.timescale.com/api/latest/compression/compress_chunk/
    """
    await target.execute(
        sql.SQL(_COMPRESS).format(
            most=sql.Literal(BUNDLE_PIECES),
            stage=sql.Literal(str(stage)),
            routed=sql.Literal(list(routed)),
            compress_chunk=sql.Identifier(timescaledb_schema, "compress_chunk"),
            snapshot_id=sql.Literal(snapshot_id),
            longest=sql.Literal(_COMPRESS_LONGEST),
        )
    )
