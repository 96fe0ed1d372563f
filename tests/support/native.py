"""Native servers that the environment names, and databases of a test's own on them."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from uuid import uuid4

import pytest
from psycopg import sql
from psycopg.errors import InsufficientPrivilege, ObjectInUse, UndefinedObject

from tswizard.core.catalog.catalog_shape import read_shape
from tswizard.core.db.connection import Connection, connected, value
from tswizard.core.db.endpoint import Endpoint

SOURCE = "TSWIZARD_TEST_SOURCE"
TARGET = "TSWIZARD_TEST_TARGET"


def named(variable: str) -> Endpoint:
    """The server that an environment variable names; skips without it."""
    if not os.environ.get(variable):
        pytest.skip(f"{variable} names no server")
    return Endpoint.parse(os.environ[variable])


# With the extension, and closed: `.ci/native-pair` makes one.
_PREPARED = "SELECT true FROM pg_catalog.pg_database WHERE datname = 'with_timescaledb'"


@asynccontextmanager
async def database(
    server: Endpoint, template: str = "", *, community: bool = False
) -> AsyncIterator[Endpoint]:
    """A database of a test's own on a server, like another one or empty; gone at the end.

    Skips if it needs TimescaleDB's community edition and the server has the other one.
    """
    if community:  # before anything is created, where the server's own database can tell
        await need_community(server)
    end = on(server, f"tswizard_test_{uuid4().hex[:12]}")
    create = sql.SQL("CREATE DATABASE {}").format(_name(end))
    async with connected(server) as connection:
        if not template and await value(connection, _PREPARED):
            template = "with_timescaledb"
        if template:
            create += sql.SQL(" TEMPLATE {}").format(sql.Identifier(template))
        await _until_free(connection, create)
    try:
        if not template:
            async with connected(end) as connection:
                await connection.execute("CREATE EXTENSION IF NOT EXISTS timescaledb SCHEMA public")
        if community:
            await need_community(end)
        yield end
    finally:
        drop = sql.SQL("DROP DATABASE {} WITH (FORCE)").format(_name(end))
        async with connected(server) as connection:
            await _until_free(connection, drop)


async def _until_free(connection: Connection, command: sql.Composed) -> None:
    """Try until autovacuum, TimescaleDB's launcher and whoever is about to end have left."""
    async with asyncio.timeout(600):
        while True:
            try:
                await connection.execute(command)
            except (InsufficientPrivilege, ObjectInUse):
                await asyncio.sleep(0.1)
            else:
                return


def on(server: Endpoint, name: str) -> Endpoint:
    """Another database of a server."""
    return replace(server, params=tuple(sorted({**dict(server.params), "dbname": name}.items())))


def _name(end: Endpoint) -> sql.Identifier:
    return sql.Identifier(dict(end.params)["dbname"])


async def freeze(server: Endpoint, end: Endpoint) -> str:
    """Let nobody into a database anymore, so that it can be a template; its name."""
    async with connected(end) as connection:
        shape = await read_shape(connection)
        stop = sql.Identifier(*shape.function("stop_background_workers").split("."))
        await connection.execute(sql.SQL("SELECT {}()").format(stop))
    shut = sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS false").format(_name(end))
    async with connected(server) as connection, asyncio.timeout(600):
        await connection.execute(shut)
        name = dict(end.params)["dbname"]
        while await value(connection, _INSIDE, (name,)):
            await asyncio.sleep(0.05)
    return name


_INSIDE = "SELECT count(*) FROM pg_stat_activity WHERE datname = %s"


@asynccontextmanager
async def databases(*, community: bool = False) -> AsyncIterator[tuple[Endpoint, Endpoint]]:
    """A source and a target of a test's own; skips when no servers are named, or if it needs
    TimescaleDB's community edition and they have the other one."""
    source, target = named(SOURCE), named(TARGET)
    async with (
        database(source, community=community) as here,
        database(target, community=community) as there,
    ):
        yield here, there


async def edition(end: Endpoint) -> str:
    """`timescale` is the community edition, `apache` has neither compression nor continuous
    aggregates nor policies; empty where the database does not have the extension."""
    async with connected(end) as connection:
        try:
            return str(await value(connection, "SHOW timescaledb.license"))
        except UndefinedObject:
            return ""


async def community(*ends: Endpoint) -> bool:
    """Have all of them the community edition?"""
    return {await edition(end) for end in ends} == {"timescale"}


async def need_community(*ends: Endpoint) -> None:
    """Skips if one of them has TimescaleDB's Apache edition."""
    for end in ends:
        if await edition(end) == "apache":
            pytest.skip("the servers have TimescaleDB's Apache edition")
