"""How far each part of the schema's restore came, recorded on the target itself.

A restore is not one transaction. A part that this run began and did not finish is restored from
the start, dropping first what it had created; a finished one is never touched again.
"""

from typing import Literal

from tswizard.core.db.connection import Connection, rows, value

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
    if await value(target, "SELECT pg_catalog.to_regclass('_tswizard.schema_restore')") is None:
        return None
    query = "SELECT state FROM _tswizard.schema_restore WHERE run = %s AND part = %s"
    found = await rows(target, query, (run, part))
    return str(found[0][0]) if found else None


async def write_restore_state(target: Connection, run: str, part: str, state: RestoreState) -> None:
    """Record it, in a transaction of its own."""
    async with target.transaction():
        await target.execute("CREATE SCHEMA IF NOT EXISTS _tswizard")
        await target.execute(_TABLE)
        await target.execute(_WRITE, (run, part, state))
