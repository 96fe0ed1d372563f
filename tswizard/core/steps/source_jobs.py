"""Jobs of the source that drop or rewrite chunks: paused while it is read, resumed afterward."""

import asyncio
import time
from collections.abc import Iterator
from dataclasses import replace

from tswizard.core.catalog.inventory import Inventory, Job
from tswizard.core.catalog.policy_kinds import PAUSED_ON_SOURCE
from tswizard.core.db.connection import Connection, connected, rows, value
from tswizard.core.model.events import Unit
from tswizard.core.model.finding import Finding, Level
from tswizard.core.model.left_open import LeftOpen
from tswizard.core.model.plan import Task
from tswizard.core.model.wording import duration
from tswizard.core.run.context import Context, PutBack, StepSkipped, failed
from tswizard.core.run.method import MethodStep
from tswizard.core.run.record import RunRecord
from tswizard.core.steps.job_switch import JobSwitch, set_scheduled, switch_by_hand

WAIT_FOR_RUNNING = 900.0
"""Seconds to wait for jobs of the source that were running when they were paused."""
_POLL = 1.0

# A background worker carries its job's name, which everybody may see.
_RUNNING = """
SELECT a.pid, a.application_name, COALESCE(a.backend_start::text, 'an unknown time')
FROM pg_catalog.pg_stat_activity a
WHERE a.datname = pg_catalog.current_database() AND a.application_name = ANY (%s::text[])
ORDER BY a.pid
"""

_SCHEDULED = "SELECT scheduled FROM timescaledb_information.jobs WHERE job_id = %s"


def to_pause(inventory: Inventory) -> tuple[Job, ...]:
    """Jobs that are switched on and would take chunks away, or change them, while they are read."""
    return tuple(j for j in inventory.jobs if j.scheduled and j.kind.paused_on_source)


async def pause(ctx: Context) -> None:
    """Pause them, and wait for those that are running. The record knows of it before the source
    does, so a crash loses nothing.

    Raises StepFailed when one still runs after WAIT_FOR_RUNNING seconds.
    """
    inventory = ctx.task.inventory
    jobs = await _still_on(ctx, to_pause(inventory))
    if not jobs:
        raise StepSkipped(f"the source has no {PAUSED_ON_SOURCE} job that is switched on")
    await ctx.remember(
        replace(
            ctx.run_folder.record,
            paused_source_jobs=tuple(job.id for job in jobs),
            source_timescaledb=inventory.server.timescaledb or "",
        )
    )
    async with connected(ctx.task.source) as source:
        schema = inventory.server.timescaledb_schema
        refused = await set_scheduled(source, schema, [JobSwitch(job.id, False) for job in jobs])
        for job in jobs:
            if job.id not in refused:
                ctx.say(f"paused {job.application} of {job.target or job.proc_name} on the source")
                continue
            ctx.found(
                Finding(
                    Level.LOOK,
                    "source-job-not-paused",
                    f"{job.application} of {job.target} could not be paused on the source.",
                    where=ctx.task.source.label,
                    why=refused[job.id],
                    todo="Pause it on the source as its owner before it runs: a chunk it drops or "
                    "rewrites during the run may be missing.",
                )
            )
        await _until_none_runs(ctx, source, jobs)


async def _still_on(ctx: Context, jobs: tuple[Job, ...]) -> tuple[Job, ...]:
    """Those that are switched on now, or that this run has switched off already: what a user has
    switched off since the source was inspected is not to be on in the end."""
    if not jobs:
        return ()
    async with connected(ctx.task.source) as source:
        on = {
            id
            for (id,) in await rows(
                source, "SELECT job_id FROM timescaledb_information.jobs WHERE scheduled"
            )
        }
    ours = on.union(ctx.run_folder.record.paused_source_jobs)
    return tuple(job for job in jobs if job.id in ours)


