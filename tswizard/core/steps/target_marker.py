"""The mark on the target: whose restore this is and where it stood.

A restore is not one transaction. The mark is what tells a half-restored target that is this
run's own from anybody else's database.
"""

import socket
from dataclasses import dataclass
from typing import Literal

from psycopg import Error

from tswizard.core.catalog.own_schema import OURS, OWN_SCHEMA, read_own_schema
from tswizard.core.db.connection import Connection, batch, connected, rows
from tswizard.core.db.errors import CannotConnect
from tswizard.core.run.context import Context, failed

State = Literal["restoring", "restored"]


@dataclass(frozen=True, slots=True)
class Marker:
    run: str
    state: str
    extensions: tuple[str, ...] = ()
    """Extensions that were there before the restore."""
    host: str = ""
    """The machine that restores; empty when it is not known."""


# A mark may have been made before it named the machine.
_READ = """
SELECT run, state, extensions, COALESCE(pg_catalog.to_jsonb(r) ->> 'host', '')
FROM _tswizard.run r
"""


_ERASE = f"""
DO $erase$
BEGIN
  IF EXISTS (SELECT FROM pg_catalog.pg_namespace n WHERE n.nspname = '{OWN_SCHEMA}' AND {OURS}) THEN
    DROP SCHEMA {OWN_SCHEMA} CASCADE;
  END IF;
END $erase$
"""


async def tables_there(target: Connection) -> frozenset[str]:
    """Names of the tables in our schema; none where there is no such schema.

    Raises StepFailed if it is somebody else's, who may not lose it.
    """
    schema = await read_own_schema(target)
    if schema.taken:
        raise failed(
            "schema-taken",
            f"The target has a schema {OWN_SCHEMA} that {schema.taken}.",
            where=f"schema {OWN_SCHEMA}",
            why="tswizard keeps its ledger in a schema of that name.",
            todo="Rename that schema, or connect as its owner if an earlier run created it; then "
            "resume.",
        )
    return schema.tables


async def read(target: Connection) -> Marker | None:
    """The mark on this target; None when there is none."""
    if "run" not in (await read_own_schema(target)).tables:
        return None
    found = await rows(target, _READ)
    if not found:
        return None
    run, state, extensions, host = found[0]
    return Marker(run, state, tuple(extensions), host)


async def write(target: Connection, run: str, state: State) -> None:
    """Mark the target as this run's. That our schema is not taken is to be known
    (`tables_there`)."""
    mark = (
        "INSERT INTO _tswizard.run "
        "SELECT %s, %s, array(SELECT extname::text FROM pg_catalog.pg_extension), %s "
        "ON CONFLICT (run) DO UPDATE SET state = excluded.state"
    )
    create = (
        "CREATE TABLE IF NOT EXISTS _tswizard.run "
        "(run text PRIMARY KEY, state text NOT NULL, extensions text[] NOT NULL, host text)"
    )
    values = (run, state, socket.gethostname())
    await batch(target, ("CREATE SCHEMA IF NOT EXISTS _tswizard", create, (mark, values)))


async def erase(target: Connection) -> None:
    """Take our schema away, and no other of that name; the target is the user's alone from here
    on."""
    await target.execute(_ERASE)


async def remove_record(ctx: Context, *, keep: str = "") -> tuple[tuple[str, str], ...]:
    """Remove schema _tswizard at the end of a run; what is left to the user when it stays, be it
    because it is to be kept (and why) or because it could not be removed."""
    if keep:
        return _left(keep)
    try:
        async with connected(ctx.task.target) as target:
            await erase(target)
    except (CannotConnect, Error) as error:
        ctx.say(f"the schema {OWN_SCHEMA} is still on the target: {error}")
        return _left(
            f"Schema {OWN_SCHEMA} on the target could not be removed; drop it when it is no longer "
            "needed"
        )
    return ()


def _left(what: str) -> tuple[tuple[str, str], ...]:
    return ((what, f"DROP SCHEMA {OWN_SCHEMA} CASCADE;"),)
