"""Workers: each claims the largest available piece, copies it, marks it, and claims the next."""

import asyncio
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from psycopg import Error
from tenacity import RetryCallState

from tswizard.core.db.concurrency import together
from tswizard.core.db.connection import Connection
from tswizard.core.db.errors import is_transient, message_of
from tswizard.core.db.passfile import passfile
from tswizard.core.db.private_folder import private_folder
from tswizard.core.model.finding import Finding, Level
from tswizard.core.model.wording import plural
from tswizard.core.run.context import StepFailed
from tswizard.core.split.copy.chunks import BARE_SEARCH_PATH, dimension_search_path
from tswizard.core.split.copy.copy_bundle import copy_bundle
from tswizard.core.split.copy.copy_context import CopyContext
from tswizard.core.split.copy.copy_job import CopyJob
from tswizard.core.split.copy.copy_piece import copy_piece
from tswizard.core.split.copy.errors import (
    Halt,
    PieceRefused,
    SnapshotLost,
    SnapshotStale,
    gave_up,
)
from tswizard.core.split.copy.piece_outcome import record_error
from tswizard.core.split.copy.progress import CopyProgress
from tswizard.core.split.copy.psql_reader import PIPES, PsqlReader
from tswizard.core.split.copy.reporter import CopyReporter
from tswizard.core.split.copy.snapshot import SnapshotHolder, SourceSnapshot
from tswizard.core.split.copy.staged_chunks import staged_groups
from tswizard.core.split.copy.staging import FileBroken, StagingFolder
from tswizard.core.split.copy.stored_piece import StoredRefused
from tswizard.core.split.copy.target_connection import open_target
from tswizard.core.split.ledger import queue
from tswizard.core.split.ledger.bundles import (
    claim_bundle,
    commit_bundle,
    compress_some,
    is_simple,
)
from tswizard.core.split.ledger.queue import ClaimedPiece, CopyMode
from tswizard.core.split.plan.piece import CopyPlan, Piece, PieceKind, PieceState, Stage

_IDLE_POLL = 0.5
"""Seconds until a worker that found no piece looks whether another process has released one; its
own process tells it."""


async def run_workers(
    job: CopyJob,
    plan: CopyPlan,
    *,
    stage: Stage,
    mode: CopyMode,
    snapshots: SnapshotHolder,
    reporter: CopyReporter,
    ledger: Callable[[], Awaitable[Connection]],
) -> None:
    """Copy until no piece of the stage is left, whichever process copies it. `ledger` returns a
    connection to the target that nobody uses in the meantime.

    Raises StepFailed when no piece can be copied anymore, or (after all others were copied) when
    pieces could not be. When `reporter.stopping` ends it early it returns: see
    `queue.count_remaining`.
    """
    staging = None if mode is CopyMode.STREAM else StagingFolder(job.staging)
    kinds = [piece.kind for piece in plan.pieces if piece.stage is stage]
    with (
        passfile(job.source) as path,
        private_folder(PIPES) as folder,
        ThreadPoolExecutor(job.workers, "copy") as threads,
    ):
        creates_chunks = stage is not Stage.TABLES and mode is not CopyMode.EXPORT
        context = CopyContext(
            job=job,
            plan=plan,
            threads=threads,
            staging=staging,
            paused=lambda: not reporter.going.is_set(),
            search_path=await dimension_search_path(await ledger())
            if creates_chunks
            else BARE_SEARCH_PATH,
        )
        # A process that joins has not read the pieces.
        workers = range(1, min(job.workers, len(kinds) or job.workers) + 1)
        readers = {number: PsqlReader(job, folder, path, number) for number in workers}
        if job.concurrent and mode is not CopyMode.LOAD and not _NOT_BY_PSQL.issuperset(kinds):
            for reader in readers.values():
                reader.warm_up()
        progress = CopyProgress(context, reporter, stage, mode)
        ticking = asyncio.create_task(progress.tick())
        try:
            await together(
                _Worker(
                    number=number,
                    context=context,
                    progress=progress,
                    snapshots=snapshots,
                    reporter=reporter,
                    stage=stage,
                    mode=mode,
                    source=reader,
                ).run()
                for number, reader in readers.items()
            )
        except Halt as halt:
            raise StepFailed(halt.finding) from halt
        finally:
            ticking.cancel()
        await progress.close(await ledger())
    if progress.refused:
        raise StepFailed(_summary(progress.refused))


