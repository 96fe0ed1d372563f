"""Progress of the copy, from the ledger and from the pieces that are being copied."""

import asyncio
import time
from collections import Counter

from tswizard.core.db.connection import Connection
from tswizard.core.model.events import TableProgress, TableState, Unit
from tswizard.core.model.finding import Finding
from tswizard.core.split.copy.copy_context import CopyContext
from tswizard.core.split.copy.reporter import CopyReporter
from tswizard.core.split.ledger.queue import CopyMode
from tswizard.core.split.ledger.table_stats import TableStats, read_table_stats
from tswizard.core.split.plan.piece import Piece, PieceKind, Stage

_TICK = 0.5
"""Seconds between reports of bytes."""
_REFRESH = 3.0
"""Seconds between reads of the ledger, which tells what other processes have done."""


class CopyProgress:
    """Progress of one pass: counted in this process, of others read from the ledger."""

    def __init__(
        self, context: CopyContext, reporter: CopyReporter, stage: Stage, mode: CopyMode
    ) -> None:
        self._context = context
        self._reporter = reporter
        self._stage = stage
        self._mode = mode
        self._tables: dict[str, TableStats] = {}
        self._in_progress: dict[int, Piece] = {}
        self._interrupted: dict[int, str] = {}
        """Labels of the tables of pieces that have to be copied again, by piece id."""
        self._retries: Counter[str] = Counter()
        """Retries in this pass by table: the ledger cannot count an attempt that lost the
        connection to it."""
        self._read = 0.0
        self.refused: list[Finding] = []
        """One for each piece that could not be copied."""

    async def refresh(self, target: Connection, *, now: bool = False) -> None:
        """Read the ledger if it was last read a while ago. Call it outside of a transaction."""
        if time.monotonic() - self._read < _REFRESH and not now:
            return
        found = await read_table_stats(target)
        self._read = time.monotonic()
        before = self._tables
        self._tables = {s.label: s for s in found if s.stage == self._stage}
        for label, table in self._tables.items():
            if table != before.get(label):
                self._report_table(table)

    def begin(self, piece: Piece) -> None:
        """A piece starts to be copied."""
        self._in_progress[piece.id] = piece
        if piece.id in self._interrupted:
            self._retries[self._label(piece)] += 1
        self._report(piece)

    def end(self, piece: Piece, rows: int | None) -> None:
        """It ended; `rows` is None if it was not copied."""
        self._in_progress.pop(piece.id, None)
        if rows is None:
            self._interrupted[piece.id] = self._label(piece)
            self._read = 0.0  # the ledger tells whether it is tried again
            self._report(piece)
            return
        self._interrupted.pop(piece.id, None)
        if piece.kind is not PieceKind.COMPRESS:
            copied = self._reporter.copied
            copied.pieces += 1
            copied.rows += rows
            copied.as_stored += piece.shell is not None
        table = self._tables.get(self._label(piece))
        if table is not None and piece.kind is not PieceKind.COMPRESS:
            table.rows += rows
            if self._mode is CopyMode.EXPORT:
                table.staged += 1
                table.staged_bytes += piece.bytes
            else:
                table.done += 1
                table.done_bytes += piece.bytes
        self._report(piece)

    def put_back(self, piece: Piece) -> None:
        """It waits again, since another one failed that it was claimed with."""
        self._in_progress.pop(piece.id, None)
        self._report(piece)

    async def close(self, target: Connection) -> None:
        """Report all tables at the end of the pass."""
        await self.refresh(target, now=True)
        self._interrupted.clear()
        for table in self._tables.values():
            self._report_table(table)
        self._report_bytes()

    def _busy(self) -> dict[str, None]:
        """Labels of the tables of pieces in progress, in order."""
        return dict.fromkeys(map(self._label, self._in_progress.values()))

    def _label(self, piece: Piece) -> str:
        return self._context.plan.table_of(piece).label

    def _report(self, piece: Piece) -> None:
        table = self._tables.get(self._label(piece))
        if table is not None:
            self._report_table(table)

    def _report_table(self, table: TableStats) -> None:
        done = table.done + (table.staged if self._mode is CopyMode.EXPORT else 0)
        in_progress = [p for p in self._in_progress.values() if self._label(p) == table.label]
        self._reporter.put(
            TableProgress(
                time.time(),
                step=self._reporter.step,
                table=table.label,
                done=min(done, table.total),
                total=table.total,
                rows=table.rows,
                state=self._state(table, done, busy=bool(in_progress)),
                bytes=min(
                    table.bytes, self._done_bytes(table) + sum(map(self._moved, in_progress))
                ),
                failed=table.failed,
                retried=max(table.retried, self._retries[table.label]),
            )
        )

    def _state(self, table: TableStats, done: int, *, busy: bool) -> TableState:
        if table.failed:
            return TableState.FAILED
        if done >= table.total:
            return TableState.DONE
        if table.label in self._interrupted.values():
            return TableState.RETRYING
        return TableState.WORKING if busy or done else TableState.WAITING

    def _done_bytes(self, table: TableStats) -> int:
        return table.done_bytes + (table.staged_bytes if self._mode is CopyMode.EXPORT else 0)

    def _moved(self, piece: Piece) -> int:
        """Bytes that a piece in progress has moved, at most its own size."""
        pump = self._context.pumps.get(piece.id)
        return min(piece.bytes, pump.moved) if pump else 0

    async def tick(self) -> None:
        """Report bytes until canceled."""
        while True:
            self._report_bytes()
            for label in self._busy():
                if table := self._tables.get(label):
                    self._report_table(table)
            await asyncio.sleep(_TICK)

    def _report_bytes(self) -> None:
        """Report the bytes copied, including those of pieces in progress."""
        total = sum(table.bytes for table in self._tables.values())
        done = sum(map(self._done_bytes, self._tables.values()))
        done += sum(map(self._moved, self._in_progress.values()))
        if total:
            self._reporter.progress(min(done, total), total, ", ".join(self._busy()), Unit.BYTES)
