"""Times split's own reading of a sample: a psql for each connection, its rows thrown away."""

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from psycopg import sql

from tswizard.core.db.concurrency import together
from tswizard.core.db.connection import Connection, value
from tswizard.core.db.passfile import passfile
from tswizard.core.db.private_folder import private_folder
from tswizard.core.model.prepared import Prepared
from tswizard.core.model.probed import Sample, SampleKind, SampleRelation, Timed, Timing
from tswizard.core.probe.limits import (
    COPY_LONGEST,
    LOCK_TIMEOUT,
    MOST_BYTES,
    STATEMENT_TIMEOUT,
    TICK,
    OnBytes,
    TimingRefused,
    refused,
)
from tswizard.core.split.copy.copy_job import CopyJob
from tswizard.core.split.copy.errors import SourceFailed
from tswizard.core.split.copy.psql_reader import PIPES, PsqlReader
from tswizard.core.split.copy.pump import Pump, Sink, Stopped, run_pump
from tswizard.core.split.plan.columns import read_columns
from tswizard.core.split.plan.piece import SourceTable

_WIDTH_ROWS = 2000
"""Rows that the width of a row is taken from, before anything is timed."""
_FEW_ROWS = 20
_WIDTH_BYTES = 1 << 20
"""Bytes that these rows should not be much more than."""


class DiscardSink:
    """Blocks end here."""

    def write(self, block: memoryview, stopped: Callable[[], bool]) -> None:
        pass


@asynccontextmanager
async def _thrown_away() -> AsyncIterator[Sink]:
    yield DiscardSink()


@dataclass(frozen=True, slots=True)
class ReadableSample:
    """A sample and the columns that split copies of it."""

    sample: Sample
    table: SourceTable

    def copy_sql(self, relation: SampleRelation, limit: int | None, format: str = "") -> str:
        """`COPY (SELECT …) TO STDOUT` of a relation, or of its first rows."""
        columns = sql.SQL(", ").join(sql.Identifier(c.name) for c in self.table.columns)
        only = sql.SQL("ONLY " if self.sample.kind is SampleKind.TABLE else "")
        select = sql.SQL("SELECT {} FROM {}{}").format(
            columns, only, sql.Identifier(relation.schema, relation.name)
        )
        if limit is not None:
            select += sql.SQL(" LIMIT {}").format(sql.Literal(limit))
        copied = sql.SQL("COPY ({}) TO STDOUT (FORMAT {})").format(
            select, sql.Identifier(format or self.table.format)
        )
        return copied.as_string(None)


async def readable(connection: Connection, sample: Sample) -> ReadableSample:
    """With its columns. Raises TimingRefused where nothing of it is left, psycopg.Error."""
    first = next(iter(sample.relations), None)
    oid = await _oid(connection, first) if first else None
    if first is None or oid is None:
        raise TimingRefused(f"{sample.table}: what was to be timed of it was dropped meanwhile.")
    columns = (await read_columns(connection, [oid]))[oid]
    table = SourceTable(
        label=sample.label,
        schema=first.schema,
        name=first.name,
        columns=columns.columns,
        format="text" if columns.text_column else "binary",
        text_column=columns.text_column,
    )
    return ReadableSample(sample, table)


async def _oid(connection: Connection, relation: SampleRelation) -> int | None:
    name = sql.Identifier(relation.schema, relation.name).as_string(None)
    found: int | None = await value(
        connection, "SELECT pg_catalog.to_regclass(%s)::oid::bigint", (name,)
    )
    return found


@dataclass(slots=True)
class Readers:
    """Several psql on the source, each with a pipe and a thread of its own."""

    readers: tuple[PsqlReader, ...]
    threads: ThreadPoolExecutor
    fifos: tuple[Path, ...]

    def script(self, number: int, copy_sql: str) -> str:
        """A read-only transaction that ends by itself, whatever becomes of us."""
        return (
            "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;\n"
            f"SET LOCAL statement_timeout = '{STATEMENT_TIMEOUT}';\n"
            f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT}';\n"
            f"{copy_sql} \\g {self.fifos[number]}\nCOMMIT;\n"
        )

    async def read(self, number: int, copy_sql: str, pump_into: Callable[[int], Pump]) -> int:
        """One COPY through one of them; its bytes. Raises SourceFailed, Stopped."""
        async with self.readers[number].running(self.script(number, copy_sql)) as (psql, pipe):
            moved = await run_pump(pump_into(pipe), self.threads)
            await psql.finish()
            return moved


@asynccontextmanager
async def readers_of(prepared: Prepared, count: int) -> AsyncIterator[Readers]:
    """That many. Raises TimingRefused without psql."""
    assert prepared.tools is not None
    if prepared.tools.psql is None:
        raise TimingRefused("There is no psql beside pg_dump; the split method reads with it.")
    job = CopyJob(
        source=prepared.source, target=prepared.target, run="probe", psql=prepared.tools.psql
    )
    with (
        passfile(prepared.source) as path,
        private_folder(PIPES) as folder,
        ThreadPoolExecutor(count, "probe") as threads,
    ):
        numbers = range(count)
        found = Readers(
            tuple(PsqlReader(job, folder, path, number) for number in numbers),
            threads,
            tuple(folder / f"rows-{number}" for number in numbers),
        )
        try:
            yield found
        finally:
            await asyncio.shield(_close(found.readers))


