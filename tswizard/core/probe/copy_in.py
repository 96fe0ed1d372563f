"""Times the way into the target: split's stream, a restore, an index, compression."""

import os
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace

from psycopg import Error, sql

from tswizard.core.catalog.hypertable_model import Hypertable
from tswizard.core.db.concurrency import together
from tswizard.core.db.connection import connected, value
from tswizard.core.model.prepared import Prepared
from tswizard.core.model.probed import Sample, SampleKind, SampleRelation, Timed, Timing
from tswizard.core.probe.copy_out import CopyRace, ReadableSample, readable, readers_of, row_width
from tswizard.core.probe.limits import (
    LONGEST,
    MOST_BYTES,
    SHORTEST,
    OnBytes,
    TimingRefused,
    refused,
)
from tswizard.core.probe.scratch import ScratchTable, scratch_table
from tswizard.core.split.copy.errors import SourceFailed
from tswizard.core.split.copy.pump import FileSink, Pump, Sink, run_pump
from tswizard.core.split.schema.compression import compression_options

_TEXT_MOST = 48 << 20
"""Bytes of text that are read for a restore to be timed with."""
_TAIL = 1 << 20


@asynccontextmanager
async def _refusals(prepared: Prepared, sample: Sample) -> AsyncIterator[None]:
    """What a server says becomes one sentence."""
    try:
        yield
    except SourceFailed as error:
        raise refused(f"{sample.label} cannot be read", error) from error
    except Error as error:
        raise refused(f"The way into {prepared.target.label} cannot be timed", error) from error


async def time_stream(
    prepared: Prepared, subject: ReadableSample, connections: int, rate: float, on_bytes: OnBytes
) -> tuple[Timing, ...]:
    """Split's way into the target, and then an index and compression of what arrived.

    `rate` is that of reading alone, in bytes a second, so that what is copied takes a few seconds.
    Raises TimingRefused, CannotConnect.
    """
    async with _refusals(prepared, subject.sample), AsyncExitStack() as stack:
        format = subject.table.format
        readers = await stack.enter_async_context(readers_of(prepared, connections))
        width = await row_width(readers, subject)
        scratches = [
            await stack.enter_async_context(scratch_table(prepared, subject.table, format))
            for _ in range(connections)
        ]
        race = CopyRace(
            what=Timed.STREAM,
            subject=subject,
            readers=readers,
            width=width,
            into=lambda number: scratches[number].copying(format),
            limit_rows=_limit(subject.sample, connections, width, SHORTEST * rate),
            longest=LONGEST,
        )
        streamed = await race.run(on_bytes)
        return (streamed, *await _afterwards(prepared, subject, scratches[0]))


def _limit(sample: Sample, connections: int, width: float, budget: float) -> int:
    """Rows of each relation, so that all of them are about `budget` bytes."""
    copies = max(connections, len(sample.relations))
    return max(1, int(min(budget, MOST_BYTES / 2) / max(width, 1.0) / copies))


async def _afterwards(
    prepared: Prepared, subject: ReadableSample, scratch: ScratchTable
) -> tuple[Timing, ...]:
    """What is built on rows; what cannot be built on these is left out."""
    hypertable = next(
        (h for h in prepared.inventory.hypertables if subject.sample.table == h.label), None
    )
    timings = [await _timed_index(subject, scratch, hypertable)]
    compressing = subject.sample.kind is SampleKind.COMPRESSED
    if compressing and hypertable is not None and prepared.target_inventory.server.timescaledb:
        timings.append(await _timed_compression(prepared, subject, scratch, hypertable))
    return tuple(timing for timing in timings if timing is not None)


async def _timed_index(
    subject: ReadableSample, scratch: ScratchTable, hypertable: Hypertable | None
) -> Timing | None:
    """An index on the columns of dimensions, or on a table's first column."""
    columns = [d.column for d in hypertable.dimensions] if hypertable else []
    columns = columns or [subject.table.columns[0].name]
    target = scratch.connection
    try:
        async with target.transaction():
            began = time.monotonic()
            await target.execute(
                sql.SQL("CREATE INDEX probe_index ON {} ({})").format(
                    scratch.sql, sql.SQL(", ").join(map(sql.Identifier, columns))
                )
            )
            seconds = time.monotonic() - began
            size = await value(
                target, "SELECT pg_catalog.pg_indexes_size(%s::regclass)", (scratch.name,)
            )
            stored = await value(
                target, "SELECT pg_catalog.pg_table_size(%s::regclass)", (scratch.name,)
            )
    except Error as error:
        if error.sqlstate is None:
            raise
        return None  # a type without an operator class
    return _whole(subject.sample, Timed.INDEX, int(size), int(stored), seconds)


async def _timed_compression(
    prepared: Prepared, subject: ReadableSample, scratch: ScratchTable, hypertable: Hypertable
) -> Timing | None:
    """The same rows in a hypertable with the source's settings, compressed."""
    dimension = hypertable.dimensions[0] if hypertable.dimensions else None
    if dimension is None or dimension.partitioning_function or hypertable.compression is None:
        return None
    schema = prepared.target_inventory.server.timescaledb_schema or "public"
    target = scratch.connection
    try:
        async with target.transaction():
            stored = await value(
                target, "SELECT pg_catalog.pg_table_size(%s::regclass)", (scratch.name,)
            )
            await target.execute(
                sql.SQL(
                    "SELECT {}(%s::regclass, %s, chunk_time_interval => {}, "
                    "create_default_indexes => false, migrate_data => true)"
                ).format(
                    sql.Identifier(schema, "create_hypertable"),
                    sql.SQL(dimension.interval_sql or "NULL"),
                ),
                (scratch.name, dimension.column),
            )
            options = ", ".join(compression_options(hypertable.compression))
            await target.execute(
                sql.SQL("ALTER TABLE {} SET ({})").format(scratch.sql, sql.SQL(options))
            )
            began = time.monotonic()
            await target.execute(
                sql.SQL("SELECT {}(c) FROM {}(%s::regclass) c").format(
                    sql.Identifier(schema, "compress_chunk"), sql.Identifier(schema, "show_chunks")
                ),
                (scratch.name,),
            )
            seconds = time.monotonic() - began
    except Error as error:
        if error.sqlstate is None:
            raise
        return None
    return _whole(subject.sample, Timed.COMPRESS, int(stored), int(stored), seconds)


