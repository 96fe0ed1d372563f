"""Native servers that the environment names, and databases of a test's own on them."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from uuid import uuid4

import pytest
from psycopg import sql
from psycopg.errors import InsufficientPrivilege, ObjectInUse

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


@asynccontextmanager
async def database(server: Endpoint, template: str = "") -> AsyncIterator[Endpoint]:
    """A database of a test's own on a server, like another one or empty; gone at the end."""
    end = on(server, f"tswizard_test_{uuid4().hex[:12]}")
    create = sql.SQL("CREATE DATABASE {}").format(_name(end))
    if template:
        create += sql.SQL(" TEMPLATE {}").format(sql.Identifier(template))
    async with connected(server) as connection:
        await _until_free(connection, create)
    try:
        if not template:
            async with connected(end) as connection:
                await connection.execute("CREATE EXTENSION IF NOT EXISTS timescaledb SCHEMA public")
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
    """Let nobody into a database any more, so that it can be a template; its name."""
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
async def databases() -> AsyncIterator[tuple[Endpoint, Endpoint]]:
    """A source and a target of a test's own; skips when no servers are named."""
    source, target = named(SOURCE), named(TARGET)
    async with database(source) as here, database(target) as there:
        yield here, there


async def community(*ends: Endpoint) -> bool:
    """Have all of them more than TimescaleDB's Apache edition?"""
    for end in ends:
        async with connected(end) as connection:
            if await value(connection, "SHOW timescaledb.license") != "timescale":
                return False
    return True


async def need_community(*ends: Endpoint) -> None:
    """Skips on servers that have neither compression nor continuous aggregates nor policies."""
    if not await community(*ends):
        pytest.skip("the servers have TimescaleDB's Apache edition")
