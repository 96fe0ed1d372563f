"""Everything that must stand before rows: schemas, types, functions, tables, views."""

from collections.abc import Iterable

from psycopg import sql

from tswizard.core.catalog.inventory import TableKind
from tswizard.core.db.connection import Connection, connected, rows, value
from tswizard.core.run.context import Context, failed
from tswizard.core.split.schema.cagg_dependents import write_dependents_list
from tswizard.core.split.schema.hypertable_facts import read_hypertable_facts
from tswizard.core.split.schema.restore import entry_labels, restore_entries
from tswizard.core.split.schema.restore_state import read_restore_state, write_restore_state
from tswizard.core.split.schema.toc import PRE
from tswizard.core.split.schema.toc_selection import Selection, read_selection

_THERE = """
SELECT n.nspname::text, c.relname::text, c.relkind::text
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p', 'f', 'm')
  AND n.nspname !~ '^(pg_|_timescaledb_|_tswizard)' AND n.nspname <> 'information_schema'
"""


async def restore_pre_data(ctx: Context) -> None:
    """Restore it. Raises StepFailed.

    Begun and not done: made again from the start. Only empty tables are dropped for that.
    """
    chosen = await read_selection(ctx)
    _refuse_stuck(ctx, chosen)
    write_dependents_list(ctx.task, chosen)
    run = ctx.run_folder.record.id
    async with connected(ctx.task.target) as target:
        state = await read_restore_state(target, run, PRE)
        again = state == "begun"
        if again:
            await _refuse_filled(ctx, target)
        if state != "done":
            await write_restore_state(target, run, PRE, "begun")
    if state == "done":
        ctx.say("it is there already: an earlier attempt had finished it")
        return
    if again:
        ctx.say("an earlier attempt was interrupted: what it had made is made again")
    await restore_entries(ctx, chosen.pre, PRE, PRE, again=again)
    async with connected(ctx.task.target) as target:
        await _refuse_missing(ctx, target, chosen)
        await write_restore_state(target, run, PRE, "done")


def _refuse_stuck(ctx: Context, chosen: Selection) -> None:
    if not chosen.stuck:
        return
    names = entry_labels(chosen.stuck, ctx.task.inventory.schemas)
    caggs = sorted({name for entry in chosen.stuck for name in chosen.waits[entry.id]})
    raise failed(
        "tables-wait-for-aggregates",
        f"Tables need a continuous aggregate to be made: {', '.join(names)}.",
        where=ctx.task.source.label,
        why=f"A default, a column's type or the like reads {', '.join(caggs)}, which can only be "
        "made when the rows are there.",
        todo="Take the default or the column away on the source for the move, or use the full "
        "method; then start again.",
    )


async def _refuse_filled(ctx: Context, target: Connection) -> None:
    """Dropping is for what an interrupted restore made: empty, plain tables."""
    hypertables = {t.label for t in await read_hypertable_facts(target)}
    filled = sorted(hypertables)
    for schema, name, kind in await rows(target, _THERE):
        if kind != "r" or f"{schema}.{name}" in hypertables:
            continue
        query = sql.SQL("SELECT EXISTS (SELECT FROM ONLY {})").format(sql.Identifier(schema, name))
        if await value(target, query):
            filled.append(f"{schema}.{name}")
    if filled:
        raise failed(
            "not-clean",
            f"The schema's restore was interrupted, and somebody used it since: "
            f"{', '.join(filled[:5])} {'is' if len(filled) == 1 else 'are'} not empty.",
            where=ctx.task.target.label,
            why="Starting the restore again would drop them.",
            todo="Empty or drop them if nobody needs them, then resume; or take a new target.",
        )


async def _refuse_missing(ctx: Context, target: Connection, chosen: Selection) -> None:
    there = {f"{schema}.{name}" for schema, name, _kind in await rows(target, _THERE)}
    missing = sorted(set(_wanted(ctx)) - there)
    if missing:
        raise failed(
            "tables-missing",
            f"{len(missing)} tables could not be made on the target: {', '.join(missing[:10])}.",
            where=ctx.task.target.label,
            why="What the server said of each stands in the log, with a verdict.",
            todo="Mend it (often an extension that the target lacks), then resume; the restore "
            "of the schema starts again.",
        )


def _wanted(ctx: Context) -> Iterable[str]:
    inventory = ctx.task.inventory
    yield from (h.label for h in inventory.hypertables if not h.cagg)
    yield from (t.label for t in inventory.tables if t.kind is not TableKind.MATVIEW)
