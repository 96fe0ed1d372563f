"""Databases on native servers whose owner is what the managed cloud's `tsdbadmin` is: no superuser,
the extension is somebody else's, and a few rights that only the service grants."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from pathlib import Path

from psycopg import sql
from psycopg.errors import DuplicateObject, UniqueViolation

from tests.support.native import SOURCE, TARGET, database, freeze, named, need_community
from tswizard.core.db.connection import connected, rows
from tswizard.core.db.endpoint import Endpoint
from tswizard.core.db.versions import version_key

ROLE = "tswizard_cloudlike"
PASSWORD = "cloudlike"
_HERE = Path(__file__).parent


async def _role(server: Endpoint) -> None:
    # Both or neither, whoever else creates it at this time.
    create = (
        f"CREATE ROLE {ROLE} LOGIN CREATEDB CREATEROLE PASSWORD '{PASSWORD}';"
        f" GRANT pg_read_all_stats, pg_signal_backend TO {ROLE} WITH ADMIN OPTION"
    )
    async with connected(server) as superuser:
        with suppress(DuplicateObject, UniqueViolation):
            await superuser.execute(create.encode())


async def _newest_extension(end: Endpoint) -> None:
    """The newest version that the server offers, whatever its default is."""
    query = "SELECT version FROM pg_available_extension_versions WHERE name = 'timescaledb'"
    async with connected(end) as superuser:
        newest = max((version for (version,) in await rows(superuser, query)), key=version_key)
        await superuser.execute("DROP EXTENSION timescaledb CASCADE")
    async with connected(end) as superuser:
        create = sql.SQL("CREATE EXTENSION timescaledb SCHEMA public VERSION {}")
        await superuser.execute(create.format(sql.Literal(newest)))


@asynccontextmanager
async def cloudlike_database(server: Endpoint, template: str = "") -> AsyncIterator[Endpoint]:
    """A database of a test's own, as its owner sees it; gone at the end."""
    await _role(server)
    async with database(server, template) as end:
        if not template:
            await _newest_extension(end)
        async with connected(end) as superuser:
            name = sql.Identifier(dict(end.params)["dbname"])
            await superuser.execute(
                sql.SQL("ALTER DATABASE {} OWNER TO {}").format(name, sql.Identifier(ROLE))
            )
            if not template:
                text = (_HERE / "cloudlike.sql").read_text().format(role=ROLE)
                for statement in text.split(";\n"):
                    await superuser.execute(statement.encode())
        yield as_owner(end)


def as_owner(end: Endpoint) -> Endpoint:
    """The same database for the role of its owner."""
    params = {**dict(end.params), "user": ROLE}
    return replace(end, params=tuple(sorted(params.items())), password=PASSWORD)


def as_superuser(end: Endpoint, server: Endpoint) -> Endpoint:
    """The same database for the superuser that the environment names."""
    params = {**dict(server.params), "dbname": dict(end.params)["dbname"]}
    return replace(server, params=tuple(sorted(params.items())))


async def fill(end: Endpoint) -> None:
    """Create the sample there, as this role."""
    async with connected(end) as owner:
        await owner.execute("SET search_path = public")
        for statement in (_HERE / "cloudlike_sample.sql").read_text().split(";\n"):
            await owner.execute(statement.encode())


@asynccontextmanager
async def filled_template() -> AsyncIterator[str]:
    """A database of the source with the sample in it, to be copied; skips without servers."""
    server = named(SOURCE)
    named(TARGET)
    await need_community(server)
    async with cloudlike_database(server) as end:
        await need_community(end)
        await fill(end)
        yield await freeze(server, as_superuser(end, server))


@asynccontextmanager
async def cloudlike_pair(template: str) -> AsyncIterator[tuple[Endpoint, Endpoint]]:
    """A copy of the filled template on the source, and an empty database on the target."""
    async with (
        cloudlike_database(named(SOURCE), template) as source,
        cloudlike_database(named(TARGET)) as target,
    ):
        yield source, target
