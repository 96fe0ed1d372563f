"""Sequences and their values, which are not in the catalog.

Sequences are not transactional: a value is the current one whatever the snapshot, so one that is
read after the rows is never behind them.
"""

from collections.abc import Iterable

from psycopg import sql

from tswizard.core.catalog.inventory import Sequence
from tswizard.core.catalog.tables import NOT_USERS, READABLE, not_member
from tswizard.core.db.connection import Connection, rows

_BATCH = 500
"""Sequences in one query."""

_SEQUENCES = f"""
SELECT n.nspname::text, c.relname::text, s.seqstart,
  pg_catalog.has_schema_privilege(n.oid, 'USAGE')
    AND pg_catalog.has_sequence_privilege(c.oid, 'SELECT')
FROM pg_catalog.pg_sequence s
JOIN pg_catalog.pg_class c ON c.oid = s.seqrelid
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE c.relpersistence <> 't' AND {READABLE} AND {NOT_USERS} AND {not_member("pg_class", "c.oid")}
ORDER BY 1, 2
"""


async def read_sequences(connection: Connection) -> tuple[Sequence, ...]:
    """Every sequence of the user with its value; on a standby without those of unlogged tables."""
    found = await rows(connection, _SEQUENCES)
    values = await read_sequence_values(
        connection, ((schema, name) for schema, name, _start, readable in found if readable)
    )
    sequences = []
    for schema, name, start, readable in found:
        last_value, is_called = values.get((schema, name), (start, False))
        sequences.append(
            Sequence(
                schema=schema,
                name=name,
                last_value=last_value,
                is_called=is_called,
                readable=readable,
            )
        )
    return tuple(sequences)


async def read_sequence_values(
    connection: Connection, names: Iterable[tuple[str, str]]
) -> dict[tuple[str, str], tuple[int, bool]]:
    """(schema, name) -> (last_value, is_called) of sequences that this role may read."""
    found: dict[tuple[str, str], tuple[int, bool]] = {}
    wanted = list(names)
    for first in range(0, len(wanted), _BATCH):
        batch = wanted[first : first + _BATCH]
        query = sql.SQL(" UNION ALL ").join(
            sql.SQL("SELECT {}::int, last_value, is_called FROM {}").format(
                sql.Literal(number), sql.Identifier(schema, name)
            )
            for number, (schema, name) in enumerate(batch)
        )
        for number, last_value, is_called in await rows(connection, query):
            found[batch[number]] = last_value, is_called
    return found
