"""The check as a step: both databases compared, findings and tables kept in the run's record."""

import time
from collections.abc import Callable, Iterable
from dataclasses import replace

from tswizard.core.db.concurrency import both
from tswizard.core.db.connection import connected
from tswizard.core.db.endpoint import Endpoint
from tswizard.core.model.events import TableProgress, Unit
from tswizard.core.model.plan import Task
from tswizard.core.model.write_counters import WriteCounters
from tswizard.core.run.context import Context
from tswizard.core.run.method import Action, MethodStep
from tswizard.core.steps.compare_schedules import compare_schedules
from tswizard.core.steps.enable_jobs import ReadIds
from tswizard.core.verify import (
    Comparability,
    Verification,
    VerifyJob,
    VerifyProgress,
    read_counters,
    verify,
)


async def compare_ends(ctx: Context, comparability: Comparability | None = None) -> None:
    """Compare everything; from here on the source's snapshot is not needed anymore."""
    record = ctx.run_folder.record
    if ctx.snapshot is None:
        ctx.say("no snapshot is held: the source is compared as it is now")
    result = await verify(
        VerifyJob(
            source=ctx.task.source,
            target=ctx.task.target,
            inventory=ctx.task.inventory,
            target_server=ctx.task.target_server,
            verify=ctx.task.answers.verify,
            workers=ctx.task.jobs,
            snapshot=ctx.snapshot,
            counters_before=record.counters,
            source_xid=record.source_xid,
            target_counters_before=record.target_counters,
            arrived=frozenset(record.arrived),
            judged=record.judged,
        ),
        lambda progress: _tell(ctx, progress),
        ctx.unpaused,
        comparability,
    )
    for finding in result.findings:
        ctx.found(finding)
    await _remember(ctx, result)
    ctx.snapshot = None
    await ctx.resources.aclose()


async def _remember(ctx: Context, result: Verification) -> None:
    """The compared tables, when they were compared, and what tells a later check who wrote."""
    record = ctx.run_folder.record
    equal = {table.name for table in result.tables if table.equal}
    record = replace(
        record,
        tables=result.tables,
        checked=time.time(),
        arrived=tuple(sorted(equal.union(record.arrived))),
    )
    wanted = record.counters is None and not ctx.task.inventory.server.in_recovery
    ours, theirs = await both(
        _counters(ctx.task.source, wanted=wanted),
        _counters(ctx.task.target, wanted=record.target_counters is None),
    )
    ctx.run_folder.save(
        replace(
            record,
            counters=ours or record.counters,
            target_counters=theirs or record.target_counters,
        )
    )


async def _counters(endpoint: Endpoint, *, wanted: bool) -> WriteCounters | None:
    if not wanted:
        return None
    async with connected(endpoint) as connection:
        return await read_counters(connection)


def _tell(ctx: Context, progress: VerifyProgress) -> None:
    ctx.progress(progress.done, progress.total, Unit.BYTES, progress.what)
    if progress.table:
        ctx.put(
            TableProgress(
                time.time(),
                step=ctx.step,
                table=progress.table,
                done=progress.parts_done,
                total=progress.parts_total,
                rows=progress.rows,
                state=progress.state,
            )
        )


CHECK = "check"
"""Id of the step that compares both databases, in every method."""


def preview_comparison(task: Task) -> tuple[str, ...]:
    """What Review shows; checksums depend on the columns of each relation."""
    wanted = "count(*), CHECKSUM" if task.answers.verify == "checksum" else "count(*)"
    return (
        "-- On both databases, where nothing is written: every kind of object is read from the\n"
        "-- catalog and compared by name. Then of each table, chunk and materialization:",
        f"SELECT {wanted} FROM ONLY RELATION;",
    )


def check_step(
    compare: Action,
    read_ids: ReadIds,
    commands: Callable[[Task], Iterable[str]] = preview_comparison,
) -> MethodStep:
    """The step that compares both databases, by a method's own way to do so, given how it knows
    the jobs' ids on the target."""

    async def action(ctx: Context) -> None:
        await compare(ctx)
        await compare_schedules(ctx, read_ids)

    return MethodStep(
        id=CHECK,
        title="Check everything",
        what="Every object and every row of both databases, compared inside them.",
        action=action,
        commands=commands,
    )
