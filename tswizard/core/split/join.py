"""Helping a run along from another process or machine: its ledger on the target is the queue."""

import asyncio
from pathlib import Path

from tswizard.core.catalog.inventory import Server
from tswizard.core.catalog.read import read_server
from tswizard.core.db.connection import Connection, connected
from tswizard.core.db.endpoint import Endpoint
from tswizard.core.run.context import failed
from tswizard.core.split.copy.copy_job import CopyJob
from tswizard.core.split.copy.reporter import Hands
from tswizard.core.split.copy.snapshot import Moments
from tswizard.core.split.copy.workers import open_target, work
from tswizard.core.split.ledger import queue
from tswizard.core.split.ledger.leader_lock import Lead, taken
from tswizard.core.split.ledger.plan_store import Header, read_header
from tswizard.core.split.plan.piece import Plan

_LOOK = 1.0
"""Seconds between looks for something to do."""


async def read_run(target: Endpoint) -> Header:
    """The run on a target: with its source's conninfo, which has no password.

    Raises StepFailed when there is none, CannotConnect.
    """
    async with connected(target) as connection:
        header = await read_header(connection)
    if header is None:
        raise failed(
            "no-run",
            "There is no run on this target that could be helped.",
            where=target.label,
            todo="A split migration can be joined while it copies.",
        )
    return header


async def join(
    source: Endpoint, target: Endpoint, psql: Path, hands: Hands, *, jobs: int, staging: Path
) -> int:
    """Copy pieces until none is left; the rest when nobody leads the run: how many.

    Raises StepFailed, CannotConnect, psycopg.Error.
    """
    header = await read_run(target)
    servers = await read_server(source), await read_server(target)
    job = _job(header, source, target, psql, servers, jobs, staging)
    moments = Moments(source, hold=job.held)
    connection = await open_target(job)

    async def ledger() -> Connection:
        return connection

    try:
        while left := await queue.waiting(connection):
            if hands.stopping.is_set():
                return left
            opened = await queue.what_is_open(connection)
            if opened is None:
                if not await taken(connection, Lead.COPY):
                    hands.say(f"nobody leads the run now; {left} pieces wait for a resume")
                    return left
                await asyncio.sleep(_LOOK)
                continue
            await moments.join(connection)
            plan = await _plan(connection)
            await work(job, plan, *opened, moments, hands, ledger)
            await asyncio.sleep(_LOOK)
        return 0
    finally:
        await moments.close()
        await connection.close()


async def _plan(target: Connection) -> Plan:
    header = await read_header(target)
    assert header is not None
    return Plan(header.tables, ())


def _job(
    header: Header,
    source: Endpoint,
    target: Endpoint,
    psql: Path,
    servers: tuple[Server, Server],
    jobs: int,
    staging: Path,
) -> CopyJob:
    ours, theirs = servers
    return CopyJob(
        source,
        target,
        header.run,
        psql,
        header.options,
        jobs,
        ours.concurrent and theirs.concurrent,
        staging,
        timescaledb_schema=theirs.timescaledb_schema or "public",
    )