def _whole(sample: Sample, what: Timed, moved: int, stored: int, seconds: float) -> Timing:
    return Timing(
        what=what,
        kind=sample.kind,
        table=sample.label,
        connections=1,
        bytes=moved,
        stored=stored,
        rows=0,
        seconds=max(seconds, 1e-3),
    )


def as_dumped(sample: Sample) -> Sample:
    """The relations that pg_dump reads, as tables of their own."""
    return replace(
        sample,
        relations=tuple(
            SampleRelation(
                schema=r.dumped[0],
                name=r.dumped[1],
                bytes=r.bytes,
                rows=r.dumped_rows,
                dumped_rows=r.dumped_rows,
            )
            for r in sample.relations
        ),
    )


async def time_restore(
    prepared: Prepared, sample: Sample, connections: int, rate: float, on_bytes: OnBytes
) -> Timing:
    """Load rows as pg_restore does: as text, from this machine, by that many connections.

    Some of the sample is read into a file without a name first. Raises TimingRefused,
    CannotConnect.
    """
    try:
        return await _time_restore(prepared, sample, connections, rate, on_bytes, exact=True)
    except TimingRefused as error:
        if error.lost:
            raise
    # Compressed rows of types that the target has not yet cannot be read there.
    return await _time_restore(prepared, sample, connections, rate, on_bytes, exact=False)


async def _time_restore(
    prepared: Prepared,
    sample: Sample,
    connections: int,
    rate: float,
    on_bytes: OnBytes,
    *,
    exact: bool,
) -> Timing:
    dumped = as_dumped(sample)
    async with _refusals(prepared, dumped), AsyncExitStack() as stack:
        async with connected(prepared.source) as source:
            subject = await readable(source, dumped)
        subject = replace(subject, table=replace(subject.table, format="text"))
        handles, text = await _text(prepared, subject, rate, connections, stack)
        scratches = [
            await stack.enter_async_context(
                scratch_table(prepared, subject.table, "text", exact=exact)
            )
            for _ in range(connections)
        ]
        threads = stack.enter_context(ThreadPoolExecutor(connections, "probe"))
        began = time.monotonic()
        pumps: list[Pump] = []

        async def load(number: int) -> None:
            while time.monotonic() - began < SHORTEST and sum(p.moved for p in pumps) < MOST_BYTES:
                os.lseek(handles[number], 0, os.SEEK_SET)
                async with scratches[number].copying("text") as sink:
                    pumps.append(Pump(source=handles[number], sink=sink))
                    await run_pump(pumps[-1], threads)
                on_bytes(sum(p.moved for p in pumps), time.monotonic() - began)

        await together(load(number) for number in range(connections))
        seconds = time.monotonic() - began
    moved = sum(pump.moved for pump in pumps)
    return Timing(
        what=Timed.RESTORE,
        kind=sample.kind,
        table=sample.label,
        connections=connections,
        bytes=moved,
        stored=int(moved / max(text.bytes, 1) * text.stored),
        rows=0,
        seconds=max(seconds, 1e-3),
    )


async def _text(
    prepared: Prepared,
    subject: ReadableSample,
    rate: float,
    connections: int,
    stack: AsyncExitStack,
) -> tuple[Sequence[int], Timing]:
    """Some of the sample as text, in a file that is open once for each connection and whose name
    is gone before anything is written."""
    written, name = tempfile.mkstemp(prefix="tswizard-probe-")
    stack.callback(os.close, written)
    handles = []
    for _ in range(connections):
        handles.append(os.open(name, os.O_RDONLY))
        stack.callback(os.close, handles[-1])
    os.unlink(name)  # noqa: PTH108 - the name alone, as mkstemp gave it
    sink = FileSink(written)

    @asynccontextmanager
    async def into(_number: int) -> AsyncIterator[Sink]:
        yield sink

    readers = await stack.enter_async_context(readers_of(prepared, 1))
    width = await row_width(readers, subject)
    budget = min(_TEXT_MOST, max(SHORTEST * rate, 1 << 20))
    first = replace(subject.sample, relations=subject.sample.relations[:8])
    text = await CopyRace(
        what=Timed.COPY,
        subject=replace(subject, sample=first),
        readers=readers,
        width=width,
        into=into,
        limit_rows=_limit(first, 1, width, budget),
        longest=LONGEST,
    ).run(lambda _bytes, _seconds: None)
    return handles, replace(text, bytes=_whole_rows(written))


def _whole_rows(descriptor: int) -> int:
    """Cut a file of text rows after its last whole one; its bytes. A newline in a value is
    escaped."""
    end = os.fstat(descriptor).st_size
    while end > 0:
        start = max(0, end - _TAIL)
        found = os.pread(descriptor, end - start, start).rfind(b"\n")
        if found >= 0:
            end = start + found + 1
            break
        end = start
    os.ftruncate(descriptor, end)
    return end
