"""Continuous aggregates on native servers of the community edition."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from tests.support.native import databases, need_community
from tswizard.core.db.connection import connected
from tswizard.core.db.endpoint import Endpoint

SAMPLE = Path(__file__).with_name("caggs.sql")


async def fill(source: Endpoint) -> None:
    """Make the sample. A refresh is a procedure with transactions of its own, so statement by
    statement."""
    async with connected(source) as connection:
        await connection.execute("SET search_path = public")
        for statement in SAMPLE.read_text().split(";\n"):
            if statement.strip():
                await connection.execute(statement.encode())


@asynccontextmanager
async def cagg_ends() -> AsyncIterator[tuple[Endpoint, Endpoint]]:
    """A source with the sample and an empty target."""
    async with databases() as (source, target):
        await need_community(source, target)
        await fill(source)
        yield source, target
