"""Workers of another process or machine for a run: they share the queue on its target."""

import asyncio
from pathlib import Path

from tswizard.core.catalog.read import read_server
from tswizard.core.db.connection import Connection, connected
from tswizard.core.db.endpoint import Endpoint
from tswizard.core.model.wording import plural
from tswizard.core.run.context import failed
from tswizard.core.split.copy.copy_job import CopyJob
from tswizard.core.split.copy.reporter import CopyReporter
from tswizard.core.split.copy.snapshot import SnapshotHolder
from tswizard.core.split.copy.target_connection import open_target
from tswizard.core.split.copy.workers import run_workers
from tswizard.core.split.ledger import queue
from tswizard.core.split.ledger.leader_lock import LeaderLock, is_held
from tswizard.core.split.ledger.plan_store import StoredPlan, read_plan
from tswizard.core.split.plan.piece import CopyPlan

_POLL = 1.0
"""Seconds between looks for a pass to work on."""


async def read_run(target: Endpoint) -> StoredPlan:
    """The plan of the run on a target, with its source's conninfo, which has no password.

    Raises StepFailed if there is none, CannotConnect.
    """
    async with connected(target) as connection:
        return await _read_plan(connection, target.label)


async def _read_plan(target: Connection, where: str) -> StoredPlan:
    stored = await read_plan(target)
    if stored is None:
        raise failed(
            "no-run",
            "There is no run on this target to join.",
            where=where,
            todo="A split migration can be joined while it copies rows.",
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
    """Copy pieces until none is left; how many are left if it is stopped, or nobody leads the run.

    Raises StepFailed, CannotConnect, psycopg.Error.
    """
    stored = await read_run(target)
    ours, theirs = await read_server(source), await read_server(target)
    job = CopyJob(
        source=source,
        target=target,
        run=stored.run,
        psql=psql,
        options=stored.options,
        jobs=jobs,
        concurrent=ours.concurrent and theirs.concurrent,
        staging=staging,
        timescaledb_schema=theirs.timescaledb_schema or "public",
    )
    snapshots = SnapshotHolder(source, hold=job.holds_snapshot)
    connection = await open_target(job)

    async def ledger() -> Connection:
        return connection

    try:
        while left := await queue.count_unfinished(connection):
            if reporter.stopping.is_set():
                return left
            open_pass = await queue.read_open_pass(connection)
            if open_pass is None:
                if not await is_held(connection, LeaderLock.COPY):
                    reporter.say(
                        f"no process leads this run now; left for a resume: {plural(left, 'piece')}"
                    )
                    return left
                await asyncio.sleep(_POLL)
                continue
            await snapshots.join(connection)
            plan = CopyPlan((await _read_plan(connection, target.label)).tables, ())
            stage, mode = open_pass
            await run_workers(
                job,
                plan,
                stage=stage,
                mode=mode,
                snapshots=snapshots,
                reporter=reporter,
                ledger=ledger,
            )
            await asyncio.sleep(_POLL)
        return 0
    finally:
        await snapshots.close()
        await connection.close()
