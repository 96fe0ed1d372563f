"""What compressed rows take in COPY as they are stored, counted on the source: nothing is sent."""

from psycopg import Error, sql

from tswizard.core.db.connection import Connection, connected, rows
from tswizard.core.model.prepared import Prepared
from tswizard.core.model.probed import Sample, SampleRelation
from tswizard.core.probe.limits import limit_statements, refused

_ENOUGH = 64 << 20
"""Bytes as stored that are counted."""

_COLUMNS = """
SELECT pg_catalog.array_agg(a.attname::text ORDER BY a.attnum)
FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_type t ON t.oid = a.atttypid
WHERE a.attrelid = %s::regclass AND a.attnum > 0 AND NOT a.attisdropped AND t.typsend <> 0
"""
"""Bloom filters have no binary format, and are small (docs/compressed-chunks.md)."""


async def bytes_in_copy(prepared: Prepared, sample: Sample) -> float | None:
    """Bytes of COPY for each stored byte of a sample of compressed chunks; None without any rows.

    Raises TimingRefused, CannotConnect.
    """
    moved, stored = 0, 0
    async with connected(prepared.source) as connection:
        try:
            await limit_statements(connection)
            for relation in sample.relations:
                if relation.stored_in is None or stored >= _ENOUGH:
                    continue
                moved += await _sent(connection, relation)
                stored += relation.bytes
        except Error as error:
            raise refused(f"The stored rows of {sample.label} cannot be read", error) from error
    return moved / stored if moved and stored else None


async def _sent(connection: Connection, relation: SampleRelation) -> int:
    """A record in binary format has four bytes more for each column than a row of COPY."""
    name = sql.Identifier(*relation.dumped)
    ((columns,),) = await rows(connection, _COLUMNS, (name.as_string(None),))
    row = sql.SQL("ROW({})").format(sql.SQL(", ").join(map(sql.Identifier, columns or ())))
    query = sql.SQL(
        "SELECT pg_catalog.count(*),"
        " pg_catalog.sum(pg_catalog.octet_length(pg_catalog.record_send({}))) FROM {}"
    ).format(row, name)
    ((count, total),) = await rows(connection, query)
    return int(total or 0) - 4 * len(columns or ()) * int(count)
