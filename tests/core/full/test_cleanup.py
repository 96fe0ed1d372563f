"""A target is emptied by a role that does not own TimescaleDB, as on Timescale Cloud."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from uuid import uuid4

import pytest
from psycopg import sql
from psycopg.errors import InsufficientPrivilege

from tests.support.native import SOURCE, TARGET, database, named
from tswizard.core.db.connection import connected, rows, value
from tswizard.core.db.endpoint import Endpoint
from tswizard.core.full.cleanup import empty
from tswizard.core.full.default_privileges import reset_default_privileges
from tswizard.core.full.other_objects import other_objects

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

_VERSION = "SELECT extversion FROM pg_extension WHERE extname = 'timescaledb'"
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
            version = str(await value(connection, _VERSION))
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


async def test_what_the_platform_has_put_there_stays() -> None:
    async with owned_by_a_cloud_role(grants=True) as end:
        superuser = named(TARGET)
        params = {**dict(superuser.params), "dbname": dict(end.params)["dbname"]}
        platform = replace(superuser, params=tuple(sorted(params.items())))
        async with connected(platform) as connection:
            await connection.execute("CREATE SCHEMA platform")
            await connection.execute(
                "CREATE FUNCTION platform.health() RETURNS int LANGUAGE sql AS 'SELECT 1'"
            )
        async with connected(end) as connection:
            await connection.execute("CREATE TYPE public.pair AS (a int, b text)")
            version = str(await value(connection, _VERSION))
        assert await empty(end, "public", version, ("plpgsql", "timescaledb")) == []
        async with connected(platform) as connection:
            assert await value(connection, "SELECT to_regtype('public.pair')") is None
            assert await value(connection, "SELECT to_regproc('platform.health')") is not None


_OF_EACH_KIND = (
    "CREATE TYPE public.pair AS (a int, b text)",
    "CREATE FOREIGN DATA WRAPPER files",
    "CREATE ACCESS METHOD pile TYPE TABLE HANDLER heap_tableam_handler",
    "CREATE CONVERSION public.conv FOR 'LATIN1' TO 'UTF8' FROM iso8859_1_to_utf8",
    "CREATE OPERATOR FAMILY public.family USING btree",
    'CREATE OPERATOR CLASS public."Class" FOR TYPE int8 USING hash AS OPERATOR 1 =,'
    " FUNCTION 1 hashint8(int8)",
    "CREATE TEXT SEARCH TEMPLATE public.template (LEXIZE = dsimple_lexize, INIT = dsimple_init)",
    "CREATE TEXT SEARCH PARSER public.parser (START = prsd_start, GETTOKEN = prsd_nexttoken,"
    " END = prsd_end, LEXTYPES = prsd_lextype)",
    "CREATE TRUSTED LANGUAGE mine HANDLER plpgsql_call_handler",
)


async def test_every_kind_of_object_goes() -> None:
    async with database(named(TARGET)) as end:
        async with connected(end) as connection:
            version = str(await value(connection, _VERSION))
            before = await other_objects(connection)
            for statement in _OF_EACH_KIND:
                await connection.execute(statement.encode())
            assert len(await other_objects(connection)) >= len(before) + len(_OF_EACH_KIND)
        assert await empty(end, "public", version, ("plpgsql", "timescaledb")) == []
        async with connected(end) as connection:
            assert await other_objects(connection) == []


async def test_default_privileges_that_the_source_has_are_undone() -> None:
    default = "ALTER DEFAULT PRIVILEGES "
    restored = (
        f"{default}GRANT SELECT ON TABLES TO pg_monitor",
        f"{default}IN SCHEMA public GRANT SELECT ON SEQUENCES TO pg_monitor",
        f"{default}REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC",
    )
    of_the_target = f"{default}IN SCHEMA public GRANT SELECT ON TABLES TO pg_monitor"
    held = "SELECT array_agg(defaclacl::text ORDER BY 1) FROM pg_default_acl"
    async with (
        database(named(SOURCE)) as source,
        database(named(TARGET)) as target,
        connected(source) as ours,
        connected(target) as theirs,
    ):
        await theirs.execute(of_the_target.encode())
        before = await value(theirs, held)
        for statement in restored:
            await ours.execute(statement.encode())
            await theirs.execute(statement.encode())
        assert await value(theirs, held) != before
        await reset_default_privileges(source, target)
        assert await value(theirs, held) == before


async def test_a_role_that_may_not_is_refused() -> None:
    async with owned_by_a_cloud_role(grants=False) as end:
        with pytest.raises(InsufficientPrivilege):
            await empty(end, "public", "2", ("plpgsql", "timescaledb"))