_NOT_BY_PSQL = frozenset({PieceKind.COMPRESS, PieceKind.OBJECTS})


def _summary(findings: list[Finding]) -> Finding:
    """The finding that ends the step: a single one itself, or one that lists all of them."""
    if len(findings) == 1:
        return findings[0]
    return Finding(
        Level.FAIL,
        "pieces-refused",
        f"{plural(len(findings), 'piece')} could not be copied; all others are on the target.",
        todo="Fix each problem, then resume: only these pieces are copied then.",
        details=tuple(finding.what for finding in findings),
    )


@dataclass(slots=True, kw_only=True)
class _Worker:
    number: int
    context: CopyContext
    progress: CopyProgress
    snapshots: SnapshotHolder
    reporter: CopyReporter
    stage: Stage
    mode: CopyMode
    source: PsqlReader
    _target: Connection | None = None
    _claimed: list[ClaimedPiece] = field(default_factory=list)

    @property
    def _location(self) -> str:
        return self.context.staging.location if self.context.staging else ""

    async def run(self) -> None:
        """Copy pieces until none is left. Raises Halt."""
        try:
            while not self.reporter.stopping.is_set():
                await self.reporter.going.wait()
                if await self._retrying(self._copy_next):
                    self.context.piece_ended.set()
                    continue
                self.context.piece_ended.clear()
                if not await self._retrying(self._is_any_left):
                    return
                await first_of(self.reporter.stopping, self.context.piece_ended, seconds=_IDLE_POLL)
        finally:
            await asyncio.shield(self.source.close())
            if self._target is not None:
                await asyncio.shield(self._target.close())

    async def _retrying(self, action: Callable[[], Awaitable[bool]]) -> bool:
        """The action's result, tried again after transient errors. Raises Halt."""
        policy = self.context.job.retry
        try:
            return await policy.attempting(self._say_retry)(action)
        except Exception as error:
            if not is_transient(error):
                raise
            where = self.context.job.target.label
            raise Halt(gave_up(error, policy.attempts, where)) from error

    def _say_retry(self, state: RetryCallState) -> None:
        doing = f" while copying {self._table_label()}" if self._claimed else ""
        self.reporter.say(f"worker {self.number}: {self.context.job.retry.words(state, doing)}")

    def _table_label(self) -> str:
        tables = (self.context.plan.table_of(one.piece).label for one in self._claimed)
        return ", ".join(dict.fromkeys(tables))

    async def _connection(self) -> Connection:
        if self._target is None or self._target.closed:
            self._target = await open_target(
                self.context.job, wait_for_disk=self.mode is not CopyMode.STREAM
            )
        return self._target

    async def _is_any_left(self) -> bool:
        target = await self._connection()
        return await queue.count_remaining(target, self.stage, self.mode, self._location) > 0

    async def _copy_next(self) -> bool:
        """Copy one piece, or a bundle; False if none is available. Raises Halt and transient
        errors."""
        self._claimed = []
        target = await self._connection()
        await self.progress.refresh(target)
        snapshot = self.snapshots.current
        assert snapshot is not None
        self._claimed = claimed = await claim_bundle(
            target,
            self.stage,
            self.mode,
            self._location,
            workers=self.context.job.workers,
            alone=self.context.alone,
        )
        try:
            if not claimed:
                return False
            first = claimed[0]
            if self._compresses_several(first):
                return await self._compress_some(first.piece, target, snapshot)
            if self._is_bundle(first):
                return await self._copy_bundle(claimed, target, snapshot)
            problem = await self._copy(target, first, snapshot)
            await target.commit()
        except SnapshotLost as lost:
            await target.rollback()
            await self._renew(snapshot, target, stale=isinstance(lost, SnapshotStale))
            return True
        finally:
            if not target.closed:
                await target.rollback()
        if problem is not None:
            await self._report(problem, first.piece, target, snapshot)
        elif first.state is PieceState.STAGED:
            self.context.discard_file(first.piece)
        return True

    def _is_bundle(self, first: ClaimedPiece) -> bool:
        return (
            self.mode is CopyMode.STREAM
            and is_simple(first)
            and first.piece.id not in self.context.alone
        )

    async def _copy_bundle(
        self, claimed: list[ClaimedPiece], target: Connection, snapshot: SourceSnapshot
    ) -> bool:
        """Copy a bundle. If that fails, each of its pieces gets a COPY of its own; if that fails,
        they are tried one by one: which of them it was, and what is to be done about it, is found
        out there. Raises SnapshotLost, transient errors."""
        pieces = [one.piece for one in claimed]
        begun: list[Piece] = []
        for piece in pieces:
            self.progress.begin(piece)
        try:
            done = await copy_bundle(
                self.context, target, self.source, pieces, snapshot, begun.append
            )
            await commit_bundle(target, done, snapshot_id=snapshot.id)
        except BaseException as error:
            # Told before the rollback, after which another worker may begin with them.
            lost = isinstance(error, SnapshotLost) and not isinstance(error, SnapshotStale)
            broken = lost or target.closed or target.broken or not isinstance(error, Exception)
            failed = begun[-1] if begun else pieces[0]
            for piece in pieces:
                if broken or piece == failed:
                    self.progress.end(piece, None)
                else:
                    self.progress.put_back(piece)
            if broken:
                raise
            staged = staged_groups(pieces, self.context.not_staged)
            tried = self.context.not_staged if staged else self.context.alone
            tried.update(piece.id for piece in pieces)
            await target.rollback()
            if is_transient(error):
                await queue.count_attempt(target, failed, message_of(error))
            return True
        for one in done:
            self.progress.end(one.piece, one.rows)
        return True

    def _compresses_several(self, first: ClaimedPiece) -> bool:
        return (
            first.piece.kind is PieceKind.COMPRESS
            and not self.context.compress_singly
            and not self.context.plan.table_of(first.piece).routed
        )

    async def _compress_some(
        self, piece: Piece, target: Connection, snapshot: SourceSnapshot
    ) -> bool:
        """Compress what can be compressed, this piece first. If that fails, one by one."""
        await target.rollback()
        tables = self.context.plan.tables
        self.progress.begin(piece)
        try:
            await compress_some(
                target,
                self.stage,
                timescaledb_schema=self.context.job.timescaledb_schema,
                routed=[index for index, table in enumerate(tables) if table.routed],
                snapshot_id=snapshot.id,
            )
        except Error:
            if target.closed or target.broken:
                raise
            self.context.compress_singly = True
        finally:
            self.progress.end(piece, 0)
        return True

    async def _copy(
        self, target: Connection, claimed: ClaimedPiece, snapshot: SourceSnapshot
    ) -> Exception | None:
        """Copy a piece that this transaction has locked; what went wrong, recorded by it too.

        So nobody else can claim the piece before its outcome is recorded.
        """
        row_count = None
        self.progress.begin(claimed.piece)
        try:
            async with target.transaction():
                row_count = await copy_piece(self.context, target, self.source, claimed, snapshot)
        except SnapshotLost:
            raise
        except Exception as error:
            return await record_error(self.context, error, claimed, target)
        finally:
            self.progress.end(claimed.piece, row_count)
        return None

    async def _renew(self, snapshot: SourceSnapshot, target: Connection, *, stale: bool) -> None:
        """Continue under another snapshot."""
        self.reporter.say(
            f"{self._table_label()} was rewritten on the source and is invisible to the source "
            "snapshot; continuing with a new one"
            if stale
            else "the source snapshot was lost; continuing with a new one"
        )
        await self.snapshots.renew(snapshot, target, stale=stale)

    async def _report(
        self, problem: Exception, piece: Piece, target: Connection, snapshot: SourceSnapshot
    ) -> None:
        """Report what was recorded. Raises Halt and transient errors."""
        if isinstance(problem, FileBroken):
            self.reporter.say(f"{problem}; writing it again")
        elif isinstance(problem, StoredRefused):
            self.reporter.say(str(problem))
        elif not isinstance(problem, PieceRefused):
            raise problem
        elif not problem.gone:
            self.reporter.say(f"{problem.finding.id}: {problem.finding.what}")
            self.progress.refused.append(problem.finding)
        else:
            self.reporter.found(problem.finding)
            if piece.kind is PieceKind.CHUNK:  # perhaps merged into another chunk, not dropped
                await self.snapshots.renew(snapshot, target, stale=True)


async def first_of(*events: asyncio.Event, seconds: float) -> None:
    """Wait until one of the events is set, but no longer than these seconds."""
    tasks = [asyncio.create_task(event.wait()) for event in events]
    try:
        await asyncio.wait(tasks, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
