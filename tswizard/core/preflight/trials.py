"""What only trying tells: SQL on the two ends, all of it taken back.

`timescaledb_pre_restore()` (sql/restoring.sql of timescaledb) runs ALTER DATABASE … SET and SET
SESSION, which a ROLLBACK undoes, and stops the database's job scheduler, which it does not: that
is a message to the launcher process. So the scheduler is started again afterwards, as
`timescaledb_post_restore()` would do it. Measured: without that it stays away until the server
restarts.
"""

import asyncio
import os
import shutil
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from psycopg import Error, sql

from tswizard.core.catalog.catalog_shape import read_shape
from tswizard.core.db.connection import Connection, connected, rows, value
from tswizard.core.db.endpoint import Endpoint
from tswizard.core.db.errors import CannotConnect, message_of

WATCH = 2.0
"""Seconds for which the source is watched for writes."""


@dataclass(frozen=True, slots=True)
class Rights:
    """May a restore be done here? `refused` is what was, in the server's words."""

    refused: tuple[tuple[str, str], ...] = ()
    """(what was tried, what the server said)."""


class _Undo(Exception):
    """Leaves a transaction by rolling it back."""


_MISSING = """
SELECT c.oid::regclass::text
FROM pg_catalog.pg_extension e
CROSS JOIN pg_catalog.unnest(e.extconfig) AS t (oid)
JOIN pg_catalog.pg_class c ON c.oid = t.oid
WHERE e.extname = 'timescaledb'
  AND NOT CASE c.relkind WHEN 'S' THEN pg_catalog.has_sequence_privilege(c.oid, 'UPDATE')
    ELSE pg_catalog.has_table_privilege(c.oid, 'INSERT') END
ORDER BY 1
"""


async def restore_rights(target: Endpoint, schema: str) -> Rights:
    """Try on an empty target what a restore does first; take it back whatever happens.

    Only for a target that is empty and not in restore mode: while this lasts (milliseconds), its
    jobs stand still.
    """
    refused: list[tuple[str, str]] = []
    async with connected(target) as connection:
        restart = (await read_shape(connection)).function("restart_background_workers")
        stopped = True  # from here on it may be, however we leave
        try:
            with suppress(_Undo):
                async with connection.transaction():
                    what = f"{schema}.timescaledb_pre_restore()"
                    stopped = await _try(connection, what, _pre(schema), refused)
                    await _try_writes(connection, refused)
                    raise _Undo
        finally:
            if stopped:
                await _start_scheduler(target, connection, restart)
    return Rights(tuple(refused))


async def _start_scheduler(target: Endpoint, connection: Connection, function: str) -> None:
    """On this connection, or on another where this one is lost."""
    with suppress(Error):
        await value(connection, f"SELECT {function}()")
        return
    with suppress(Error, CannotConnect):
        async with connected(target) as another:
            await value(another, f"SELECT {function}()")


def _pre(schema: str) -> sql.Composed:
    return sql.SQL("SELECT {}()").format(sql.Identifier(schema, "timescaledb_pre_restore"))


async def _try_writes(connection: Connection, refused: list[tuple[str, str]]) -> None:
    for what, statement in (
        (
            "create a table in _timescaledb_internal",
            "CREATE TABLE _timescaledb_internal._tswizard_probe (x int)",
        ),
        ("create a schema", "CREATE SCHEMA _tswizard_probe"),
        ("create a table in public", "CREATE TABLE public._tswizard_probe (x int)"),
    ):
        await _try(connection, what, sql.SQL(statement), refused)
    closed = [name for (name,) in await rows(connection, _MISSING)]
    if closed:
        refused.append(("write TimescaleDB's own tables", f"no INSERT on {', '.join(closed)}"))


async def _try(
    connection: Connection,
    what: str,
    statement: sql.SQL | sql.Composed,
    refused: list[tuple[str, str]],
) -> bool:
    try:
        async with connection.transaction():
            await connection.execute(statement)
    except Error as error:
        if connection.closed:
            raise
        refused.append((what, message_of(error)))
        return False
    return True


async def extension_rights(target: Endpoint, names: Sequence[str]) -> dict[str, str]:
    """Try to create each extension on the target; {name: what the server said} where refused."""
    refused: list[tuple[str, str]] = []
    async with connected(target) as connection:
        with suppress(_Undo):
            async with connection.transaction():
                await connection.execute("SET LOCAL search_path = public")
                for name in names:
                    create = sql.SQL("CREATE EXTENSION IF NOT EXISTS {} CASCADE").format(
                        sql.Identifier(name)
                    )
                    await _try(connection, name, create, refused)
                raise _Undo
    return dict(refused)


_WRITTEN = """
SELECT tup_inserted + tup_updated + tup_deleted FROM pg_catalog.pg_stat_database
WHERE datname = pg_catalog.current_database()
"""


async def rows_written(source: Endpoint, seconds: float = WATCH) -> int:
    """Rows inserted, updated or deleted on the source while we watch, by anybody."""
    async with connected(source) as connection:
        before = await value(connection, _WRITTEN)
        await asyncio.sleep(seconds)
        await value(connection, "SELECT pg_catalog.pg_stat_clear_snapshot()")
        after = await value(connection, _WRITTEN)
    return int((after or 0) - (before or 0))


async def free_on_target(target: Endpoint) -> int | None:
    """Bytes free where a target on this machine keeps its data; None where that is unknown."""
    if not target.is_local:
        return None
    async with connected(target) as connection:
        try:
            folder = await value(connection, "SELECT pg_catalog.current_setting('data_directory')")
        except Error:
            return None
    path = Path(str(folder))
    if not path.is_absolute() or not await asyncio.to_thread(os.access, path, os.F_OK):
        return None
    usage = await asyncio.to_thread(shutil.disk_usage, path)
    return usage.free
