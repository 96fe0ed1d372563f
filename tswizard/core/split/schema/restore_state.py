"""What the target itself remembers of the schema's restores: begun, or done.

A restore is no transaction. A restore that this run began and did not finish is made again from
the start, dropping first what it had made; one that is done is never touched again.
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
    """How far this run's restore of a part came; None when it was not begun."""
    if await value(target, "SELECT pg_catalog.to_regclass('_tswizard.schema_restore')") is None:
        return None
    query = "SELECT state FROM _tswizard.schema_restore WHERE run = %s AND part = %s"
    found = await rows(target, query, (run, part))
    return str(found[0][0]) if found else None


async def write_restore_state(target: Connection, run: str, part: str, state: RestoreState) -> None:
    """Remember it."""
    async with target.transaction():
        await target.execute("CREATE SCHEMA IF NOT EXISTS _tswizard")
        await target.execute(_TABLE)
        await target.execute(_WRITE, (run, part, state))
