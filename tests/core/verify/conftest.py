"""A migrated pair for the tests of this folder."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from psycopg import sql

from tests.support.embedded import pair_of_superusers
from tests.support.migrated_pair import Migrated, migrate
from tswizard.core.catalog.read import read_inventory, read_server
from tswizard.core.db.connection import connected, rows
from tswizard.core.db.endpoint import Endpoint
from tswizard.core.verify.request import VerifyJob
from tswizard.core.verify.rows.write_counters import read_counters
from tswizard.core.verify.schema.sequences import read_sequence_states

_LOG = "_timescaledb_catalog.continuous_aggs_hypertable_invalidation_log"
_ONE_OF_EACH = Path(__file__).parents[2] / "support" / "one_of_each_kind.sql"


@pytest_asyncio.fixture(scope="package", loop_scope="package")
async def migrated(
    prepared_sample: None, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Migrated]:
    """The demo's sample and one of every other kind, migrated. Tests leave it as they find it."""
    async with pair_of_superusers() as pair:
        source = Endpoint.parse(pair.source_conninfo, password=pair.source_password)
        target = Endpoint.parse(pair.target_conninfo, password=pair.target_password)
        async with connected(source) as connection:
            await connection.execute("SET search_path = public")
            await connection.execute(_ONE_OF_EACH.read_text(encoding="utf-8"))
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
