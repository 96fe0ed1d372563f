"""How far everything is, for whoever watches: from the ledger, and from what is under way."""

import asyncio
import time
from collections import Counter

from tswizard.core.db.connection import Connection
from tswizard.core.model.events import TableProgress, TableState
from tswizard.core.model.finding import Finding
from tswizard.core.split.copy.copy_piece import CopyContext
from tswizard.core.split.copy.reporter import CopyReporter
from tswizard.core.split.ledger.queue import CopyMode
from tswizard.core.split.ledger.table_stats import TableStats, read_table_stats
from tswizard.core.split.plan.piece import Piece, PieceKind, Stage

_TICK = 0.5
_REFRESH = 3.0
"""Seconds between looks into the ledger, for what other processes have done."""


class CopyProgress:
    """Counts of one pass of this process; others' work is read from the ledger now and then."""

    def __init__(
        self, desk: CopyContext, reporter: CopyReporter, stage: Stage, mode: CopyMode
    ) -> None:
        self._desk = desk
        self._reporter = reporter
        self._stage = stage
        self._mode = mode
        self._tables: dict[str, TableStats] = {}
        self._under_way: dict[int, Piece] = {}
        self._broken_off: dict[int, str] = {}
        """Pieces to be copied again by somebody, with their tables' labels."""
        self._again: Counter[str] = Counter()
        """Attempts after a broken one in this pass: the ledger lacks those that were broken by
        the loss of its own connection."""
        self._read = 0.0
        self.refused: list[Finding] = []
        self.pieces = 0
        self.rows = 0
        self.bytes = 0

    async def refresh(self, target: Connection, *, now: bool = False) -> None:
        """Look into the ledger, if the last look is a while ago. Outside of a transaction."""
        if time.monotonic() - self._read < _REFRESH and not now:
            return
        found = await read_table_stats(target)
        self._read = time.monotonic()
        before = self._tables
        self._tables = {s.label: s for s in found if s.stage == self._stage}
        for label, table in self._tables.items():
            if table != before.get(label):
                self._tell_table(table)

    def begin(self, piece: Piece) -> None:
        """A piece is being copied."""
        self._under_way[piece.id] = piece
        if piece.id in self._broken_off:
            self._again[self._label(piece)] += 1
        self._tell(piece)

    def end(self, piece: Piece, rows: int | None) -> None:
        """It is no longer; with its rows when it is done."""
        self._under_way.pop(piece.id, None)
        if rows is None:
            self._broken_off[piece.id] = self._label(piece)
            self._read = 0.0  # the ledger knows whether it is tried again
            self._tell(piece)
            return
        self._broken_off.pop(piece.id, None)
        self.pieces += 1
        self.rows += rows
        table = self._tables.get(self._label(piece))
        if table is not None and piece.kind is not PieceKind.COMPRESS:
            table.rows += rows
            if self._mode is CopyMode.EXPORT:
                table.staged += 1
                table.staged_bytes += piece.bytes
            else:
                table.done += 1
                table.done_bytes += piece.bytes
        self._tell(piece)

    async def close(self, target: Connection) -> None:
        """Tell how every table stands at the end of the pass."""
        await self.refresh(target, now=True)
        self._broken_off.clear()
        for table in self._tables.values():
            self._tell_table(table)
        self.say()

    def _busy(self) -> dict[str, None]:
        """Labels of the tables that pieces under way are of, in order."""
        return dict.fromkeys(map(self._label, self._under_way.values()))

    def _label(self, piece: Piece) -> str:
        return self._desk.plan.of(piece).label

    def _tell(self, piece: Piece) -> None:
        table = self._tables.get(self._label(piece))
        if table is not None:
            self._tell_table(table)

    def _tell_table(self, table: TableStats) -> None:
        done = table.done + (table.staged if self._mode is CopyMode.EXPORT else 0)
        under_way = [p for p in self._under_way.values() if self._label(p) == table.label]
        self._reporter.put(
            TableProgress(
                time.time(),
                self._reporter.step,
                table.label,
                min(done, table.total),
                table.total,
                table.rows,
                self._state(table, done, busy=bool(under_way)),
                min(table.bytes, self._done_bytes(table) + sum(map(self._moved, under_way))),
                table.failed,
                max(table.retried, self._again[table.label]),
            )
        )

    def _state(self, table: TableStats, done: int, *, busy: bool) -> TableState:
        if table.failed:
            return TableState.FAILED
        if done >= table.total:
            return TableState.DONE
        if table.label in self._broken_off.values():
            return TableState.RETRYING
        return TableState.WORKING if busy or done else TableState.WAITING

    def _done_bytes(self, table: TableStats) -> int:
        return table.done_bytes + (table.staged_bytes if self._mode is CopyMode.EXPORT else 0)

    def _moved(self, piece: Piece) -> int:
        """What a piece under way has moved, at most whole."""
        pump = self._desk.pumps.get(piece.id)
        return min(piece.bytes, pump.moved) if pump else 0

    async def tick(self) -> None:
        """Tell the bytes until cancelled."""
        while True:
            self.say()
            for label in self._busy():
                if table := self._tables.get(label):
                    self._tell_table(table)
            await asyncio.sleep(_TICK)

    def say(self) -> None:
        """Tell the bytes once. A piece under way counts by what it has moved."""
        total = sum(table.bytes for table in self._tables.values())
        done = sum(map(self._done_bytes, self._tables.values()))
        done += sum(map(self._moved, self._under_way.values()))
        if total:
            self._reporter.progress(min(done, total), total, ", ".join(self._busy()))
