"""What is restored after the rows: indexes, constraints, triggers, rules, policies, statistics."""

import asyncio
from contextlib import suppress

from psycopg import Error

from tswizard.core.db.connection import connected, rows
from tswizard.core.db.errors import CannotConnect, message_of
from tswizard.core.dump.toc import PG_TRIGGER, POST
from tswizard.core.model.finding import Finding, Level
from tswizard.core.model.wording import plural
from tswizard.core.run.context import Context, StepSkipped
from tswizard.core.split.schema.already_restored import read_already_restored
from tswizard.core.split.schema.dump import read_schema_toc, schema_dump_path
from tswizard.core.split.schema.indexes_by_path import create_indexes, indexes_by_path
from tswizard.core.split.schema.large_object_grants import restore_large_object_grants
from tswizard.core.split.schema.not_migrated import not_migrated_findings
from tswizard.core.split.schema.restore import (
    RestoreProgress,
    entry_labels,
    restore_entries,
    use_list_path,
)
from tswizard.core.split.schema.restore_chunk_objects import restore_chunk_objects
from tswizard.core.split.schema.target_session import SCHEMA_APPLICATION
from tswizard.core.split.schema.toc_selection import read_selection
from tswizard.core.steps.partition_triggers import partition_triggers

_POLL_INTERVAL = 1.0
"""Seconds between two looks at the index builds."""

# https://www.postgresql.org/docs/current/progress-reporting.html#CREATE-INDEX-PROGRESS-REPORTING
_INDEX_BUILDS = f"""
SELECT n.nspname || '.' || c.relname, p.phase,
  CASE WHEN p.blocks_total > 0 THEN 100 * p.blocks_done / p.blocks_total
       WHEN p.tuples_total > 0 THEN 100 * p.tuples_done / p.tuples_total END
FROM pg_catalog.pg_stat_progress_create_index p
JOIN pg_catalog.pg_stat_activity a ON a.pid = p.pid
LEFT JOIN pg_catalog.pg_class c ON c.oid = p.relid
LEFT JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE a.application_name = '{SCHEMA_APPLICATION}' AND p.datname = pg_catalog.current_database()
ORDER BY p.pid
"""


async def restore_post_data(ctx: Context) -> None:
    """Restore what the target lacks, and report what it still lacks afterward.

    Raises StepFailed, CannotConnect, psycopg.Error.
    """
    chosen = await read_selection(ctx)
    toc = await read_schema_toc(ctx)
    restored = (await read_already_restored(ctx)).ids(toc)
    entries = [entry for entry in chosen.post if entry.id not in restored]
    by_path = indexes_by_path(entries, ctx.task.inventory.hazards.index_paths)
    await create_indexes(ctx, by_path)
    entries = [entry for entry in entries if entry.id not in by_path]
    late = await partition_triggers(ctx.task)
    states = {entry for entry in entries if entry.catalog == PG_TRIGGER and entry.oid in late}
    all_entries = plural(len(chosen.post), "post-data entry", "post-data entries")
    ctx.say(f"to be restored: {len(entries)} of {all_entries}")
    progress = RestoreProgress(ctx)
    watch = None
    if ctx.task.concurrent:
        watch = asyncio.create_task(report_index_builds(ctx, progress))
    try:
        withheld = await restore_entries(
            ctx,
            [entry for entry in entries if entry not in states],
            POST,
            POST,
            jobs=ctx.task.jobs,
            progress=progress,
        )
    finally:
        if watch is not None:
            watch.cancel()
            with suppress(asyncio.CancelledError):
                await watch
    if states:
        await restore_entries(ctx, [e for e in entries if e in states], "trigger-states", POST)
    lacking = (await read_already_restored(ctx)).missing(toc) - withheld.ids
    missing = [entry for entry in chosen.post if entry.id in lacking]
    if missing:
        ctx.found(
            Finding(
                Level.FAIL,
                "post-data-missing",
                f"Missing on the target, or different from the source: "
                f"{plural(len(missing), 'object')}.",
                where=ctx.task.target.label,
                why="pg_restore's messages are in the log, each with a verdict.",
                todo="Fix the cause, then restore them by hand: pg_restore --no-owner "
                f"--use-list={use_list_path(ctx.task, POST)} -d … {schema_dump_path(ctx.task)}",
                details=entry_labels(missing, ctx.task.inventory.schemas),
            )
        )
    if chosen.late_grants:
        await restore_entries(ctx, chosen.late_grants, "late-grants", POST)
    await restore_chunk_objects(ctx)
    await restore_large_object_grants(ctx)
    for finding in not_migrated_findings(ctx.task, chosen):
        ctx.found(finding)


async def restore_event_triggers_last(ctx: Context) -> None:
    """Restore those that the target lacks. Raises StepFailed, StepSkipped, CannotConnect,
    psycopg.Error."""
    chosen = await read_selection(ctx)
    toc = await read_schema_toc(ctx)
    restored = (await read_already_restored(ctx)).ids(toc)
    entries = [entry for entry in chosen.event_triggers if entry.id not in restored]
    if not entries:
        raise StepSkipped("no event trigger remains to be restored")
    await restore_entries(ctx, entries, "last-event-triggers", POST)


async def report_index_builds(ctx: Context, progress: RestoreProgress) -> None:
    """Report the progress of index builds until canceled. The restore does not depend on it: an
    error ends only the reports, and the log says so."""
    try:
        async with connected(ctx.task.target) as target:
            while True:
                await asyncio.sleep(_POLL_INTERVAL)
                builds = await rows(target, _INDEX_BUILDS)
                if builds:
                    progress.report("; ".join(index_build_text(*build) for build in builds))
    except (Error, CannotConnect) as error:
        ctx.say(f"the progress of index builds is no longer shown: {message_of(error)}")


def index_build_text(table: str | None, phase: str, percent: float | None) -> str:
    """One index build, e.g. `index on metrics.events: building index, 40%`."""
    share = "" if percent is None else f", {int(percent)}%"
    return f"index on {table or 'a table'}: {phase}{share}"
