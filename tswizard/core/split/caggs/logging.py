"""Invalidation logging of the target, off while rows arrive and on again afterward.

A row that is written below what was ever refreshed is logged, and the next refresh computes its
bucket again. Rows that are copied change nothing: their buckets come with them. How it is turned
off differs:

- up to 2.22 a trigger on each hypertable logs: it is dropped and created again from the target's
  own definition, which `_tswizard.invalidation_logging` holds in between, written in the
  transaction that drops the trigger and removed in the one that creates it;
- from 2.28 on `timescaledb.skip_cagg_invalidation` turns it off for a session (`copy.workers`);
- in between nothing does: what the copy has logged is removed from the log afterward, where the
  role may do that, as the cloud's may.
"""

from contextlib import suppress
from dataclasses import dataclass

from psycopg import Error, sql

from tswizard.core.catalog.cagg_state import RAW_LOG
from tswizard.core.catalog.catalog_shape import CAGG, HYPERTABLE
from tswizard.core.db.connection import Connection, connected, rows, value
from tswizard.core.model.finding import Finding, Level
from tswizard.core.model.wording import plural
from tswizard.core.run.context import Context, PutBack, StepSkipped, failed
from tswizard.core.split.schema.execute import refusal_message, run_statements
from tswizard.core.split.schema.target_session import schema_session

TRIGGER = "ts_cagg_invalidation_trigger"

_JOURNAL = """
CREATE SCHEMA IF NOT EXISTS _tswizard;
CREATE TABLE IF NOT EXISTS _tswizard.invalidation_logging (
  hypertable text PRIMARY KEY, trigger text NOT NULL)
"""
_JOURNAL_NAME = "_tswizard.invalidation_logging"

# Hypertables that continuous aggregates read, and the trigger on each, as this end made it.
_LOGGED = f"""
SELECT DISTINCT h.id, pg_catalog.format('%I.%I', n.nspname, c.relname),
  pg_catalog.pg_get_triggerdef(t.oid)
FROM {CAGG} g
JOIN {HYPERTABLE} h ON h.id = g.raw_hypertable_id
JOIN pg_catalog.pg_namespace n ON n.nspname = h.schema_name
JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relname = h.table_name
LEFT JOIN pg_catalog.pg_trigger t ON t.tgrelid = c.oid AND t.tgname = '{TRIGGER}'
ORDER BY 2
"""

# Chunks of these hypertables that lack the trigger.
_BARE = f"""
SELECT pg_catalog.format('%I.%I', n.nspname, c.relname)
FROM {CAGG} g
JOIN {HYPERTABLE} h ON h.id = g.raw_hypertable_id
JOIN pg_catalog.pg_namespace hn ON hn.nspname = h.schema_name
JOIN pg_catalog.pg_class hc ON hc.relnamespace = hn.oid AND hc.relname = h.table_name
JOIN pg_catalog.pg_inherits i ON i.inhparent = hc.oid
JOIN pg_catalog.pg_class c ON c.oid = i.inhrelid
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_trigger t
  WHERE t.tgrelid = c.oid AND t.tgname = '{TRIGGER}')
GROUP BY 1 ORDER BY 1
"""

_KNOWN = """
SELECT EXISTS (SELECT FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_namespace n
  ON n.oid = p.pronamespace WHERE p.proname = 'continuous_agg_invalidation_trigger'
  AND n.nspname IN ('_timescaledb_functions', '_timescaledb_internal'))
"""


@dataclass(frozen=True, slots=True)
class Logged:
    """A hypertable that continuous aggregates read."""

    id: int
    name: str
    """Quoted."""
    trigger: str | None
    """CREATE TRIGGER of what logs its changes; None where the extension does it by itself, and
    while it is off."""


async def read_logged(target: Connection) -> tuple[Logged, ...]:
    """All of the target."""
    return tuple(Logged(*row) for row in await rows(target, _LOGGED))


