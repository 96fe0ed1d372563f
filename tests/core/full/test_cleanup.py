"""A target is emptied by a role that does not own TimescaleDB, as on Timescale Cloud."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from uuid import uuid4

import pytest
from psycopg import sql
from psycopg.errors import InsufficientPrivilege

from tests.support.native import TARGET, database, named
from tswizard.core.db.connection import connected, rows, value
from tswizard.core.db.endpoint import Endpoint
from tswizard.core.full.cleanup import empty

pytestmark = pytest.mark.native

_GRANTS = """
GRANT USAGE, CREATE ON SCHEMA _timescaledb_internal, _timescaledb_catalog, _timescaledb_config,
  _timescaledb_cache TO {role};
GRANT ALL ON ALL TABLES IN SCHEMA _timescaledb_internal, _timescaledb_catalog, _timescaledb_config,
  _timescaledb_cache TO {role};
GRANT ALL ON ALL SEQUENCES IN SCHEMA _timescaledb_internal, _timescaledb_catalog,
  _timescaledb_config, _timescaledb_cache TO {role};
GRANT SET ON PARAMETER timescaledb.restoring TO {role};
GRANT CREATE ON SCHEMA public TO {role}
"""

_FILLING = (
    'CREATE TABLE public."Read ings" (at timestamptz NOT NULL, device int, value float8)',
    "SELECT public.create_hypertable('public.\"Read ings\"', 'at', "
    "chunk_time_interval => INTERVAL '1 day')",
    "INSERT INTO public.\"Read ings\" SELECT '2024-01-01 00:00+00'::timestamptz "
    "+ n * INTERVAL '7 hours', n FROM generate_series(1, 100) n",
    "CREATE TYPE public.mood AS ENUM ('sad', 'ok')",
    "CREATE SCHEMA other",
    'CREATE VIEW other.seen AS SELECT * FROM public."Read ings"',
)

_CATALOG = """
SELECT c.oid::regclass::text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname IN ('_timescaledb_catalog', '_timescaledb_config') AND c.relkind = 'r'
ORDER BY 1
"""


@asynccontextmanager
async def owned_by_a_cloud_role(*, grants: bool) -> AsyncIterator[Endpoint]:
    """A database whose owner is no superuser, with TimescaleDB created by a superuser."""
    server = named(TARGET)
    role = f"tswizard_cloud_{uuid4().hex[:8]}"
    name = sql.Identifier(role)
    async with database(server) as end, connected(end) as superuser:
        await superuser.execute(sql.SQL("CREATE ROLE {} LOGIN PASSWORD 'cloud'").format(name))
        try:
            database_name = sql.Identifier(dict(end.params)["dbname"])
            await superuser.execute(
                sql.SQL("ALTER DATABASE {} OWNER TO {}").format(database_name, name)
            )
            for statement in _GRANTS.strip().split(";\n") if grants else ():
                await superuser.execute(sql.SQL(statement).format(role=name))
            params = {**dict(end.params), "user": role}
            yield replace(end, params=tuple(sorted(params.items())), password="cloud")
        finally:
            await superuser.execute(
                sql.SQL("REVOKE ALL ON PARAMETER timescaledb.restoring FROM {}").format(name)
                if grants
                else "SELECT 1"
            )
            await superuser.execute(sql.SQL("DROP OWNED BY {} CASCADE").format(name))
            await superuser.execute(
                sql.SQL("ALTER DATABASE {} OWNER TO CURRENT_USER").format(database_name)
            )
            await superuser.execute(sql.SQL("DROP ROLE {}").format(name))


async def contents(end: Endpoint) -> dict[str, list[str]]:
    """All of TimescaleDB's own rows."""
    async with connected(end) as connection:
        return {
            table: [text for (text,) in await rows(connection, f"SELECT t::text FROM {table} t")]
            for (table,) in await rows(connection, _CATALOG)
        }


async def test_the_catalog_is_as_in_a_fresh_database() -> None:
    async with owned_by_a_cloud_role(grants=True) as end:
        fresh = await contents(end)
        async with connected(end) as connection:
            query = "SELECT extversion FROM pg_extension WHERE extname = 'timescaledb'"
            version = str(await value(connection, query))
        for _ in range(2):  # also what a new restore would do there
            async with connected(end) as connection:
                for statement in _FILLING:
                    await connection.execute(statement.encode())
            assert await contents(end) != fresh
            assert await empty(end, "public", version, ("plpgsql", "timescaledb")) == []
            assert await contents(end) == fresh
        async with connected(end) as connection:
            assert await value(connection, "SELECT to_regtype('public.mood')") is None
            assert await value(connection, "SELECT to_regnamespace('other')") is None


async def test_a_role_that_may_not_is_refused() -> None:
    async with owned_by_a_cloud_role(grants=False) as end:
        with pytest.raises(InsufficientPrivilege):
            await empty(end, "public", "2", ("plpgsql", "timescaledb"))
