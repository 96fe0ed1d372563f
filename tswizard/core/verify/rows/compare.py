"""Compares every row of source and target: ranges of tables, read by several workers."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

from tswizard.core.db.concurrency import both, together
from tswizard.core.model.events import TableState
from tswizard.core.model.outcome import RangeRows
from tswizard.core.verify.database_reader import DatabaseReader, open_reader
from tswizard.core.verify.request import OnProgress, VerifyJob, VerifyProgress
from tswizard.core.verify.rows.range_digest import RangeDigest, Unreadable, of_chunk, read_ranges
from tswizard.core.verify.rows.ranges import (
    WHOLE,
    Range,
    cut_further,
    cuts,
    grouped,
    joined,
    ranges_of,
)
from tswizard.core.verify.rows.row_sets import RowSet

_AT_ONCE = 32
_AT_ONCE_BYTES = 16 << 20
"""Small tables are read together: up to this much of them in one round trip."""


@dataclass(slots=True, kw_only=True)
class SetResult:
    """The result for one set of rows; updated as its ranges are compared."""

    rows: RowSet
    parts: int
    done: int = 0
    source_rows: int = 0
    target_rows: int = 0
    differing: list[RangeRows] = field(default_factory=list)
    unreadable: list[Unreadable] = field(default_factory=list)

    @property
    def equal(self) -> bool:
        return not self.differing and not self.unreadable

    @property
    def state(self) -> TableState:
        if not self.equal:
            return TableState.DIFFERS
        return TableState.DONE if self.done == self.parts else TableState.WORKING


@dataclass(frozen=True, slots=True)
class _Unit:
    """One query on each server."""

    result: SetResult
    spans: tuple[Range, ...]

    @property
    def bytes(self) -> int:
        """Bytes on the source; at least 1, so that empty tables count in the progress too."""
        own = sum(span.bytes for span in self.spans)
        return max(1, own if self.result.parts > 1 else self.result.rows.bytes)


def _cut(rows: RowSet) -> Sequence[Range]:
    if rows.key is not None:
        return cut_further([Range(None, None, share=rows.bytes)], dict(rows.points))
    if rows.chunks and cuts(rows.dimension):
        return cut_further(ranges_of(rows.chunks), dict(rows.points))
    return (WHOLE,)


def _units(sets: tuple[RowSet, ...]) -> list[_Unit]:
    """Largest first, so that no large one is left over at the end."""
    units = []
    for rows in sets:
        groups = grouped(_cut(rows))
        result = SetResult(rows=rows, parts=len(groups))
        units += [_Unit(result, group) for group in groups]
    return sorted(units, key=lambda unit: -unit.bytes)


class RowComparison:
    """Compares sets of rows; `results` is complete after `run`."""

    def __init__(
        self,
        job: VerifyJob,
        sets: tuple[RowSet, ...],
        on_progress: OnProgress,
        unpaused: Callable[[], Awaitable[None]],
    ) -> None:
        self._job = job
        self._sums = job.verify == "checksum"
        self._on_progress = on_progress
        self._unpaused = unpaused
        units = _units(sets)
        self.results = tuple({id(unit.result): unit.result for unit in units}.values())
        self._queue = deque(units)
        self._total = sum(unit.bytes for unit in units)
        self._done = 0

    async def run(self) -> None:
        """Compare everything; when cancelled, running queries are too. Raises VerifyStopped."""
        workers = min(self._job.concurrency, max(1, len(self._queue)))
        await together(self._worker() for _ in range(workers))

    async def _worker(self) -> None:
        job = self._job
        async with (
            open_reader("source", job.source, job.snapshot) as source,
            open_reader("target", job.target) as target,
        ):
            while True:
                await self._unpaused()
                if not self._queue:
                    return
                units = self._take()
                wanted = [(unit.result.rows, joined(unit.spans)) for unit in units]
                found = await self._read(source, target, wanted)
                for unit, (ours, theirs) in zip(units, found, strict=True):
                    await self._compare(unit, ours, theirs, source, target)
                    self._report(unit)

    def _take(self) -> list[_Unit]:
        """The next unit, or several that are small: they share a round trip."""
        units = [self._queue.popleft()]
        size, most = units[0].bytes, min(_AT_ONCE, len(self._queue) // self._job.concurrency)
        while len(units) < most and size + self._queue[0].bytes <= _AT_ONCE_BYTES:
            units.append(self._queue.popleft())
            size += units[-1].bytes
        return units

    async def _compare(
        self,
        unit: _Unit,
        ours: RangeDigest | Unreadable,
        theirs: RangeDigest | Unreadable,
        source: DatabaseReader,
        target: DatabaseReader,
    ) -> None:
        """What a group of ranges is like; each of them is read by itself only where it differs."""
        rows, whole = unit.result.rows, joined(unit.spans)
        if ours == theirs or not (
            isinstance(ours, RangeDigest) and isinstance(theirs, RangeDigest)
        ):
            self._add(unit.result, whole, ours, theirs)
            return
        parts = _parts(rows, unit.spans)
        if len(parts) == 1:
            self._add(unit.result, parts[0][1], ours, theirs)
            return
        found = await self._read(source, target, parts)
        for (_, span), (here, there) in zip(parts, found, strict=True):
            self._add(unit.result, span, here, there)

    async def _read(
        self,
        source: DatabaseReader,
        target: DatabaseReader,
        wanted: Sequence[tuple[RowSet, Range]],
    ) -> list[tuple[RangeDigest | Unreadable, RangeDigest | Unreadable]]:
        found = await both(
            read_ranges(source, wanted, sums=self._sums),
            read_ranges(target, wanted, sums=self._sums),
        )
        return list(zip(*found, strict=True))

    def _add(
        self,
        result: SetResult,
        span: Range,
        ours: RangeDigest | Unreadable,
        theirs: RangeDigest | Unreadable,
    ) -> None:
        result.unreadable += [end for end in (ours, theirs) if isinstance(end, Unreadable)]
        here = ours.count if isinstance(ours, RangeDigest) else 0
        there = theirs.count if isinstance(theirs, RangeDigest) else 0
        result.source_rows += here
        result.target_rows += there
        if ours != theirs:
            chunks = tuple(f"{chunk.schema}.{chunk.name}" for chunk in span.chunks)
            of_key = f"{result.rows.key.column} " if result.rows.key and span.text else ""
            result.differing.append(
                RangeRows(
                    range=f"{of_key}{span.text}",
                    source_rows=here,
                    target_rows=there,
                    equal=False,
                    chunks=chunks,
                )
            )

    def _report(self, unit: _Unit) -> None:
        result = unit.result
        result.done += 1
        self._done += unit.bytes
        span = joined(unit.spans).text if result.parts > 1 else ""
        self._on_progress(
            VerifyProgress(
                done=self._done,
                total=self._total,
                table=result.rows.name,
                what=f"{result.rows.name} {span}".rstrip(),
                parts_done=result.done,
                parts_total=result.parts,
                rows=result.source_rows,
                state=result.state,
            )
        )


def _parts(rows: RowSet, cut: tuple[Range, ...]) -> list[tuple[RowSet, Range]]:
    """What to compare one by one: the ranges, or the chunks where the axis cannot be cut."""
    if cut == (WHOLE,) and rows.chunks:
        return [(of_chunk(rows, chunk), Range(None, None, (chunk,))) for chunk in rows.chunks]
    return [(rows, span) for span in cut]


async def no_pause() -> None:
    """For a comparison that cannot be paused."""
    await asyncio.sleep(0)
