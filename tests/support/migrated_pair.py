"""A pair that the tools themselves migrated, so that the check has something to compare."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from psycopg import sql

from tswizard.core.catalog.inventory import Inventory, Server
from tswizard.core.db.client_tools import choose, find_tools
from tswizard.core.db.connection import Connection, connected, rows
from tswizard.core.db.endpoint import Endpoint, child_environment
from tswizard.core.db.passfile import passfile
from tswizard.core.verify.request import VerifyJob
from tswizard.core.verify.schema.sequences import Name, SequenceState


@dataclass(frozen=True)
class Migrated:
    """A source, and a target that holds all of it."""

    source: Endpoint
    target: Endpoint
    inventory: Inventory
    server: Server
    job: VerifyJob
    numbers: dict[Name, SequenceState]
    """Where the target's sequences stood before any test."""
    log: list[tuple[int, int, int]]
    """The target's log of changed times, at that moment."""

    @asynccontextmanager
    async def target_connection(self) -> AsyncIterator[Connection]:
        async with connected(self.target) as connection:
            yield connection


@asynccontextmanager
async def changed(migrated: Migrated, table: str, *statements: str) -> AsyncIterator[Connection]:
    """The target with the rows of a plain table changed; afterward they are as they were."""
    name = sql.Identifier(*table.split("."))
    async with connected(migrated.target) as connection:
        columns = sql.SQL(", ").join(
            sql.Identifier(column)
            for (column,) in await rows(
                connection,
                "SELECT attname FROM pg_catalog.pg_attribute WHERE attrelid = %s::regclass "
                "AND attnum > 0 AND NOT attisdropped AND attgenerated = ''",
                (table,),
            )
        )
        # The check leaves this schema out.
        await connection.execute("CREATE SCHEMA _tswizard")
        kept = sql.SQL("CREATE TABLE _tswizard.kept AS SELECT {} FROM ONLY {}")
        await connection.execute(kept.format(columns, name))
        try:
            for statement in statements:
                await connection.execute(statement)
            yield connection
        finally:
            await connection.execute(sql.SQL("DELETE FROM ONLY {}").format(name))
            put_back = sql.SQL("INSERT INTO {} ({}) SELECT * FROM _tswizard.kept")
            await connection.execute(put_back.format(name, columns))
            await connection.execute("DROP SCHEMA _tswizard CASCADE")


async def migrate(source: Endpoint, target: Endpoint, folder: Path) -> None:
    """Dump, timescaledb_pre_restore, restore, timescaledb_post_restore."""
    tools = choose(find_tools(), 17, need_tls=False)
    assert tools is not None
    dump = folder / "dump"
    await _run(
        source, tools.pg_dump, "--format=custom", "--compress=0", f"--file={dump}", source.conninfo
    )
    async with connected(target) as connection:
        await connection.execute("SELECT public.timescaledb_pre_restore()")
    await _run(target, tools.pg_restore, "--no-owner", f"--dbname={target.conninfo}", str(dump))
    async with connected(target) as connection:
        await connection.execute("SELECT public.timescaledb_post_restore()")


async def _run(endpoint: Endpoint, tool: Path, *args: str) -> None:
    with passfile(endpoint) as path:
        process = await asyncio.create_subprocess_exec(
            tool,
            "--no-password",
            *args,
            env=child_environment(os.environ, path),
            stdin=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
        )
        _, stderr = await process.communicate()
    assert process.returncode == 0, stderr.decode()
