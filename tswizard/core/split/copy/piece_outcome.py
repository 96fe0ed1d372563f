"""What becomes of a piece that could not be copied, recorded with it."""

from psycopg import Error

from tswizard.core.db.connection import Connection
from tswizard.core.db.errors import CannotConnect, is_transient, message_of
from tswizard.core.split.copy.copy_context import CopyContext
from tswizard.core.split.copy.errors import PieceRefused, SourceFailed, explain, gave_up
from tswizard.core.split.copy.staging import FileBroken
from tswizard.core.split.copy.stored_piece import StoredRefused, fall_back, why_decompressed
from tswizard.core.split.ledger import queue
from tswizard.core.split.ledger.queue import ClaimedPiece
from tswizard.core.split.plan.piece import PieceState

_EXPLAINED = (Error, OSError, CannotConnect, PieceRefused, SourceFailed)


async def record_error(
    context: CopyContext, error: Exception, claimed: ClaimedPiece, target: Connection
) -> Exception:
    """Record a piece's error in the transaction that has locked it; what to report of it."""
    piece, table = claimed.piece, context.plan.table_of(claimed.piece)
    if piece.packed and (reason := why_decompressed(error)):
        await fall_back(target, piece, context.job.timescaledb_schema, reason)
        return StoredRefused(f"{table.label} {piece.name} is decompressed: {reason}")
    if is_transient(error) or isinstance(error, FileBroken):
        attempts = await _count_attempt(target, claimed, error)
        if isinstance(error, FileBroken) and context.staging:
            context.staging.remove(piece)
            await queue.set_state(target, [piece.id], PieceState.WAITING)
        if attempts < context.job.retry.attempts:
            return error
        error = PieceRefused(gave_up(error, attempts, table.label))
    if not isinstance(error, _EXPLAINED):
        raise error  # a bug is no finding about a piece
    verdict = explain(error, table, piece, context.job.labels)
    if isinstance(verdict, PieceRefused):
        state = PieceState.GONE if verdict.gone else PieceState.FAILED
        await queue.set_state(target, [piece.id], state, verdict.finding.what)
    return verdict


async def _count_attempt(target: Connection, claimed: ClaimedPiece, error: Exception) -> int:
    """Count the attempt, unless its transaction is lost; 0 then."""
    try:
        return await queue.count_attempt(target, claimed.piece, message_of(error))
    except Error:
        return 0
