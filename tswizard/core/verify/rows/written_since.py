"""What was written to the source after the snapshot that dump and check share."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace

from psycopg import sql

from tswizard.core.catalog.catalog_shape import read_shape
from tswizard.core.catalog.hypertable_model import Chunk
from tswizard.core.db.concurrency import both
from tswizard.core.db.connection import Connection
from tswizard.core.db.identifiers import qualified
from tswizard.core.model.write_counters import WriteCounters
from tswizard.core.verify.database_reader import DatabaseReader, open_reader
from tswizard.core.verify.request import VerifyJob
from tswizard.core.verify.rows.compare import SetResult
from tswizard.core.verify.rows.range_digest import (
    RangeDigest,
    of_chunk,
    read_range,
    read_ranges,
)
from tswizard.core.verify.rows.ranges import WHOLE, cuts
from tswizard.core.verify.rows.row_sets import RowSet, SetKind, SetName, read_sets
from tswizard.core.verify.rows.write_counters import (
    HOLDS_LARGE_OBJECTS,
    read_counters,
    read_counters_in_time,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class WritesSince:
    """Writes to one table since the dump; the three counts are from the server's statistics."""

    inserted: int
    updated: int
    deleted: int
    rows: int = 0
    """Rows that the source has gained since the snapshot; negative where it lost rows."""
    show: str = ""
    """SQL that returns them, where a time column makes that possible."""
    name: str = ""
    """Whose they are, as a RowSet is called; empty while that is known anyway."""

    @property
    def words(self) -> str:
        return f"{self.inserted:,} inserted, {self.updated:,} updated, {self.deleted:,} deleted"


_NOTHING = WritesSince(inserted=0, updated=0, deleted=0)


def relations_of(rows: RowSet) -> tuple[str, ...]:
    """The relations in which its rows are stored, by their names in the statistics."""
    if rows.kind is not SetKind.HYPERTABLE:
        return rows.partitions or (f"{rows.schema}.{rows.table}",)
    names = [f"{rows.schema}.{rows.table}"]
    for chunk in rows.chunks:
        names += relations_of_chunk(chunk)
    return tuple(names)


def relations_of_chunk(chunk: Chunk) -> tuple[str, ...]:
    own = f"{chunk.schema}.{chunk.name}"
    return (own,) if chunk.compressed_table is None else (own, chunk.compressed_table)


def writes_between(
    names: tuple[str, ...], before: WriteCounters, now: WriteCounters
) -> WritesSince | None:
    """Writes to any of these relations between two readings; None for no writes."""
    changes = [c for c in (now.changed_since(before, name) for name in names) if c is not None]
    if not changes:
        return None
    inserted, updated, deleted = (sum(change[n] for change in changes) for n in range(3))
    return WritesSince(inserted=inserted, updated=updated, deleted=deleted)


async def written_on_target(
    job: VerifyJob, results: tuple[SetResult, ...]
) -> dict[str, WritesSince]:
    """Tables that differ and had arrived, and what was written to them on the target since."""
    before = job.target_counters_before
    if before is None:
        return {}
    found: dict[str, WritesSince] = {}
    async with open_reader("target", job.target) as target:
        now = await target.run(read_counters)
        there = {(rows.schema, rows.table): rows for rows in await target.run(_sets)}
    for result in results:
        key = result.rows.target or (result.rows.schema, result.rows.table)
        if not result.differing or result.rows.name not in job.arrived or key not in there:
            continue
        if written := writes_between(relations_of(there[key]), before, now):
            found[result.rows.name] = written
    return found


_YOUNGER = (
    "SELECT pg_catalog.count(*) FROM ONLY {} t "
    "WHERE pg_catalog.age(t.xmin) <= pg_catalog.age({}::xid)"
)


async def younger_rows(job: VerifyJob, results: tuple[SetResult, ...]) -> dict[str, int]:
    """Tables of which every range that differs has rows on the source that were written since the
    dump, by their transactions, and no fewer than the difference; how many.

    For servers whose statistics count no writes. Rows that were compressed since, or deleted, are
    not seen.
    """
    if job.source_xid is None:
        return {}
    found: dict[str, int] = {}
    async with open_reader("source", job.source) as source:
        for result in results:
            compared = result.rows.kind in (SetKind.TABLE, SetKind.HYPERTABLE)
            if not compared or result.rows.partitions or not result.differing:
                continue
            if younger := await _younger(source, result, job.source_xid):
                found[result.rows.name] = younger
    return found


async def _younger(source: DatabaseReader, result: SetResult, xid: int) -> int:
    """0 where one range is not explained."""
    total = 0
    chunks = {f"{chunk.schema}.{chunk.name}": chunk for chunk in result.rows.chunks}
    for part in result.differing:
        names = [(chunks[name].schema, chunks[name].name) for name in part.chunks if name in chunks]
        number = 0
        for name in names or [(result.rows.schema, result.rows.table)]:
            query = sql.SQL(_YOUNGER).format(sql.Identifier(*name), sql.Literal(str(xid)))
            number += int((await source.fetch(query))[0][0])
        if not number or abs(part.source_rows - part.target_rows) > number:
            return 0
        total += number
    return total