async def _close(readers: Sequence[PsqlReader]) -> None:
    for reader in readers:
        await reader.close()


async def row_width(readers: Readers, subject: ReadableSample) -> float:
    """Bytes of a row in COPY, from the first ones of the sample; 0.0 where it has none.

    Every connection reads them, so that all are open before anything is timed.
    """
    relation = subject.sample.relations[0]
    usual = _stored(relation) / relation.rows if relation.rows else 0.0
    wanted = max(_FEW_ROWS, min(_WIDTH_ROWS, int(_WIDTH_BYTES / usual) if usual else _WIDTH_ROWS))
    copied = subject.copy_sql(relation, wanted)
    widths: list[int] = []

    async def one(number: int) -> None:
        widths.append(
            await readers.read(number, copied, lambda pipe: Pump(source=pipe, sink=DiscardSink()))
        )

    await together(one(number) for number in range(len(readers.readers)))
    count = min(wanted, relation.rows or wanted)
    overhead = 21 if subject.table.format == "binary" else 0
    return max(0, widths[0] - overhead) / max(1, count)


@dataclass(slots=True, kw_only=True)
class CopyRace:
    """Reads a sample by several connections, until all of it or enough is read.

    `into` opens what the rows of one COPY of a connection (its number) go into.
    """

    what: Timed
    subject: ReadableSample
    readers: Readers
    width: float
    into: Callable[[int], AbstractAsyncContextManager[Sink]] = lambda _number: _thrown_away()
    limit_rows: int | None = None
    """Of each relation."""
    longest: float = COPY_LONGEST
    _pumps: list[Pump] = field(default_factory=list)
    _whole: int = 0
    """Relations that were read to their end."""

    @property
    def _moved(self) -> int:
        return sum(pump.moved for pump in self._pumps)

    async def run(self, on_bytes: OnBytes) -> Timing:
        """Raises SourceFailed, psycopg.Error."""
        sample = self.subject.sample
        count = len(self.readers.readers)
        # Each connection has something to do, if only the same once more.
        repeats = -(-count // len(sample.relations))
        queue = deque(sample.relations * repeats)
        total = len(queue)
        began = time.monotonic()
        watching = asyncio.create_task(self._watch(began, on_bytes))
        try:
            await together(self._one(number, queue) for number in range(count))
        except Stopped:
            pass
        finally:
            watching.cancel()
        seconds = max(time.monotonic() - began, 1e-3)
        on_bytes(self._moved, seconds)
        complete = self._whole == total and self.limit_rows is None
        return self._timing(seconds, sample.relations * repeats if complete else None)

    def _timing(self, seconds: float, whole: tuple[SampleRelation, ...] | None) -> Timing:
        sample, moved = self.subject.sample, self._moved
        rows = int(moved / self.width) if self.width else 0
        if whole is not None:
            known = sum(relation.rows for relation in whole)
            rows = known if all(relation.rows for relation in whole) else rows
            stored = sum(_stored(relation) for relation in whole)
        else:
            of_rows = sum(relation.rows for relation in sample.relations)
            of_bytes = sum(_stored(relation) for relation in sample.relations)
            stored = int(of_bytes * rows / of_rows) if of_rows else moved
        return Timing(
            what=self.what,
            kind=sample.kind,
            table=sample.label,
            connections=len(self.readers.readers),
            bytes=moved,
            stored=stored,
            rows=rows,
            seconds=seconds,
            complete=whole is not None,
            pieces=max(1, len(self._pumps)),
        )

    async def _one(self, number: int, queue: deque[SampleRelation]) -> None:
        while queue:
            copied = self.subject.copy_sql(queue.popleft(), self.limit_rows)
            async with self.into(number) as sink:
                await self.readers.read(number, copied, partial(self._pump, sink))
            self._whole += 1

    def _pump(self, sink: Sink, pipe: int) -> Pump:
        self._pumps.append(Pump(source=pipe, sink=sink))
        return self._pumps[-1]

    async def _watch(self, began: float, on_bytes: OnBytes) -> None:
        while True:
            await asyncio.sleep(TICK)
            seconds = time.monotonic() - began
            on_bytes(self._moved, seconds)
            if seconds > self.longest or self._moved > MOST_BYTES:
                for pump in self._pumps:
                    pump.stop()


def _stored(relation: SampleRelation) -> int:
    """Bytes that its rows take uncompressed."""
    return relation.uncompressed or relation.bytes


async def time_copy(
    prepared: Prepared, subject: ReadableSample, connections: int, on_bytes: OnBytes
) -> Timing:
    """Read the sample as split does, by that many connections. Raises TimingRefused."""
    try:
        async with readers_of(prepared, connections) as readers:
            width = await row_width(readers, subject)
            race = CopyRace(
                what=Timed.COPY,
                subject=subject,
                readers=readers,
                width=width,
            )
            return await race.run(on_bytes)
    except SourceFailed as error:
        raise refused(f"{subject.sample.label} cannot be read", error) from error
