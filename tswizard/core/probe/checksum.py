"""Times what the check will do with a sample: count its rows and sum them up, on the source."""

import time

from psycopg import Error, sql

from tswizard.core.db.connection import Connection, connected, rows
from tswizard.core.model.prepared import Prepared
from tswizard.core.model.probed import Sample, SampleKind, SampleRelation, Timed, Timing
from tswizard.core.probe.limits import limit_statements, refused
from tswizard.core.verify.rows.checksum import checksum
from tswizard.core.verify.rows.row_sets import read_checksum_columns

_SHARE = 64 << 20
"""Bytes of the sample that are read, each row once."""


async def time_checksum(prepared: Prepared, sample: Sample) -> Timing:
    """Count and sum of about `_SHARE` bytes. Raises TimingRefused, CannotConnect."""
    async with connected(prepared.source, row_security=False) as connection:
        try:
            await limit_statements(connection)
            return await _timed(connection, sample)
        except Error as error:
            raise refused(f"The rows of {sample.label} cannot be summed up", error) from error


async def _timed(connection: Connection, sample: Sample) -> Timing:
    seconds, counted, stored, pieces = 0.0, 0, 0, 0
    for relation in sample.relations:
        share = _SHARE - stored
        if share <= 0:
            break
        size = relation.uncompressed or relation.bytes
        limit = int(relation.rows * share / size) + 1 if relation.rows and size > share else None
        query = await _query(connection, sample, relation, limit)
        began = time.monotonic()
        found = await rows(connection, query)
        seconds += time.monotonic() - began
        counted += found[0][0]
        pieces += 1
        stored += min(size, share) if limit else size
    return Timing(
        what=Timed.CHECKSUM,
        kind=sample.kind,
        table=sample.label,
        connections=1,
        bytes=stored,
        stored=stored,
        rows=counted,
        seconds=max(seconds, 1e-3),
        pieces=max(1, pieces),
    )


async def _query(
    connection: Connection, sample: Sample, relation: SampleRelation, limit: int | None
) -> sql.Composed:
    name = sql.Identifier(relation.schema, relation.name)
    found = await rows(connection, "SELECT %s::regclass::oid::bigint", (name.as_string(None),))
    oid = int(found[0][0])
    columns = (await read_checksum_columns(connection, [oid])).get(oid, ())
    only = sql.SQL("ONLY " if sample.kind is SampleKind.TABLE else "")
    some = sql.SQL("SELECT * FROM {}{}").format(only, name)
    if limit is not None:
        some += sql.SQL(" LIMIT {}").format(sql.Literal(limit))
    return sql.SQL("SELECT pg_catalog.count(*), {} FROM ({}) t").format(checksum(columns), some)
