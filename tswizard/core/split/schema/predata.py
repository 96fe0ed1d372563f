"""The part of the schema that rows need: schemas, types, functions, tables, views."""

from collections.abc import Iterator

from psycopg import sql

from tswizard.core.catalog.inventory import TableKind
from tswizard.core.catalog.tables import NOT_USERS
from tswizard.core.db.connection import Connection, connected, rows, value
from tswizard.core.dump.toc import PRE
from tswizard.core.model.wording import plural
from tswizard.core.run.context import Context, failed
from tswizard.core.split.schema.cagg_dependents import write_dependents_list
from tswizard.core.split.schema.hypertable_facts import read_hypertable_facts
from tswizard.core.split.schema.late_checks import drop_late_checks
from tswizard.core.split.schema.restore import entry_labels, restore_entries
from tswizard.core.split.schema.restore_state import read_restore_state, write_restore_state
from tswizard.core.split.schema.toc_selection import Selection, read_selection

_TABLES = f"""
SELECT n.nspname::text, c.relname::text, c.relkind::text
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p', 'f', 'm')
  AND {NOT_USERS}
"""


async def restore_pre_data(ctx: Context) -> None:
    """Restore it. Raises StepFailed, CannotConnect, psycopg.Error.

    If an earlier attempt did not finish, it is restored from the start, which drops what that
    attempt created: empty tables only.
    """
    chosen = await read_selection(ctx)
    _refuse_dependent_tables(ctx, chosen)
    write_dependents_list(ctx.task, chosen)
    run = ctx.run_folder.record.id
    async with connected(ctx.task.target) as target:
        state = await read_restore_state(target, run, PRE)
        if state == "begun":
            await _refuse_filled_tables(ctx, target)
        if state != "done":
            await write_restore_state(target, run, PRE, "begun")
    if state == "done":
        ctx.say("already restored by an earlier attempt")
        return
    if state == "begun":
        ctx.say("an earlier attempt was interrupted: what it created is dropped and restored")
    await restore_entries(ctx, chosen.pre, PRE, PRE, drop_first=state == "begun")
    async with connected(ctx.task.target) as target:
        await _refuse_missing_tables(ctx, target)
    await drop_late_checks(ctx)
    async with connected(ctx.task.target) as target:
        await write_restore_state(target, run, PRE, "done")


def _refuse_dependent_tables(ctx: Context, chosen: Selection) -> None:
    tables = chosen.dependent_tables
    if not tables:
        return
    labels = entry_labels(tables, ctx.task.inventory.schemas)
    caggs = sorted({cagg for entry in tables for cagg in chosen.required_caggs[entry.id]})
    raise failed(
        "tables-depend-on-caggs",
        f"Tables depend on a continuous aggregate: {', '.join(labels)}.",
        where=ctx.task.source.label,
        why=f"A default or a column's type reads {', '.join(caggs)}, which can only be created "
        "after the rows were copied.",
        todo="Drop the default or the column on the source for the migration, or use the full "
        "method; then start a new run.",
    )


async def _refuse_filled_tables(ctx: Context, target: Connection) -> None:
    """Only what an interrupted restore created may be dropped: plain tables without rows."""
    hypertables = {table.label for table in await read_hypertable_facts(target)}
    filled = sorted(hypertables)
    for schema, name, kind in await rows(target, _TABLES):
        if kind != "r" or f"{schema}.{name}" in hypertables:
            continue
        query = sql.SQL("SELECT EXISTS (SELECT FROM ONLY {})").format(sql.Identifier(schema, name))
        if await value(target, query):
            filled.append(f"{schema}.{name}")
    if filled:
        raise failed(
            "not-clean",
            "The restore of the schema was interrupted, and the target has been used since: "
            f"{', '.join(filled[:5])} {'is' if len(filled) == 1 else 'are'} not empty.",
            where=ctx.task.target.label,
            why="Restarting the restore would drop them.",
            todo="Empty or drop them if they are not needed, then resume; or use a new target.",
        )


async def _refuse_missing_tables(ctx: Context, target: Connection) -> None:
    restored = {f"{schema}.{name}" for schema, name, _kind in await rows(target, _TABLES)}
    missing = sorted(set(_expected_tables(ctx)) - restored)
    if missing:
        raise failed(
            "tables-missing",
            f"{plural(len(missing), 'table')} could not be created on the target: "
            f"{', '.join(missing[:10])}.",
            where=ctx.task.target.label,
            why="The server's messages are in the log, each with a verdict.",
            todo="Fix the cause (often an extension that the target lacks), then resume; the "
            "schema is restored from the start.",
        )


def _expected_tables(ctx: Context) -> Iterator[str]:
    inventory = ctx.task.inventory
    yield from (h.label for h in inventory.hypertables if not h.cagg)
    yield from (t.label for t in inventory.tables if t.kind is not TableKind.MATVIEW)