async def turn_off(ctx: Context) -> None:
    """Drop the triggers, each noted in the transaction that drops it. Raises psycopg.Error."""
    async with schema_session(ctx) as target:
        logged = [table for table in await read_logged(target) if table.trigger]
        if not logged:
            return
        await target.execute(_JOURNAL)
        for table in logged:
            async with target.transaction():
                await target.execute(
                    f"INSERT INTO {_JOURNAL_NAME} VALUES (%s, %s) "
                    "ON CONFLICT (hypertable) DO UPDATE SET trigger = excluded.trigger",
                    (table.name, table.trigger),
                )
                await run_statements(ctx, target, f"DROP TRIGGER {TRIGGER} ON {table.name}")


async def turn_on(ctx: Context) -> None:
    """Create again what was dropped. Raises StepSkipped when nothing was, psycopg.Error."""
    async with connected(ctx.task.target) as target:
        dropped = await _dropped(target)
    if not dropped:
        raise StepSkipped("invalidations are recorded")
    async with schema_session(ctx) as target:
        there = {table.name: table for table in await read_logged(target)}
        for name, trigger in dropped:
            async with target.transaction():
                if name in there and there[name].trigger is None:
                    await run_statements(ctx, target, trigger)
                await target.execute(f"DELETE FROM {_JOURNAL_NAME} WHERE hypertable = %s", (name,))


async def _dropped(target: Connection) -> list[tuple[str, str]]:
    if await value(target, "SELECT pg_catalog.to_regclass(%s)", (_JOURNAL_NAME,)) is None:
        return []
    found = await rows(target, f"SELECT hypertable, trigger FROM {_JOURNAL_NAME} ORDER BY 1")
    return [(name, trigger) for name, trigger in found]


def logging_to_put_back() -> PutBack:
    """For whatever ends the run."""
    return PutBack(
        "Triggers that record invalidations of continuous aggregates may be missing on the target",
        turn_on,
    )


async def log_again(ctx: Context) -> None:
    """Turn it on and prove that it is, and that the copy left nothing in the log.

    Raises StepFailed when a hypertable or a chunk has no trigger that should have one.
    """
    with suppress(StepSkipped):
        await turn_on(ctx)
    async with connected(ctx.task.target) as target:
        logged = await read_logged(target)
        if not logged:
            raise StepSkipped("no continuous aggregate is on the target")
        if await value(target, _KNOWN) and (bare := await _without_trigger(target, logged)):
            raise failed(
                "invalidation-logging",
                "No invalidations are recorded for "
                f"{plural(len(bare), 'hypertable or chunk', 'hypertables and chunks')}.",
                where=ctx.task.target.label,
                why="Continuous aggregates would not notice what is changed there.",
                todo="Resume the run; if it fails again, create the trigger "
                f"{TRIGGER} on {bare[0]} as it is on other hypertables.",
            )
        left = await _clear_log(ctx, target, logged)
    if left:
        ctx.found(
            Finding(
                Level.LOOK,
                "invalidation-log",
                f"Invalidations of {plural(len(left), 'hypertable')} were recorded while their "
                "rows were copied.",
                where=ctx.task.target.label,
                why="This version of TimescaleDB cannot turn that off, and this role may not "
                "remove it from the log. The next refresh computes those buckets again.",
                todo="Nothing, where the raw rows of all those buckets are there; before "
                "a refresh that reaches beyond them, have the entries removed from "
                f"{RAW_LOG}.",
                details=tuple(left),
            )
        )


async def _without_trigger(target: Connection, logged: tuple[Logged, ...]) -> list[str]:
    bare = [table.name for table in logged if table.trigger is None]
    return bare + [name for (name,) in await rows(target, _BARE)]


async def _clear_log(ctx: Context, target: Connection, logged: tuple[Logged, ...]) -> list[str]:
    """Remove what the copy has logged; the hypertables for which that is refused."""
    left = []
    for table in logged:
        count = f"SELECT pg_catalog.count(*) FROM {RAW_LOG} WHERE hypertable_id = %s"
        if not (number := await value(target, count, (table.id,))):
            continue
        ctx.say(f"removed from the log of {table.name}: {number} entries of the copy")
        remove = sql.SQL("DELETE FROM {} WHERE hypertable_id = %s").format(
            sql.Identifier(*RAW_LOG.split("."))
        )
        try:
            async with target.transaction():
                await target.execute(remove, (table.id,))
        except Error as error:
            left.append(f"{table.name}: {refusal_message(error)}")
    return left
