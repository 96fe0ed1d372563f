"""Workers: each takes the largest free piece, copies it, marks it, and takes the next."""

import asyncio
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor

from psycopg import Error, sql
from tenacity import RetryCallState

from tswizard.core.db.concurrency import together
from tswizard.core.db.connection import Connection, connect
from tswizard.core.db.errors import CannotConnect, is_transient, message_of
from tswizard.core.db.passfile import passfile
from tswizard.core.model.finding import Finding, Level
from tswizard.core.run.context import StepFailed
from tswizard.core.split.copy.chunks import BARE, dimension_path
from tswizard.core.split.copy.copy_job import CopyJob
from tswizard.core.split.copy.copy_piece import CopyContext, carry
from tswizard.core.split.copy.errors import (
    Halt,
    PieceRefused,
    SnapshotLost,
    SnapshotStale,
    SourceFailed,
    explain,
    gave_up,
)
from tswizard.core.split.copy.progress import CopyProgress
from tswizard.core.split.copy.psql_reader import Reading, pipes
from tswizard.core.split.copy.reporter import CopyReporter
from tswizard.core.split.copy.snapshot import SnapshotHolder, SourceSnapshot
from tswizard.core.split.copy.staging import FileBroken, Staging
from tswizard.core.split.ledger import queue
from tswizard.core.split.ledger.queue import ClaimedPiece, CopyMode, PieceState
from tswizard.core.split.plan.piece import CopyPlan, Piece, PieceKind, Stage
from tswizard.core.verify.database_reader import prepare

_LOOK_AGAIN = 0.5
"""Seconds until a worker that found nothing free looks whether somebody of another process gave a
piece back; of its own process it is told."""

# So that the server soon gives back what a machine or a program held that is no longer there, also
# in the middle of a statement (the last setting, PostgreSQL 14 and newer).
# https://www.postgresql.org/docs/current/runtime-config-connection.html
KEEPALIVE = """
SELECT pg_catalog.set_config(w.name, w.value, false)
FROM (VALUES ('tcp_keepalives_idle', '30'), ('tcp_keepalives_interval', '10'),
             ('tcp_keepalives_count', '6'), ('client_connection_check_interval', '2s'))
  AS w (name, value)
JOIN pg_catalog.pg_settings s ON s.name = w.name
"""

# A commit need not wait for the disk: if the server crashes it loses a piece's rows together with
# their mark, and the piece is free again. The mark that a stage is over is written later, by a
# connection that does wait, and the log is flushed in order. Files are removed as they are loaded,
# so there it must wait.
_LAZY = "SET synchronous_commit = off"


async def open_target(job: CopyJob) -> Connection:
    """A connection for writing rows. Raises CannotConnect."""
    connection = await connect(job.target)
    await prepare(connection)
    await connection.execute(KEEPALIVE)
    if job.options.encoding != "UTF8":
        await connection.execute(
            sql.SQL("SET client_encoding = {}").format(sql.Literal(job.options.encoding))
        )
    return connection


async def work(
    job: CopyJob,
    plan: CopyPlan,
    stage: Stage,
    mode: CopyMode,
    snapshots: SnapshotHolder,
    reporter: CopyReporter,
    ledger: Callable[[], Awaitable[Connection]],
) -> None:
    """Copy until no piece of the stage is left, whoever takes them. `ledger` gives a connection to
    the target that is free meanwhile.

    Raises StepFailed when nothing goes any more, or when pieces were refused (after all others).
    When `hands.stopping` ends it early there is no error: look at `queue.left`.
    """
    staging = None if mode is CopyMode.STREAM else Staging(job.staging)
    with (
        passfile(job.source) as path,
        pipes() as folder,
        ThreadPoolExecutor(job.workers, "copy") as threads,
    ):
        bare = stage is Stage.TABLES or mode is CopyMode.EXPORT
        route = BARE if bare else await dimension_path(await ledger())
        desk = CopyContext(job, plan, threads, staging, lambda: not reporter.going.is_set(), route)
        board = CopyProgress(desk, reporter, stage, mode)
        ticking = asyncio.create_task(board.tick())
        try:
            await together(
                _Worker(
                    number,
                    desk,
                    board,
                    snapshots,
                    reporter,
                    stage,
                    mode,
                    Reading(job, folder, path, number),
                ).run()
                for number in range(1, job.workers + 1)
            )
        except Halt as halt:
            raise StepFailed(halt.finding) from halt
        finally:
            ticking.cancel()
        await board.close(await ledger())
    if board.refused:
        raise StepFailed(_refused(board.refused))


