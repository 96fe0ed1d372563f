"""The jobs on the target: enabled as they were on the source, retention last."""

from collections.abc import Awaitable, Callable, Iterable, Mapping

from psycopg import Error, sql

from tswizard.core.catalog.inventory import Job
from tswizard.core.catalog.job_statements import forgets_timezone
from tswizard.core.db.connection import Connection, connected, rows, value
from tswizard.core.db.errors import CannotConnect, message_of
from tswizard.core.db.identifiers import literal
from tswizard.core.model.events import StepState
from tswizard.core.model.finding import Finding, Level
from tswizard.core.model.object_selection import chosen_jobs, job_label
from tswizard.core.model.plan import Task
from tswizard.core.model.wording import plural
from tswizard.core.report.checklist import result_of
from tswizard.core.run.context import Context, StepSkipped
from tswizard.core.run.method import MethodStep
from tswizard.core.steps.job_switch import JobSwitch, set_row, set_scheduled


def to_enable(task: Task) -> tuple[Job, ...]:
    """Jobs to enable: the chosen ones that are switched on at the source, retention last."""
    jobs = chosen_jobs(task.inventory, task.answers)
    on = (job for job in jobs if job.scheduled)
    return tuple(sorted(on, key=lambda job: (job.kind.order, job.id)))


async def enable(ctx: Context, ids: Mapping[int, int]) -> None:
    """Enable them and read back that they are. `ids` are the target's by the source's; a job that
    is not in it is not there, which is somebody else's finding.

    Skipped, with the SQL left for the user, when the check found something lost: retention must
    not delete what somebody may still need.
    """
    chosen = tuple(job for job in to_enable(ctx.task) if job.id in ids)
    if not chosen:
        raise StepSkipped("no job to enable")
    if not ctx.task.answers.enable_jobs:
        raise StepSkipped("you asked to leave them paused")
    record = ctx.run_folder.record
    if result_of(record.findings, record.judged, record.tables) is Level.FAIL:
        raise StepSkipped("the check failed; they stay paused until you have looked into it")
    off = await _off_on_source(ctx)
    if kept := [job for job in chosen if job.id in off]:
        ctx.found(_not_enabled(ctx.task, kept, off, ids))
    jobs = tuple(job for job in chosen if job.id not in off)
    if not jobs:
        return
    schema = ctx.task.target_server.timescaledb_schema
    async with connected(ctx.task.target) as target:
        switches = [JobSwitch(ids[job.id], True, job.next_start) for job in jobs]
        refused = await set_scheduled(target, schema, switches)
        by_row = [job for job in jobs if ids[job.id] in refused]
        for job in by_row:
            await set_row(target, ids[job.id], True)
        if by_row:
            await wake_scheduler(ctx, target)
        on = {
            id
            for (id,) in await rows(
                target, "SELECT job_id FROM timescaledb_information.jobs WHERE scheduled"
            )
        }
    missing = [job for job in jobs if ids[job.id] not in on]
    for job in missing:
        ctx.found(
            Finding(
                Level.LOOK,
                "job-not-enabled",
                f"{job.application} of {job.target or job.proc_name} is not enabled.",
                where=ctx.task.target.label,
                why=refused.get(ids[job.id], ""),
                todo=f"As its owner: {enabling_statement(ctx.task, [(job, ids[job.id])])}",
            )
        )
    if not missing:
        ctx.found(
            Finding(
                Level.PASS,
                "jobs-enabled",
                f"jobs: {len(jobs)} of {len(jobs)} enabled as on the source, retention last",
                where=ctx.task.target.label,
            )
        )


async def _off_on_source(ctx: Context) -> dict[int, str]:
    """Jobs that the source had switched on when it was inspected and has not now, and what became
    of them. What this run has paused there counts as switched on.

    Raises CannotConnect, psycopg.Error.
    """
    async with connected(ctx.task.source) as source:
        now = dict(await rows(source, "SELECT job_id, scheduled FROM timescaledb_information.jobs"))
    on = {id for id, scheduled in now.items() if scheduled}
    on.update(ctx.run_folder.record.paused_source_jobs)
    return {
        job.id: "paused" if job.id in now else "deleted"
        for job in to_enable(ctx.task)
        if job.id not in on or job.id not in now
    }


