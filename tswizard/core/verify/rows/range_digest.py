"""Count and checksum of a range of rows on one server."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from psycopg import Error, sql

from tswizard.core.catalog.hypertable_model import Chunk
from tswizard.core.db.connection import Connection, batch
from tswizard.core.db.errors import is_transient, message_of
from tswizard.core.verify.database_reader import DatabaseReader
from tswizard.core.verify.rows.checksum import checksum, hash_of
from tswizard.core.verify.rows.ranges import Range, range_condition
from tswizard.core.verify.rows.row_sets import RowSet, SetKind

_FORBIDDEN = "42501"
_NO_TABLE = ("42P01", "3F000")
_NO_COLUMN = "42703"


@dataclass(frozen=True, slots=True)
class RangeDigest:
    count: int
    sum: int
    """Checksum of the rows; 0 where they are only counted."""


@dataclass(frozen=True, slots=True)
class Unreadable:
    """Why a range could not be read on one server."""

    server: str
    """`source` or `target`."""
    message: str
    forbidden: bool
    """This role lacks the privilege to read it."""
    missing: bool
    """There is no such table."""


def range_query(
    rows: RowSet, span: Range, *, sums: bool, end: Literal["source", "target"] = "source"
) -> sql.Composed:
    """SQL for the count and the checksum of the rows of a range."""
    if rows.kind is SetKind.LARGE_OBJECTS:
        content = hash_of(sql.SQL("pg_catalog.record_send(ROW(t.oid, pg_catalog.lo_get(t.oid)))"))
        return sql.SQL(
            "SELECT pg_catalog.count(*), {} FROM pg_catalog.pg_largeobject_metadata t"
        ).format(content if sums else sql.SQL("0"))
    total = checksum(rows.columns) if sums else sql.SQL("0")
    select = sql.SQL("SELECT pg_catalog.count(*), {} FROM {}").format(
        total, rows.source_of_rows(end)
    )
    if rows.axis is None or not span.text:
        return select
    return select + sql.SQL(" WHERE ") + range_condition(rows.axis, span)


async def read_range(
    reader: DatabaseReader, rows: RowSet, span: Range, *, sums: bool
) -> RangeDigest | Unreadable:
    """Count and checksum of a range on one server. Raises VerifyStopped."""
    try:
        found = await reader.fetch(range_query(rows, span, sums=sums, end=reader.name))
    except Error as error:
        if is_transient(error):
            raise
        return Unreadable(
            reader.name,
            message_of(error),
            error.sqlstate == _FORBIDDEN,
            error.sqlstate in _NO_TABLE,
        )
    return RangeDigest(int(found[0][0]), int(found[0][1]))


async def read_ranges(
    reader: DatabaseReader, wanted: Sequence[tuple[RowSet, Range]], *, sums: bool
) -> list[RangeDigest | Unreadable]:
    """The same of several, in one round trip; one by one if that fails. Raises VerifyStopped."""
    queries = [range_query(rows, span, sums=sums, end=reader.name) for rows, span in wanted]

    async def at_once(connection: Connection) -> list[RangeDigest | Unreadable]:
        return [RangeDigest(*map(int, found)) for (found,) in await batch(connection, queries)]

    if len(wanted) > 1:
        try:
            return await reader.run(at_once)
        except Error as error:
            if is_transient(error):
                raise
    return [await read_range(reader, rows, span, sums=sums) for rows, span in wanted]


def of_chunk(rows: RowSet, chunk: Chunk) -> RowSet:
    """The rows of one chunk; a SELECT from a compressed chunk decompresses too."""
    return replace(
        rows,
        schema=chunk.schema,
        table=chunk.name,
        bytes=chunk.bytes,
        dimension=None,
        chunks=(),
        target=None,
        points=(),
    )
