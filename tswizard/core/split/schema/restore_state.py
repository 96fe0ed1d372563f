"""How far each part of the schema's restore came, recorded on the target itself.

A restore is not one transaction. A part that this run began and did not finish is restored from
the start, dropping first what it had created; a finished one is never touched again.
"""

from typing import Literal

from psycopg.errors import InvalidSchemaName, UndefinedTable

from tswizard.core.db.connection import Connection, batch, rows

RestoreState = Literal["begun", "done"]

_TABLE = """
CREATE TABLE IF NOT EXISTS _tswizard.schema_restore (
  run text, part text, state text NOT NULL, PRIMARY KEY (run, part))
"""

_WRITE = """
INSERT INTO _tswizard.schema_restore (run, part, state) VALUES (%s, %s, %s)
ON CONFLICT (run, part) DO UPDATE SET state = excluded.state
"""


async def read_restore_state(target: Connection, run: str, part: str) -> str | None:
    """The state of this run's restore of a part; None when it was not begun."""
    query = "SELECT state FROM _tswizard.schema_restore WHERE run = %s AND part = %s"
    try:
        found = await rows(target, query, (run, part))
    except (InvalidSchemaName, UndefinedTable):
        return None
    return str(found[0][0]) if found else None


async def write_restore_state(target: Connection, run: str, part: str, state: RestoreState) -> None:
    """Record it, in a transaction of its own."""
    schema = "CREATE SCHEMA IF NOT EXISTS _tswizard"
    await batch(target, (schema, _TABLE, (_WRITE, (run, part, state))))