def _not_enabled(
    task: Task, jobs: list[Job], off: Mapping[int, str], ids: Mapping[int, int]
) -> Finding:
    enabling = enabling_statement(task, [(job, ids[job.id]) for job in jobs])
    return Finding(
        Level.LOOK,
        "jobs-off-on-source",
        f"{plural(len(jobs), 'job')} not enabled on the target, since the source has paused or "
        "deleted what it had switched on when it was inspected.",
        where=task.target.label,
        todo=f"Delete them on the target if you do not want them: SELECT delete_job(…); to enable "
        f"them all the same: {enabling}",
        details=tuple(
            f"{job_label(job)}: {off[job.id]} on the source, {ids[job.id]} on the target"
            for job in jobs
        ),
    )


async def wake_scheduler(ctx: Context, target: Connection) -> None:
    """Make it read the jobs again; where it cannot be told, it does so at the next restart."""
    try:
        schema = await value(
            target,
            "SELECT n.nspname FROM pg_catalog.pg_proc p "
            "JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace "
            "WHERE p.proname = 'restart_background_workers'",
        )
        await target.execute(
            sql.SQL("SELECT {}()").format(sql.Identifier(str(schema), "restart_background_workers"))
        )
    except Error as error:
        ctx.say(
            "TimescaleDB's job scheduler could not be told of the enabled jobs, and may start them "
            f"only after the server's next restart: {message_of(error)}"
        )


ENABLE_JOBS = "enable-jobs"
"""Id of the step that enables jobs, in every method."""

ReadIds = Callable[[Context], Awaitable[Mapping[int, int]]]
"""How a method knows the target's ids by the source's. May raise CannotConnect, psycopg.Error."""


async def left_paused(ctx: Context, read_ids: ReadIds) -> tuple[tuple[str, str], ...]:
    """What is left to the user when jobs are on the target, but not enabled: the statement that
    enables those that the step would have enabled, in its order."""
    done = ctx.run_folder.record.step(ENABLE_JOBS).state is StepState.DONE
    jobs = to_enable(ctx.task)
    if done or not jobs:
        return ()
    text = "Enable the jobs on the target when you are satisfied, retention last"
    try:
        ids = await read_ids(ctx)
    except (CannotConnect, Error) as error:
        ctx.say(f"the ids of the target's jobs could not be read: {error}")
        return ((text, ""),)
    try:
        off = await _off_on_source(ctx)
    except (CannotConnect, Error) as error:
        ctx.say(f"the source's jobs could not be read again: {error}")
        off = {}
    there = [(job, ids[job.id]) for job in jobs if job.id in ids and job.id not in off]
    return ((text, enabling_statement(ctx.task, there)),) if there else ()


def enabling_statement(task: Task, jobs: Iterable[tuple[Job, int]]) -> str:
    """One statement for a person that enables them in this order, each with its id on the target.

    It says when each runs next, as on the source: one that never ran would run at once.
    """
    listed = ", ".join(
        f"({n}, {id}, {literal(job.next_start) if job.next_start else 'NULL'}::timestamptz)"
        for n, (job, id) in enumerate(jobs, 1)
    )
    zone = ", timezone => timezone" if forgets_timezone(task.target_server.timescaledb) else ""
    return (
        f"SELECT alter_job(id, scheduled => true{zone}, next_start => at) "
        f"FROM (VALUES {listed}) AS wanted (n, id, at) "
        "JOIN _timescaledb_config.bgw_job USING (id) ORDER BY n;"
    )


def enable_step(
    read_ids: ReadIds,
    commands: Callable[[Task], Iterable[str]],
) -> MethodStep:
    """The step that enables jobs, given how a method knows their ids on the target."""

    async def action(ctx: Context) -> None:
        await enable(ctx, await read_ids(ctx))

    return MethodStep(
        id=ENABLE_JOBS,
        title="Enable the target's jobs",
        what="As they were on the source, retention last, if you asked for it and the check did "
        "not fail.",
        action=action,
        commands=lambda task: commands(task) if task.answers.enable_jobs else (),
    )
