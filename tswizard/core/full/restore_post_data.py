"""The restore's last phase: indexes, constraints, triggers, rules; then all privileges."""

from collections.abc import Callable, Iterable, Sequence
from contextlib import AsyncExitStack

from tswizard.core.db.concurrency import together
from tswizard.core.db.connection import Connection, connected, rows
from tswizard.core.db.toc import ON_EVENT_TRIGGERS, TocLine
from tswizard.core.dump.send_entries import lots_of, send_entries
from tswizard.core.dump.toc import PG_CONSTRAINT, PG_EVENT_TRIGGER, POST, DumpEntry, read_toc
from tswizard.core.full.foreign_keys import keys_to_hypertables
from tswizard.core.full.keys_in_turn import keys_in_turn
from tswizard.core.full.restore import Phase, contents, listed, row_bytes, run_phase
from tswizard.core.full.restore_progress import Entry, FollowedRestore
from tswizard.core.full.restore_schema import only_by_pg_restore
from tswizard.core.full.small_tables import lots_of_small_tables
from tswizard.core.full.table_progress import Parts
from tswizard.core.run.context import Context, StepSkipped
from tswizard.core.steps.partition_triggers import partition_triggers


async def restore_rest(ctx: Context) -> None:
    """Restore it, but for what has to wait. Raises StepFailed, CannotConnect, psycopg.Error."""
    toc = await read_toc(ctx.task.tools, ctx.task.dump)
    grants = [entry for entry in toc.entries if entry.is_grant]
    entries = [entry for entry in toc.section(POST) if not entry.is_grant]
    now, states = await _what_can_be_now(ctx, entries)
    in_turn = keys_in_turn(toc, {entry.id for entry in now})
    ids = {entry.id for entry in in_turn}
    others = [entry for entry in now if entry.id not in ids]
    watch = FollowedRestore(
        ctx=ctx,
        entries=tuple(Entry(e, 0) for e in others),
        parts=Parts(ctx),
        parallel=ctx.task.jobs > 1,
        count=len(now) + len(grants),
    )
    small: list[list[DumpEntry]] = []
    one_by_one = only_by_pg_restore(ctx.task.inventory)
    if not one_by_one:
        small = lots_of_small_tables(toc, {e.id for e in others}, row_bytes(ctx.task.dump))
    sent = await _send(ctx, small, watch.sent, connections=ctx.task.jobs)
    rest = [entry for entry in others if entry.id not in sent]
    if rest:
        await run_phase(ctx, Phase.REST, listed(ctx, "restore-rest", rest), watch.lines)
    # One after the other: each locks the table that all of them reference.
    sent = await _send(ctx, lots_of(in_turn), watch.sent, connections=1)
    await _restore_listed(ctx, "restore-keys", [key for key in in_turn if key.id not in sent])
    await _restore_listed(ctx, "restore-trigger-states", states)
    # Last, as pg_restore has it: who has no privilege on its own tables may still restore them.
    lots = [] if one_by_one else lots_of(grants)
    sent = await _send(ctx, lots, watch.sent, connections=1)
    await _restore_listed(ctx, "restore-grants", [g for g in grants if g.id not in sent])
    ctx.progress(watch.total, watch.total, watch.unit)


async def _what_can_be_now(
    ctx: Context, entries: Sequence[DumpEntry]
) -> tuple[list[DumpEntry], list[DumpEntry]]:
    """The entries that can be restored in restore mode, and the states of triggers, which come
    behind them.

    Neither foreign keys to hypertables nor the contents of materialized views, which read none of
    the compressed rows then; nor event triggers, which would fire at all that follows.
    """
    keys = {(PG_CONSTRAINT, key.oid) for key in await keys_to_hypertables(ctx)}
    ids = {entry.id for entry in entries if (entry.catalog, entry.oid) in keys}
    waiting = ("MATERIALIZED VIEW DATA ", *ON_EVENT_TRIGGERS)
    now = [
        entry
        for entry in entries
        if entry.id not in ids
        and not entry.text.startswith(waiting)
        and not (entry.kind == "COMMENT" and entry.depends_on & ids)
    ]
    if len(now) != len(entries):
        ctx.say(
            f"{len(entries) - len(now)} entries wait for the end of restore mode: foreign keys to "
            "hypertables, contents of materialized views, event triggers"
        )
    late = await partition_triggers(ctx.task)
    states = [entry for entry in now if entry.kind == "TRIGGER" and entry.oid in late]
    behind = {entry.id for entry in states}
    return [entry for entry in now if entry.id not in behind], states


async def _send(
    ctx: Context,
    lots: Sequence[Sequence[DumpEntry]],
    done: Callable[[int], None],
    *,
    connections: int,
) -> frozenset[int]:
    """Many at a time; the IDs of what the target takes in silence: the others are pg_restore's."""
    if not lots:
        return frozenset()
    targets: list[Connection] = []
    async with AsyncExitStack() as stack:

        async def connect() -> None:
            # Restore mode is on in sessions that begin after it.
            connection = connected(ctx.task.target, fresh=True)
            targets.append(await stack.enter_async_context(connection))

        await together(connect() for _ in range(min(connections, len(lots))))
        return await send_entries(ctx, targets, ctx.task.dump, lots, done)


async def _restore_listed(ctx: Context, name: str, entries: Iterable[TocLine]) -> None:
    """Some entries of post-data by themselves, if there are any. Raises StepFailed."""
    if some := list(entries):
        await run_phase(ctx, Phase.REST, listed(ctx, name, some))


async def restore_event_triggers(ctx: Context) -> None:
    """The last of the dump: they fire at whatever changes the schema. Raises StepFailed."""
    post_data = [entry.toc for entry in await contents(ctx.task, Phase.REST)]
    entries = [entry for entry in post_data if entry.text.startswith(ON_EVENT_TRIGGERS)]
    if not entries:
        raise StepSkipped("the dump has no event trigger")
    # Some are there when the step was interrupted.
    there = await _event_triggers_there(ctx)
    missing = [e for e in entries if (e.catalog, e.oid) not in there]
    await _restore_listed(ctx, "restore-event-triggers", missing)


async def _event_triggers_there(ctx: Context) -> set[tuple[int, int]]:
    """As the dump numbers them: by their OIDs on the source."""
    names = "SELECT evtname::text, oid::bigint FROM pg_catalog.pg_event_trigger"
    async with connected(ctx.task.source) as source, connected(ctx.task.target) as target:
        ours, theirs = await rows(source, names), await rows(target, names)
    there = {name for name, _ in theirs}
    return {(PG_EVENT_TRIGGER, oid) for name, oid in ours if name in there}
