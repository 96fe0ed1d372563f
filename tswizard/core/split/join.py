"""Helping a run along from another process or machine: its ledger on the target is the queue."""

import asyncio
from pathlib import Path

from tswizard.core.catalog.inventory import Server
from tswizard.core.catalog.read import read_server
from tswizard.core.db.connection import Connection, connected
from tswizard.core.db.endpoint import Endpoint
from tswizard.core.run.context import failed
from tswizard.core.split.copy.copy_job import CopyJob
from tswizard.core.split.copy.reporter import CopyReporter
from tswizard.core.split.copy.snapshot import SnapshotHolder
from tswizard.core.split.copy.workers import open_target, work
from tswizard.core.split.ledger import queue
from tswizard.core.split.ledger.leader_lock import LeaderLock, is_held
from tswizard.core.split.ledger.plan_store import StoredPlan, read_plan
from tswizard.core.split.plan.piece import CopyPlan

_LOOK = 1.0
"""Seconds between looks for something to do."""


async def read_run(target: Endpoint) -> StoredPlan:
    """The run on a target: with its source's conninfo, which has no password.

    Raises StepFailed when there is none, CannotConnect.
    """
    async with connected(target) as connection:
        stored = await read_plan(connection)
    if stored is None:
        raise failed(
            "no-run",
            "There is no run on this target that could be helped.",
            where=target.label,
            todo="A split migration can be joined while it copies.",
        )
    return stored


async def join(
    source: Endpoint,
    target: Endpoint,
    psql: Path,
    reporter: CopyReporter,
    *,
    jobs: int,
    staging: Path,
) -> int:
    """Copy pieces until none is left; the rest when nobody leads the run: how many.

    Raises StepFailed, CannotConnect, psycopg.Error.
    """
    stored = await read_run(target)
    servers = await read_server(source), await read_server(target)
    job = _job(stored, source, target, psql, servers, jobs, staging)
    snapshots = SnapshotHolder(source, hold=job.held)
    connection = await open_target(job)

    async def ledger() -> Connection:
        return connection

    try:
        while left := await queue.count_unfinished(connection):
            if reporter.stopping.is_set():
                return left
            opened = await queue.read_open_pass(connection)
            if opened is None:
                if not await is_held(connection, LeaderLock.COPY):
                    reporter.say(f"nobody leads the run now; {left} pieces wait for a resume")
                    return left
                await asyncio.sleep(_LOOK)
                continue
            await snapshots.join(connection)
            plan = await _plan(connection)
            await work(job, plan, *opened, snapshots, reporter, ledger)
            await asyncio.sleep(_LOOK)
        return 0
    finally:
        await snapshots.close()
        await connection.close()


async def _plan(target: Connection) -> CopyPlan:
    stored = await read_plan(target)
    assert stored is not None
    return CopyPlan(stored.tables, ())


def _job(
    stored: StoredPlan,
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
        stored.run,
        psql,
        stored.options,
        jobs,
        ours.concurrent and theirs.concurrent,
        staging,
        timescaledb_schema=theirs.timescaledb_schema or "public",
    )
