"""A migrated pair for the tests of this folder."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
import pytest_asyncio
from psycopg import sql

from tests.core.verify.migrate import migrate
from tswizard.core.catalog.inventory import Inventory, Server
from tswizard.core.catalog.read import read_inventory, read_server
from tswizard.core.db.connection import Connection, connected, rows
from tswizard.core.db.endpoint import Endpoint
from tswizard.core.verify.request import VerifyJob
from tswizard.core.verify.rows.write_counters import read_counters
from tswizard.core.verify.schema.sequences import Name, SequenceState, read_sequence_states
from tswizard.demo import EmbeddedPair

_LOG = "_timescaledb_catalog.continuous_aggs_hypertable_invalidation_log"
_MORE = Path(__file__).with_name("more.sql")


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
    """The target with the rows of a plain table changed; afterwards they are as they were."""
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


@pytest_asyncio.fixture(scope="package", loop_scope="package")
async def migrated(
    prepared_demo: None, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Migrated]:
    """The demo's sample and one of every other kind, migrated. Tests leave it as they find it."""
    async with EmbeddedPair.prepare_and_start() as pair:
        source = Endpoint.parse(pair.source_conninfo, password=pair.source_password)
        target = Endpoint.parse(pair.target_conninfo, password=pair.target_password)
        async with connected(source) as connection:
            await connection.execute("SET search_path = public")
            await connection.execute(_MORE.read_text(encoding="utf-8"))
            counters = await read_counters(connection)
        inventory = await read_inventory(source)
        await migrate(source, target, tmp_path_factory.mktemp("verify"))
        server = await read_server(target)
        job = VerifyJob(
            source=source,
            target=target,
            inventory=inventory,
            target_server=server,
            counters_before=counters,
        )
        async with connected(target) as connection:
            numbers = await read_sequence_states(connection)
            log = await rows(connection, f"SELECT * FROM {_LOG}")
        yield Migrated(source, target, inventory, server, job, numbers, log)


@pytest_asyncio.fixture(loop_scope="package")
async def as_it_was(migrated: Migrated) -> None:
    """Sequences know no rollback, and rows that were put back are logged as changed: whatever
    tests ran before, the target's catalog is as the migration left it."""
    async with migrated.target_connection() as connection:
        for name, at in migrated.numbers.items():
            await connection.execute(
                "SELECT setval(%s::regclass, %s, %s)",
                (sql.Identifier(*name).as_string(connection), at.last_value, at.is_called),
            )
        async with connection.transaction():
            await connection.execute(f"DELETE FROM {_LOG}")
            for logged in migrated.log:
                await connection.execute(f"INSERT INTO {_LOG} VALUES (%s, %s, %s)", logged)
