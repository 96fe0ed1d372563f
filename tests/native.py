"""Native servers that the environment names, and databases of a test's own on them."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from uuid import uuid4

import pytest
from psycopg import sql
from psycopg.errors import InsufficientPrivilege

from tswizard.core.connection import connected, value
from tswizard.core.endpoint import Endpoint

SOURCE = "TSWIZARD_TEST_SOURCE"
TARGET = "TSWIZARD_TEST_TARGET"


def named(variable: str) -> Endpoint:
    """The server that an environment variable names; skips without it."""
    if not os.environ.get(variable):
        pytest.skip(f"{variable} names no server")
    return Endpoint.parse(os.environ[variable])


@asynccontextmanager
async def database(server: Endpoint) -> AsyncIterator[Endpoint]:
    """A database of a test's own on a server; gone at the end."""
    name = f"tswizard_test_{uuid4().hex[:12]}"
    async with connected(server) as connection:
        await connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    end = replace(server, params=tuple(sorted({**dict(server.params), "dbname": name}.items())))
    try:
        async with connected(end) as connection:
            await connection.execute("CREATE EXTENSION IF NOT EXISTS timescaledb SCHEMA public")
        yield end
    finally:
        drop = sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name))
        async with connected(server) as connection, asyncio.timeout(60):
            while True:
                try:
                    await connection.execute(drop)
                    break
                except InsufficientPrivilege:  # autovacuum is in there
                    await asyncio.sleep(0.1)


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
    """Skips on servers that have neither compression nor aggregates nor policies."""
    if not await community(*ends):
        pytest.skip("the servers have TimescaleDB's Apache edition")