async def newer_rows(
    job: VerifyJob,
    results: tuple[SetResult, ...],
    known: Collection[RowSet],
    readers: tuple[DatabaseReader, DatabaseReader],
    *,
    altered: bool,
) -> dict[SetName, WritesSince]:
    """Each table that was written to since the snapshot, and how much; also new ones.

    `known` are all sets of the snapshot, compared or not; `readers` read under it and without it;
    `altered` says that the catalog has changed since. Only what the counters show as changed is
    counted again; without counters, everything is.
    """
    then, now = readers
    counters = await now.run(read_counters_in_time)
    if counters == job.counters_before and not altered:
        return {}  # nothing to count, and no sizes of thousands of chunks to read for it
    live = {rows.identity: rows for rows in await now.run(_sets)}
    found: dict[SetName, WritesSince] = {}
    for rows in [result.rows for result in results]:
        current = live.get(rows.identity)
        if current is None or rows.kind in _NOT_COUNTED:
            continue
        written = _written(job.counters_before, counters, rows, current)
        if written is None:
            continue
        more = await _count(job.counters_before, counters, rows, current, then, now)
        if more or written.inserted or written.updated or written.deleted:
            show = await _show(job, rows) if more > 0 else ""
            found[rows.identity] = replace(written, name=rows.name, rows=more, show=show)
    names = {rows.identity for rows in known}
    for rows in [rows for name, rows in live.items() if name not in names]:
        if (written := await _new_set(job, counters, rows, now)) is not None:
            found[rows.identity] = written
    written = await _large_objects(job, counters, known, live.values(), readers)
    return found if written is None else {**found, ("", ""): written}


_NOT_COUNTED = (SetKind.LARGE_OBJECTS, SetKind.MATVIEW, SetKind.RECOMPUTED)


async def _new_set(
    job: VerifyJob, counters: WriteCounters, rows: RowSet, now: DatabaseReader
) -> WritesSince | None:
    """Rows of a table that the snapshot does not have. Materialized views and continuous aggregates
    are computed, so they are only named as objects."""
    if rows.kind in _NOT_COUNTED or rows.of_cagg:
        return None
    if not (count := await _size(now, [rows])):
        return None
    written = _written(job.counters_before, counters, rows, rows) or _NOTHING
    show = f"SELECT * FROM {qualified(rows.schema, rows.table)};"
    return replace(written, name=rows.name, rows=count, show=show)


async def _large_objects(
    job: VerifyJob,
    counters: WriteCounters,
    known: Iterable[RowSet],
    live: Iterable[RowSet],
    readers: tuple[DatabaseReader, DatabaseReader],
) -> WritesSince | None:
    """How many more there are, and whether any has changed; their contents are read only if the
    counters of the table that holds them have moved."""
    before = job.counters_before
    sets = [rows for rows in (*known, *live) if rows.kind is SetKind.LARGE_OBJECTS]
    if not sets or (
        before is not None and counters.changed_since(before, HOLDS_LARGE_OBJECTS) is None
    ):
        return None
    sums = job.verify == "checksum"
    was, is_now = await both(*(read_range(reader, sets[0], WHOLE, sums=sums) for reader in readers))
    if was == is_now or not (isinstance(was, RangeDigest) and isinstance(is_now, RangeDigest)):
        return None
    return replace(_NOTHING, name=sets[0].name, rows=is_now.count - was.count)


async def _sets(connection: Connection) -> tuple[RowSet, ...]:
    return await read_sets(connection, await read_shape(connection))


def _written(
    before: WriteCounters | None, now: WriteCounters, rows: RowSet, current: RowSet
) -> WritesSince | None:
    if before is None:
        return _NOTHING
    names = dict.fromkeys([*relations_of(rows), *relations_of(current)])
    return writes_between(tuple(names), before, now)


async def _count(
    before: WriteCounters | None,
    counters: WriteCounters,
    rows: RowSet,
    current: RowSet,
    then: DatabaseReader,
    now: DatabaseReader,
) -> int:
    """Rows now minus rows in the snapshot, counted in the chunks that changed."""
    if rows.kind is not SetKind.HYPERTABLE:
        return await _more([rows], [rows], then, now)
    old = {(c.schema, c.name): c for c in rows.chunks}
    new = {(c.schema, c.name): c for c in current.chunks}
    changed = [
        key
        for key, chunk in new.items()
        if key not in old
        or before is None
        or writes_between(
            tuple({*relations_of_chunk(chunk), *relations_of_chunk(old[key])}), before, counters
        )
    ]
    was = [old[key] for key in changed if key in old]
    was += [chunk for key, chunk in old.items() if key not in new]
    return await _more(
        [of_chunk(rows, chunk) for chunk in was],
        [of_chunk(rows, new[key]) for key in changed],
        then,
        now,
    )


_AT_ONCE = 64
"""Counts in one round trip."""


async def _more(
    was: list[RowSet], is_now: list[RowSet], then: DatabaseReader, now: DatabaseReader
) -> int:
    """How many more rows are now in some sets than were in others under the snapshot."""
    before, after = await both(_size(then, was), _size(now, is_now))
    return after - before


async def _size(reader: DatabaseReader, sets: list[RowSet]) -> int:
    total = 0
    for first in range(0, len(sets), _AT_ONCE):
        wanted = [(rows, WHOLE) for rows in sets[first : first + _AT_ONCE]]
        found = await read_ranges(reader, wanted, sums=False)
        total += sum(one.count for one in found if isinstance(one, RangeDigest))
    return total


async def _show(job: VerifyJob, rows: RowSet) -> str:
    """SQL for rows newer than the newest that arrived; empty where there is no time column."""
    dimension = rows.dimension
    if dimension is None or not cuts(dimension) or rows.of_cagg:
        return ""
    column = sql.Identifier(dimension.column)
    query = sql.SQL("SELECT {c}::text FROM {t} ORDER BY {c} DESC LIMIT 1").format(
        c=column, t=sql.Identifier(rows.schema, rows.table)
    )
    async with open_reader("target", job.target) as target:
        newest = await target.fetch(query)
    after = f" WHERE {column.as_string(None)} > '{newest[0][0]}'" if newest else ""
    return f"SELECT * FROM {qualified(rows.schema, rows.table)}{after};"
