"""Servers whose source holds what a restore in parts can lose (`hard_schema.sql`)."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.support.embedded import small_pair
from tests.support.native import databases
from tswizard.core.db.connection import connected
from tswizard.core.db.endpoint import Endpoint

SCHEMAS = ("hard", "hard_chunks")
"""Schemas that the file creates."""

_STATEMENTS = Path(__file__).with_name("hard_schema.sql")


@dataclass(frozen=True)
class Ends:
    """A source with `hard_schema.sql` in it, and an empty target."""

    source: Endpoint
    target: Endpoint


@asynccontextmanager
async def hard_ends(*, native: bool) -> AsyncIterator[Ends]:
    """Both ends, embedded or on the native servers."""
    if not native:
        async with small_pair() as pair:
            source = Endpoint.parse(pair.source_conninfo, password=pair.source_password)
            await _load(source)
            target = Endpoint.parse(pair.target_conninfo, password=pair.target_password)
            yield Ends(source, target)
        return
    async with databases(community=True) as (source, target):
        await _load(source)
        yield Ends(source, target)


async def _load(source: Endpoint) -> None:
    """Statement by statement: an ALTER TABLE meets no trigger events of an INSERT before it."""
    async with connected(source) as connection:
        await connection.execute("SET search_path = public")
        for statement in _STATEMENTS.read_text(encoding="utf-8").split(";\n"):
            await connection.execute(statement.encode())
