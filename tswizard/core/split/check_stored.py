"""The check of chunks that traveled as they are stored, beside the check of all rows."""

from tswizard.core.catalog.catalog_shape import read_shape
from tswizard.core.db.connection import Connection, connected
from tswizard.core.model.finding import Finding, Level
from tswizard.core.model.wording import plural
from tswizard.core.run.context import Context
from tswizard.core.split.ledger import queue
from tswizard.core.split.ledger.plan_store import StoredPlan, read_plan
from tswizard.core.split.plan.packed_chunks import PackedChunk, read_packed_chunks
from tswizard.core.split.plan.piece import Piece
from tswizard.core.split.schema.hypertable_facts import read_hypertable_facts
from tswizard.core.split.stored.compare import (
    StoredDifference,
    as_stored,
    compare_bytes,
    compare_found,
)
from tswizard.core.split.stored.counts import count_ways, ways_finding
from tswizard.core.verify.database_reader import DatabaseReader, open_reader


async def check_stored(ctx: Context) -> None:
    """Compare what was copied as stored, and say how many compressed chunks went which way.

    Call it before the jobs of either end run again: they compress and decompress. Raises
    CannotConnect, VerifyStopped, psycopg.Error.
    """
    async with connected(ctx.task.target) as target:
        plan = await read_plan(target)
        stored = await queue.read_pieces(target) if plan else []
        facts = {t.key: t for t in await read_hypertable_facts(target)} if plan else {}
    counts = count_ways(stored)
    if plan is None or not counts:
        return
    pieces = as_stored(stored)
    indexes = dict.fromkeys(piece.table_index for piece in pieces)
    skipping = {key: tuple(t.skipping) for key, t in facts.items()}
    ctx.found(
        ways_finding(
            counts,
            [plan.tables[index] for index in indexes],
            skipping,
            where=ctx.task.target.label,
            functions=ctx.task.target_server.timescaledb_schema or "public",
        )
    )
    if pieces:
        await _compare(ctx, plan, pieces)


async def _compare(ctx: Context, plan: StoredPlan, pieces: list[Piece]) -> None:
    async with (
        open_reader("source", ctx.task.source, ctx.snapshot) as source,
        open_reader("target", ctx.task.target) as target,
    ):
        same = await _unchanged(source, pieces)
        differing = await compare_bytes(source, target, plan.tables, same)
        compared, found = await compare_found(source, target, plan.tables, same)
    ctx.found(_finding(ctx, len(same), compared, [*differing, *found]))


async def _unchanged(source: DatabaseReader, pieces: list[Piece]) -> list[Piece]:
    """Pieces whose chunks the source has not compressed otherwise since: of others only the rows
    can be compared, which the check of all rows does."""
    packed = await source.run(_packed_chunks)
    return [
        piece
        for piece in pieces
        if piece.packed
        and (found := packed.get((piece.schema, piece.name)))
        and found.packed
        and found.packed.state == piece.packed.state
    ]


async def _packed_chunks(connection: Connection) -> dict[tuple[str, str], PackedChunk]:
    return await read_packed_chunks(connection, await read_shape(connection))


def _finding(
    ctx: Context, chunks: int, compared: int, differing: list[StoredDifference]
) -> Finding:
    where = ctx.task.target.label
    if not differing:
        return Finding(
            Level.PASS,
            "stored-chunks",
            f"The compressed rows of {plural(chunks, 'chunk')} that arrived as stored are equal; "
            f"filters and orderings find the same ({plural(compared, 'column')} of a sample).",
            where=where,
        )
    return Finding(
        Level.FAIL,
        "stored-chunks",
        f"{plural(len(differing), 'comparison')} of chunks that arrived as stored differ.",
        where=where,
        why="Their batches are not what the source has, or the target does not find them.",
        todo='Migrate into an emptied target with compressed = "recompress".',
        details=tuple(difference.label for difference in differing),
    )
