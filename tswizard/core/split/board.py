"""How far everything is, for whoever watches: from the ledger, and from what is under way."""

import asyncio
import time

from tswizard.core.connection import Connection
from tswizard.core.events import TableProgress, TableState
from tswizard.core.finding import Finding
from tswizard.core.split import queue
from tswizard.core.split.copy import Desk
from tswizard.core.split.hands import Hands
from tswizard.core.split.piece import Kind, Piece, Stage
from tswizard.core.split.queue import Pass, Standing

_TICK = 0.5
_REFRESH = 3.0
"""Seconds between looks into the ledger, for what other processes have done."""


class Board:
    """Counts of one pass of this process; others' work is read from the ledger now and then."""

    def __init__(self, desk: Desk, hands: Hands, stage: Stage, over: Pass) -> None:
        self._desk = desk
        self._hands = hands
        self._stage = stage
        self._over = over
        self._tables: dict[str, Standing] = {}
        self._under_way: dict[int, Piece] = {}
        self._read = 0.0
        self.refused: list[Finding] = []
        self.pieces = 0
        self.rows = 0
        self.bytes = 0

    async def refresh(self, target: Connection, *, now: bool = False) -> None:
        """Look into the ledger, if the last look is a while ago. Outside of a transaction."""
        if time.monotonic() - self._read < _REFRESH and not now:
            return
        found = await queue.standings(target)
        self._read = time.monotonic()
        self._tables = {s.label: s for s in found if s.stage == self._stage}

    def begin(self, piece: Piece) -> None:
        """A piece is being copied."""
        self._under_way[piece.id] = piece
        self._tell(piece)

    def end(self, piece: Piece, rows: int | None) -> None:
        """It is no longer; with its rows when it is done."""
        self._under_way.pop(piece.id, None)
        if rows is None:
            return
        self.pieces += 1
        self.rows += rows
        table = self._tables.get(self._desk.plan.of(piece).label)
        if table is not None and piece.kind is not Kind.COMPRESS:
            table.rows += rows
            if self._over is Pass.EXPORT:
                table.staged += 1
                table.staged_bytes += piece.bytes
            else:
                table.done += 1
                table.done_bytes += piece.bytes
        self._tell(piece)

    async def close(self, target: Connection) -> None:
        """Tell how every table stands at the end of the pass."""
        await self.refresh(target, now=True)
        for table in self._tables.values():
            self._tell_table(table)
        self.say()

    def _tell(self, piece: Piece) -> None:
        table = self._tables.get(self._desk.plan.of(piece).label)
        if table is not None:
            self._tell_table(table)

    def _tell_table(self, table: Standing) -> None:
        done = table.done + (table.staged if self._over is Pass.EXPORT else 0)
        state = TableState.DONE if done >= table.total else TableState.WORKING
        self._hands.put(
            TableProgress(
                time.time(),
                self._hands.step,
                table.label,
                min(done, table.total),
                table.total,
                table.rows,
                state,
            )
        )

    async def tick(self) -> None:
        """Tell the bytes until cancelled."""
        while True:
            self.say()
            await asyncio.sleep(_TICK)

    def say(self) -> None:
        """Tell the bytes once. A piece under way counts by what it has moved, at most whole."""
        total = sum(table.bytes for table in self._tables.values())
        done = sum(
            table.done_bytes + (table.staged_bytes if self._over is Pass.EXPORT else 0)
            for table in self._tables.values()
        )
        for id, piece in self._under_way.items():
            pump = self._desk.pumps.get(id)
            done += min(piece.bytes, pump.moved) if pump else 0
        what = ", ".join(
            dict.fromkeys(self._desk.plan.of(piece).label for piece in self._under_way.values())
        )
        if total:
            self._hands.progress(min(done, total), total, what)