async def _until_none_runs(ctx: Context, source: Connection, jobs: tuple[Job, ...]) -> None:
    """Pausing a job does not end the one that is running, and a conflicting lock request of it
    aborts the workers of a parallel pg_dump ("could not obtain lock on relation")."""
    started = time.monotonic()
    said: set[int] = set()
    while running := await rows(source, _RUNNING, ([job.application for job in jobs],)):
        for pid, name, since in running:
            if pid not in said:
                said.add(pid)
                ctx.say(f"waiting for {name} on the source (pid {pid}, running since {since})")
        pid, name, since = running[0]
        waited = time.monotonic() - started
        if waited > WAIT_FOR_RUNNING:
            raise failed(
                "source-job-running",
                f"{name} is still running on the source (pid {pid}, since {since}).",
                where=ctx.task.source.label,
                why=f"tswizard waited {duration(waited)} for it; it rewrites or drops chunks, and "
                "its conflicting lock request aborts pg_dump's workers.",
                todo=f"Resume the run to wait on, or end it: SELECT pg_terminate_backend({pid});",
            )
        ctx.progress(0, None, Unit.ITEMS, f"waiting for {name} (pid {pid}) since {since}")
        await ctx.unpaused()
        await asyncio.sleep(_POLL)


async def resume(ctx: Context) -> None:
    """Switch on again what this run paused, whether or not it had come to pausing it."""
    paused = ctx.run_folder.record.paused_source_jobs
    if not paused:
        raise StepSkipped("nothing was paused")
    refused: dict[int, str] = {}
    async with connected(ctx.task.source) as source:
        schema = ctx.task.inventory.server.timescaledb_schema
        found = await set_scheduled(source, schema, [JobSwitch(job, True) for job in paused])
        for job in paused:
            if job not in found:
                ctx.say(f"resumed job {job} of the source")
            elif not await value(source, _SCHEDULED, (job,)):
                refused[job] = found[job]
    for job, why in refused.items():
        ctx.found(
            Finding(
                Level.LOOK,
                "source-job-not-put-back",
                f"Job {job} of the source could not be resumed.",
                where=ctx.task.source.label,
                why=why,
                todo=f"On the source: {_statement_to_resume(ctx.run_folder.record, job)}",
            )
        )
    left = tuple(job for job in paused if job in refused)
    ctx.run_folder.save(replace(ctx.run_folder.record, paused_source_jobs=left))


def jobs_to_put_back(ctx: Context) -> tuple[PutBack, ...]:
    """The paused jobs, as long as there are some."""
    if not ctx.run_folder.record.paused_source_jobs:
        return ()
    record = ctx.run_folder.record
    statement = _statement_to_resume(record, *record.paused_source_jobs)
    return (PutBack("The source's jobs are still paused", resume, statement),)


def jobs_left_paused(record: RunRecord) -> tuple[LeftOpen, ...]:
    """The same of a run that nobody carries out."""
    jobs = record.paused_source_jobs
    if not jobs:
        return ()
    names = f"{'job' if len(jobs) == 1 else 'jobs'} {', '.join(map(str, jobs))}"
    verb = "is" if len(jobs) == 1 else "are"
    return (
        LeftOpen(
            run=record.id,
            what=f"{names} of the source {verb} still paused",
            statement=_statement_to_resume(record, *jobs),
            source=record.source_label,
            target=record.target_label,
            jobs=jobs,
        ),
    )


def _statement_to_resume(record: RunRecord, *jobs: int) -> str:
    return switch_by_hand(jobs, True, record.source_timescaledb)


def _wanted(task: Task) -> bool:
    return task.answers.pause_source_jobs


def _switched(task: Task, on: bool) -> Iterator[str]:
    jobs = [job.id for job in to_pause(task.inventory)]
    if jobs:
        yield switch_by_hand(jobs, on, task.inventory.server.timescaledb)


PAUSE = MethodStep(
    id="pause-source-jobs",
    title="Pause the source's jobs",
    what=f"Those that drop or rewrite chunks ({PAUSED_ON_SOURCE}), so that none does before the "
    "check. Jobs that are running are waited for. All are resumed at the end.",
    action=pause,
    commands=lambda task: _switched(task, False),
    when=_wanted,
)

RESUME = MethodStep(
    id="resume-source-jobs",
    title="Resume the source's jobs",
    what="Exactly those that this run paused.",
    action=resume,
    commands=lambda task: _switched(task, True),
    when=_wanted,
)
