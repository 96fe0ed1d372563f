"""Recreates the chosen policies and jobs on the target, all paused, each exactly once.

The new job and the row that remembers its id commit together, so a run that is interrupted here
resumes with the next job. Ids cannot be chosen: they come from the target's sequence.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import suppress

from psycopg import Error, sql
from psycopg.errors import InvalidSchemaName, UndefinedTable

from tswizard.core.catalog.inventory import Job
from tswizard.core.catalog.policy_kinds import USER_DEFINED
from tswizard.core.db.connection import Connection, batch, connected, rows
from tswizard.core.db.identifiers import literal
from tswizard.core.model.events import Unit
from tswizard.core.model.finding import Finding, Level
from tswizard.core.model.object_selection import chosen_jobs
from tswizard.core.model.plan import Task
from tswizard.core.model.wording import plural
from tswizard.core.run.context import Context, StepSkipped
from tswizard.core.split.policies.statements import (
    LATEST_API,
    JobStatement,
    job_statement,
    read_job_api,
)
from tswizard.core.split.schema.execute import refusal_message
from tswizard.core.steps.enable_jobs import to_enable

_TABLE = """
CREATE TABLE IF NOT EXISTS _tswizard.job (source_id int PRIMARY KEY, target_id int NOT NULL)
"""

_CAGGS = """
SELECT user_view_schema || '.' || user_view_name FROM _timescaledb_catalog.continuous_agg
"""


def ordered_jobs(task: Task) -> tuple[Job, ...]:
    """Jobs that the user wants, in the order in which they are recreated."""
    jobs = chosen_jobs(task.inventory, task.answers)
    return tuple(sorted(jobs, key=lambda job: (job.kind.order, job.id)))


def possible_jobs(task: Task, caggs_on_target: Collection[str]) -> tuple[Job, ...]:
    """Those of them that have what they work on: not policies of continuous aggregates
    (`schema.name`) that are not on the target."""
    absent = {cagg.label for cagg in task.inventory.caggs} - set(caggs_on_target)
    return tuple(job for job in ordered_jobs(task) if job.target not in absent)


async def read_target_ids(target: Connection) -> dict[int, int]:
    """Source's job id -> target's, of the jobs that this run has recreated."""
    try:
        return dict(await rows(target, "SELECT source_id, target_id FROM _tswizard.job"))
    except (InvalidSchemaName, UndefinedTable):
        return {}


async def recreate_policies(ctx: Context) -> None:
    """Recreate them. What the target refuses is named, with the statements to run."""
    jobs = ordered_jobs(ctx.task)
    if not jobs:
        raise StepSkipped("no policy and no job was to be recreated")
    schema = ctx.task.target_server.timescaledb_schema or "public"
    async with connected(ctx.task.target) as target:
        _, caggs = await batch(target, (_TABLE, _CAGGS))
        possible = possible_jobs(ctx.task, [name for (name,) in caggs])
        if without := [job for job in jobs if job not in possible]:
            ctx.found(_without_cagg(ctx, without))
        jobs = possible
        api = await read_job_api(target, schema)
        done = await read_target_ids(target)
        for number, job in enumerate(jobs):
            await ctx.unpaused()
            ctx.progress(number, len(jobs), Unit.ITEMS, f"{job.what} on {job.target or 'nothing'}")
            if job.id not in done:
                await _recreate(ctx, target, job_statement(job, ctx.task.inventory, api))
    ctx.progress(len(jobs), len(jobs), Unit.ITEMS)


async def _recreate(ctx: Context, target: Connection, statement: JobStatement) -> None:
    job = statement.job
    why = statement.why
    if statement.create:
        try:
            id = await _create(ctx, target, statement)
        except Error as error:
            why = refusal_message(error)
        else:
            ctx.say(f"recreated job {job.id} ({job.what} on {job.target}) as {id}, paused")
    if why:
        ctx.found(_not_recreated(ctx, statement, why))
        return
    if statement.dropped:
        ctx.found(_dropped(ctx, statement))
    if statement.unsure:
        ctx.found(_unsure(ctx, statement))


async def _create(ctx: Context, target: Connection, statement: JobStatement) -> int:
    """Its id. In one transaction, which is rolled back when it fails."""
    job = statement.job
    # A policy's owner is that of its relation, whoever adds it; jobs of the role that migrates
    # become, like tables, those of the target's.
    role: list[sql.Composed] = []
    if job.kind is USER_DEFINED and job.owner != ctx.task.inventory.server.role.name:
        role = [sql.SQL("SET LOCAL ROLE {}").format(sql.Identifier(job.owner))]
    ctx.say(f"{statement.create};", "sql")
    try:
        made = await batch(target, ("BEGIN", *role, *statement.before, statement.create))
        id = int(made[-1][0][0])
        remember = ("INSERT INTO _tswizard.job VALUES (%s, %s)", (job.id, id))
        await batch(target, (*statement.after(id), "RESET ROLE", remember, "COMMIT"))
    except BaseException:
        with suppress(Error):
            await target.rollback()
        raise
    return id


def _without_cagg(ctx: Context, jobs: Sequence[Job]) -> Finding:
    return Finding(
        Level.LOOK,
        "cagg-policies-not-migrated",
        f"{plural(len(jobs), 'policy', 'policies')} of continuous aggregates that are not on the "
        "target were not migrated.",
        where=ctx.task.target.label,
        todo="Add them when you have created the continuous aggregates.",
        details=tuple(f"{job.id} {job.what} on {job.target}" for job in jobs),
    )


def _not_recreated(ctx: Context, statement: JobStatement, why: str) -> Finding:
    job = statement.job
    return Finding(
        Level.LOOK,
        "policy-not-recreated",
        f"Job {job.id} ({job.what} on {job.target or 'no table'}) could not be recreated.",
        where=ctx.task.target.label,
        why=why,
        todo="Fix the cause, then run the statements as the owner of the table.",
        details=statement.text if statement.create else (),
    )


def _dropped(ctx: Context, statement: JobStatement) -> Finding:
    job = statement.job
    return Finding(
        Level.LOOK,
        "policy-setting-dropped",
        f"Job {job.id} ({job.what} on {job.target or 'no table'}) was recreated without "
        f"{', '.join(statement.dropped)}.",
        where=ctx.task.target.label,
        why="The target's version of TimescaleDB does not have this setting.",
        todo="Nothing, if you do not need it.",
    )


def _unsure(ctx: Context, statement: JobStatement) -> Finding:
    job = statement.job
    return Finding(
        Level.LOOK,
        "policy-setting-unknown",
        f"Job {job.id} ({job.what} on {job.target or 'no table'}) was recreated with "
        f"{', '.join(statement.unsure)}, which tswizard does not know.",
        where=ctx.task.target.label,
        why="The target's TimescaleDB is older than the source's: it may have no such setting, and "
        "then ignores it.",
        todo="Look up which version the setting came with.",
    )


async def target_ids(ctx: Context) -> Mapping[int, int]:
    """Source's job id -> target's, for the step that enables them. Raises CannotConnect."""
    async with connected(ctx.task.target) as target:
        return await read_target_ids(target)


def preview_policies(task: Task) -> Iterator[str]:
    """What the step will run, as far as it is known before the target is asked what it takes."""
    for job in ordered_jobs(task):
        statement = job_statement(job, task.inventory, LATEST_API)
        yield "\n".join(f"{text};" for text in statement.text)


def preview_enabling(task: Task) -> Iterator[str]:
    """Jobs get ids of their own on the target: JOB stands for each of them."""
    for job in to_enable(task):
        zone = f", timezone => {literal(job.timezone)}" if job.timezone else ""
        start = f", next_start => {literal(job.next_start)}" if job.next_start else ""
        yield (
            f"SELECT alter_job(JOB, scheduled => true{zone}{start});"
            f"  -- {job.what} on {job.target or '-'}"
        )
