"""Whether jobs of the target are switched on as those of the source were."""

from tswizard.core.catalog.catalog_shape import read_shape
from tswizard.core.catalog.inventory import Job
from tswizard.core.catalog.jobs import read_jobs
from tswizard.core.db.connection import connected
from tswizard.core.model.events import StepState
from tswizard.core.model.finding import Finding, Level
from tswizard.core.model.object_selection import chosen_jobs
from tswizard.core.model.wording import plural
from tswizard.core.run.context import Context
from tswizard.core.steps.enable_jobs import ENABLE_JOBS, ReadIds, enabling_statement
from tswizard.core.steps.job_switch import switch_by_hand


async def compare_schedules(ctx: Context, read_ids: ReadIds) -> None:
    """Compare them with the inventory, once this run has enabled the target's jobs: until then all
    of them are paused on purpose. Jobs that are not there are found by the comparison of objects.

    Raises CannotConnect, psycopg.Error.
    """
    if ctx.run_folder.record.step(ENABLE_JOBS).state is not StepState.DONE:
        return
    ids = await read_ids(ctx)
    async with connected(ctx.task.target) as target:
        jobs = await read_jobs(target, await read_shape(target))
    there = {job.id: job.scheduled for job in jobs}
    chosen = [
        job
        for job in chosen_jobs(ctx.task.inventory, ctx.task.answers)
        if there.get(ids.get(job.id, 0), job.scheduled) != job.scheduled
    ]
    if chosen:
        ctx.found(_found(ctx, [(job, ids[job.id]) for job in chosen]))


def _found(ctx: Context, differing: list[tuple[Job, int]]) -> Finding:
    off = sorted(
        (pair for pair in differing if pair[0].scheduled),
        key=lambda pair: (pair[0].kind.order, pair[1]),
    )
    on = [id for job, id in differing if not job.scheduled]
    statements = [enabling_statement(ctx.task, off)] if off else []
    if on:
        statements.append(switch_by_hand(on, False, ctx.task.target_server.timescaledb))
    lines = (
        f"{id} {job.what} on {job.target or '-'}: "
        + ("paused here, enabled" if job.scheduled else "enabled here, paused")
        + " on the source when it was inspected"
        for job, id in differing
    )
    return Finding(
        Level.LOOK,
        "job-schedules",
        f"{plural(len(differing), 'job')} not switched on or off as on the source: "
        f"{len(off)} paused, {len(on)} enabled",
        where=ctx.task.target.label,
        why="This run had enabled those that were enabled on the source; they were switched since.",
        todo=f"Nothing, if that is what you want. Else, as their owner: {' '.join(statements)}",
        details=tuple(lines),
    )
