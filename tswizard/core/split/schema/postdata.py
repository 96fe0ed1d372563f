"""What comes after the rows: indexes, constraints, triggers, rules, policies, statistics."""

import asyncio
from contextlib import suppress

from psycopg import Error

from tswizard.core.db.connection import CannotConnect, connected, rows
from tswizard.core.model.finding import Finding, Level
from tswizard.core.run.context import Context
from tswizard.core.split.schema.already_restored import read_made
from tswizard.core.split.schema.dump import contents, dump_path
from tswizard.core.split.schema.large_object_grants import describe
from tswizard.core.split.schema.not_migrated import left_out
from tswizard.core.split.schema.restore import Progress, labels, list_path, restore
from tswizard.core.split.schema.selected import selection
from tswizard.core.split.schema.target_session import NAME
from tswizard.core.split.schema.toc import POST

_EVERY = 1.0
"""Seconds between two looks at the index builds."""

# https://www.postgresql.org/docs/current/progress-reporting.html#CREATE-INDEX-PROGRESS-REPORTING
_BUILDS = f"""
SELECT n.nspname || '.' || c.relname, p.phase,
  CASE WHEN p.blocks_total > 0 THEN 100 * p.blocks_done / p.blocks_total
       WHEN p.tuples_total > 0 THEN 100 * p.tuples_done / p.tuples_total END
FROM pg_catalog.pg_stat_progress_create_index p
JOIN pg_catalog.pg_stat_activity a ON a.pid = p.pid
LEFT JOIN pg_catalog.pg_class c ON c.oid = p.relid
LEFT JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE a.application_name = '{NAME}' AND p.datname = pg_catalog.current_database()
ORDER BY p.pid
"""


async def post_data(ctx: Context) -> None:
    """Restore what is not there yet, and name what is not there afterwards. Raises StepFailed."""
    chosen = await selection(ctx)
    toc = await contents(ctx)
    made = (await read_made(ctx)).entries(toc)
    entries = [entry for entry in chosen.post if entry.id not in made]
    ctx.say(f"{len(entries)} of {len(chosen.post)} entries of the post-data are to be made")
    progress = Progress(ctx)
    watch = asyncio.create_task(_watch(ctx, progress)) if ctx.task.concurrent else None
    try:
        withheld = await restore(ctx, entries, POST, POST, jobs=ctx.task.jobs, progress=progress)
    finally:
        if watch is not None:
            watch.cancel()
            with suppress(asyncio.CancelledError):
                await watch
    lacking = (await read_made(ctx)).missing(toc) - withheld.ids
    missing = [entry for entry in chosen.post if entry.id in lacking]
    if missing:
        ctx.found(
            Finding(
                Level.FAIL,
                "post-data-missing",
                f"{len(missing)} objects are not on the target as they are on the source.",
                where=ctx.task.target.label,
                why="What pg_restore said of each stands in the log, with a verdict.",
                todo="Mend the cause, then make them by hand: pg_restore --no-owner "
                f"--use-list={list_path(ctx.task, POST)} -d … {dump_path(ctx.task)}",
                details=labels(missing, ctx.task.inventory.schemas),
            )
        )
    await describe(ctx)
    for finding in left_out(ctx.task):
        ctx.found(finding)


async def _watch(ctx: Context, progress: Progress) -> None:
    """Tell how far the index builds are; the restore does not hang on this."""
    try:
        async with connected(ctx.task.target) as target:
            while True:
                await asyncio.sleep(_EVERY)
                builds = await rows(target, _BUILDS)
                if builds:
                    progress.tell("; ".join(build_words(*build) for build in builds))
    except (Error, CannotConnect):
        return


def build_words(table: str | None, phase: str, percent: float | None) -> str:
    """One index build, e.g. `index on metrics.events: building index, 40 %`."""
    share = "" if percent is None else f", {int(percent)} %"
    return f"index on {table or 'a table'}: {phase}{share}"