def _refused(findings: list[Finding]) -> Finding:
    """One finding is the step's own; of more, a sum."""
    if len(findings) == 1:
        return findings[0]
    return Finding(
        Level.FAIL,
        "pieces-refused",
        f"{len(findings)} pieces could not be copied; all others are on the target.",
        todo="Mend what each says, then resume: only these are copied then.",
        details=tuple(finding.what for finding in findings),
    )


class _Worker:
    def __init__(
        self,
        number: int,
        desk: CopyContext,
        board: CopyProgress,
        snapshots: SnapshotHolder,
        reporter: CopyReporter,
        stage: Stage,
        mode: CopyMode,
        source: Reading,
    ) -> None:
        self._source = source
        self._number = number
        self._desk = desk
        self._board = board
        self._snapshots = snapshots
        self._reporter = reporter
        self._stage = stage
        self._mode = mode
        self._target: Connection | None = None
        self._taken: ClaimedPiece | None = None

    @property
    def _location(self) -> str:
        return self._desk.staging.location if self._desk.staging else ""

    async def run(self) -> None:
        """Take pieces until none is left. Raises Halt."""
        try:
            while not self._reporter.stopping.is_set():
                await self._reporter.going.wait()
                if await self._patiently(self._one):
                    self._desk.news.set()
                    continue
                self._desk.news.clear()
                if not await self._patiently(self._anything_left):
                    return
                await first_of(self._reporter.stopping, self._desk.news, seconds=_LOOK_AGAIN)
        finally:
            await asyncio.shield(self._source.close())
            if self._target is not None:
                await asyncio.shield(self._target.close())

    async def _patiently(self, action: Callable[[], Awaitable[bool]]) -> bool:
        """Do it, again after a transient error, with growing pauses. Raises Halt."""
        policy = self._desk.job.retry
        try:
            return await policy.attempting(self._tell)(action)
        except Exception as error:
            if not is_transient(error):
                raise
            where = self._desk.job.target.label
            raise Halt(gave_up(error, policy.attempts, where)) from error

    def _tell(self, state: RetryCallState) -> None:
        assert state.outcome is not None
        assert state.next_action is not None
        error = state.outcome.exception()
        assert error is not None
        what = ""
        if self._taken is not None:
            what = f" while copying {self._desk.plan.of(self._taken.piece).label}"
        self._reporter.say(
            f"worker {self._number}: {message_of(error)}{what}; again in "
            f"{state.next_action.sleep:.0f} s (attempt {state.attempt_number + 1})"
        )

    async def _connection(self) -> Connection:
        if self._target is None or self._target.closed:
            target = await open_target(self._desk.job)
            if self._mode is CopyMode.STREAM:
                await target.execute(_LAZY)
            self._target = target
        return self._target

    async def _anything_left(self) -> bool:
        target = await self._connection()
        return await queue.count_remaining(target, self._stage, self._mode, self._location) > 0

    async def _one(self) -> bool:
        """Copy one piece; False when none is free. Raises what may pass when tried again, Halt."""
        self._taken = None
        target = await self._connection()
        await self._board.refresh(target)
        snapshot = self._snapshots.current
        assert snapshot is not None
        try:
            async with target.transaction():
                self._taken = await queue.claim(target, self._stage, self._mode, self._location)
                if self._taken is None:
                    return False
                trouble = await self._carry(target, self._taken, snapshot)
        except SnapshotLost as gone:
            await self._renew(snapshot, target, stale=isinstance(gone, SnapshotStale))
            return True
        if trouble is not None:
            await self._tell_trouble(trouble, self._taken.piece, target, snapshot)
        elif self._taken.state is PieceState.STAGED:
            self._desk.loaded(self._taken.piece)
        return True

    async def _carry(
        self, target: Connection, taken: ClaimedPiece, snapshot: SourceSnapshot
    ) -> Exception | None:
        """Copy a piece that this transaction holds; what went wrong, written down by it too.

        Whoever else wants it gets it only when what became of it is known.
        """
        rows = None
        self._board.begin(taken.piece)
        try:
            async with target.transaction():
                rows = await carry(self._desk, target, self._source, taken, snapshot)
        except SnapshotLost:
            raise
        except Exception as error:
            return await self._write_down(error, taken, target)
        finally:
            self._board.end(taken.piece, rows)
        return None

    async def _renew(self, snapshot: SourceSnapshot, target: Connection, *, stale: bool) -> None:
        """Go on at another moment."""
        table = self._desk.plan.of(self._taken.piece).label if self._taken else ""
        self._reporter.say(
            f"{table} was rewritten on the source: a later moment begins, and what is copied is "
            "compared at that one"
            if stale
            else "the moment that rows were read at is held no more; another begins"
        )
        await self._snapshots.renew(snapshot, target, stale=stale)

    async def _write_down(
        self, error: Exception, taken: ClaimedPiece, target: Connection
    ) -> Exception:
        """Note what became of a piece in the transaction that holds it; what to tell of it."""
        piece, table = taken.piece, self._desk.plan.of(taken.piece)
        most = self._desk.job.retry.attempts
        if is_transient(error) or isinstance(error, FileBroken):
            tried = await _attempted(target, taken, error)
            if isinstance(error, FileBroken) and self._desk.staging:
                self._desk.staging.remove(piece)
                await queue.set_state(target, [piece.id], PieceState.WAITING)
            if tried < most:
                return error
            error = PieceRefused(gave_up(error, tried, table.label))
        if not isinstance(error, _KNOWN):
            raise error  # a bug is no finding about a piece
        verdict = explain(error, table, piece, self._desk.job.ends)
        if isinstance(verdict, PieceRefused):
            state = PieceState.GONE if verdict.gone else PieceState.FAILED
            await queue.set_state(target, [piece.id], state, verdict.finding.what)
        return verdict

    async def _tell_trouble(
        self, trouble: Exception, piece: Piece, target: Connection, snapshot: SourceSnapshot
    ) -> None:
        """Say what was written down. Raises Halt, and what may pass."""
        if isinstance(trouble, FileBroken):
            self._reporter.say(f"{trouble}; it is made again")
        elif not isinstance(trouble, PieceRefused):
            raise trouble
        elif not trouble.gone:
            self._reporter.say(f"{trouble.finding.id}: {trouble.finding.what}")
            self._board.refused.append(trouble.finding)
        else:
            self._reporter.found(trouble.finding)
            if (
                piece.kind is PieceKind.CHUNK
            ):  # merged into another one, its rows are to be seen there
                await self._snapshots.renew(snapshot, target, stale=True)


async def first_of(*events: asyncio.Event, seconds: float) -> None:
    """Wait until one of the events is set, but no longer than that."""
    tasks = [asyncio.create_task(event.wait()) for event in events]
    try:
        await asyncio.wait(tasks, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()


_KNOWN = (Error, OSError, CannotConnect, PieceRefused, SourceFailed)


async def _attempted(target: Connection, taken: ClaimedPiece, error: Exception) -> int:
    """Count it, where the transaction is still there."""
    try:
        return await queue.count_attempt(target, taken.piece, message_of(error))
    except Error:
        return 0
