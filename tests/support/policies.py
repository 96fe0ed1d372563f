"""A source with jobs of every kind (`policies_jobs.sql`), and a target with the tables alone."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.support.embedded import small_pair
from tests.support.native import databases
from tswizard.core.catalog.catalog_shape import read_shape
from tswizard.core.catalog.inventory import Job
from tswizard.core.catalog.jobs import read_jobs
from tswizard.core.db.connection import connected
from tswizard.core.db.endpoint import Endpoint

_HERE = Path(__file__).parent


@dataclass(frozen=True)
class PolicyEnds:
    """Both ends."""

    source: Endpoint
    target: Endpoint


@asynccontextmanager
async def policy_ends(*, native: bool) -> AsyncIterator[PolicyEnds]:
    """Both ends, embedded or on the native servers."""
    if native:
        async with databases(community=True) as (source, target):
            yield await _filled(source, target)
        return
    async with small_pair() as pair:
        source = Endpoint.parse(pair.source_conninfo, password=pair.source_password)
        target = Endpoint.parse(pair.target_conninfo, password=pair.target_password)
        await run_statements(source, _FORGET)
        yield await _filled(source, target)


_FORGET = "SELECT delete_job(job_id) FROM timescaledb_information.jobs WHERE job_id >= 1000"
"""The sample's own jobs would need the sample's tables on the target."""


async def _filled(source: Endpoint, target: Endpoint) -> PolicyEnds:
    for end in (source, target):
        await run_statements(end, *_statements("policies_tables.sql"))
    await run_statements(source, *_statements("policies_jobs.sql"))
    return PolicyEnds(source, target)


def _statements(name: str) -> list[str]:
    return (_HERE / name).read_text(encoding="utf-8").strip().split(";\n")


async def run_statements(end: Endpoint, *statements: str) -> None:
    """Statements on one end, each by itself."""
    async with connected(end) as connection:
        await connection.execute("SET search_path = public, pg_catalog")
        await connection.execute("SET client_min_messages = error")
        for statement in statements:
            await connection.execute(statement.encode())


async def jobs_of(end: Endpoint) -> tuple[Job, ...]:
    """All jobs of the user there."""
    async with connected(end) as connection:
        await connection.execute("SET TimeZone = 'UTC'")
        return await read_jobs(connection, await read_shape(connection))
