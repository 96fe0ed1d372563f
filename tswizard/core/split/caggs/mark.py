"""Watermarks and valid ranges as on the source, set on continuous aggregates that are still empty.

Only a refresh writes them, and none can be told to compute nothing. But a refresh of an empty
hypertable has nothing to compute: it takes the window out of the log of what is invalid and moves
the threshold. The watermark follows the last row of the materialization, so rows are put there and
taken away again: a refresh of a window below the last one finds something to delete, which from
2.17 on is enough to move it (tsl/src/continuous_aggs/materialize.c).

Belongs before any chunk is created. Triggers that log changes stay where they are: without one
some versions (2.22 to 2.24) take a hypertable for one whose changes are read from the WAL. What
they log of the rows that are put there is taken out with the valid ranges: all watermarks are set
before any range.
"""

from contextlib import suppress

from psycopg import Error, sql

from tswizard.core.catalog.cagg_model import CaggState
from tswizard.core.catalog.cagg_state import WATERMARK, moment, read_cagg_states
from tswizard.core.catalog.catalog_shape import CAGG, Shape, read_shape
from tswizard.core.db.connection import Connection, connected, rows, value
from tswizard.core.model.events import Unit
from tswizard.core.model.finding import Finding, Level
from tswizard.core.run.context import Context, StepSkipped
from tswizard.core.split.caggs.chosen import kept_caggs
from tswizard.core.split.caggs.refresh import Refresh, run_refresh
from tswizard.core.split.caggs.valid_ranges import ValidRange, valid_ranges
from tswizard.core.split.copy.snapshot import enter_snapshot
from tswizard.core.split.copy.workers import SKIP_LOGGING
from tswizard.core.split.schema.cagg_facts import CaggFacts, read_cagg_facts
from tswizard.core.split.schema.execute import refusal_message
from tswizard.core.split.schema.restore_state import read_restore_state, write_restore_state
from tswizard.core.split.schema.target_session import schema_session

_PART = "cagg-ranges"


async def mark_ranges(ctx: Context) -> None:
    """Set both on every continuous aggregate whose rows are copied. Raises psycopg.Error.

    Begun and not done: the rows that were put there are taken away, and it starts again.
    """
    kept = {cagg.label for cagg in kept_caggs(ctx.task.inventory, ctx.task.answers)}
    if not kept:
        raise StepSkipped("no continuous aggregate keeps its rows")
    states = await read_source_states(ctx, kept)
    async with schema_session(ctx) as target:
        await target.execute(SKIP_LOGGING)
        if await read_restore_state(target, ctx.run_folder.record.id, _PART) == "done":
            return
        refresh = await Refresh.of(target, ctx.task.target_server.timescaledb_schema or "public")
        facts = await read_cagg_facts(target)
        some = [(facts[label], state) for label, state in states.items() if label in facts]
        unseeded = []
        for done, (made, state) in enumerate(some):
            await ctx.unpaused()
            ctx.progress(done, 2 * len(some), Unit.ITEMS, made.cagg.label)
            if not await _seed(ctx, target, refresh, made, state):
                unseeded.append(made.cagg.label)
        for done, (made, state) in enumerate(some, len(some)):
            await ctx.unpaused()
            ctx.progress(done, 2 * len(some), Unit.ITEMS, made.cagg.label)
            await _mark(ctx, target, refresh, made, state)
        ctx.progress(2 * len(some), 2 * len(some), Unit.ITEMS)
        await write_restore_state(target, ctx.run_folder.record.id, _PART, "done")
    if unseeded:
        ctx.found(_unseeded(unseeded, ctx.task.target.label))


async def read_source_states(ctx: Context, labels: set[str]) -> dict[str, CaggState]:
    """How far those of the source are materialized, as of the run's snapshot; parents first."""
    async with connected(ctx.task.source, row_security=False) as source:
        await enter_snapshot(source, ctx.snapshot)
        return await read_cagg_states(source, await read_shape(source), labels)


async def _seed(
    ctx: Context, target: Connection, refresh: Refresh, made: CaggFacts, state: CaggState
) -> bool:
    """Bring the watermark to where it is on the source. False when it would not go there."""
    await _empty(target, made)
    if state.watermark is None or state.last is None:
        return True
    if await _watermark(target, refresh.shape, made) == state.watermark:
        return True
    last, before = state.last, state.last - _unit(state)
    start = last - 2 * state.width
    insert = sql.SQL("INSERT INTO {} ({}) VALUES ({}), ({})").format(
        sql.Identifier(made.materialization.schema, made.materialization.name),
        sql.Identifier(state.time_column),
        moment(refresh.shape, state.time_type, last),
        moment(refresh.shape, state.time_type, before),
    )
    try:
        await target.execute(insert)
        await run_refresh(ctx, target, refresh.statement(made, state.time_type, start, last))
    finally:
        with suppress(Error):  # tried again before anything else
            await _empty(target, made)
    return await _watermark(target, refresh.shape, made) == state.watermark


def _unit(state: CaggState) -> int:
    """The smallest step of the type, in internal time."""
    return 86_400_000_000 if state.time_type == "date" else 1


_THRESHOLD = f"""
SELECT t.watermark FROM {CAGG} g
JOIN _timescaledb_catalog.continuous_aggs_invalidation_threshold t
  ON t.hypertable_id = g.raw_hypertable_id
WHERE g.user_view_schema = %s AND g.user_view_name = %s
"""

_CHUNKS = """
SELECT pg_catalog.format('%%I.%%I', n.nspname, c.relname)
FROM pg_catalog.pg_inherits i
JOIN pg_catalog.pg_class c ON c.oid = i.inhrelid
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE i.inhparent = pg_catalog.to_regclass(%s)
"""


async def _empty(target: Connection, made: CaggFacts) -> None:
    """Take away what was put into a materialization, with the chunks that it made: chunks come
    with the source's own slices."""
    for (chunk,) in await rows(target, _CHUNKS, (made.materialization.sql,)):
        await target.execute(f"DROP TABLE {chunk}".encode())


async def _watermark(target: Connection, shape: Shape, made: CaggFacts) -> int | None:
    if not shape.has(WATERMARK):
        return None
    found = await value(
        target,
        f"SELECT w.watermark FROM {WATERMARK} w JOIN _timescaledb_catalog.hypertable h "
        "ON h.id = w.mat_hypertable_id WHERE h.schema_name = %s AND h.table_name = %s",
        (made.materialization.schema, made.materialization.name),
    )
    return None if found is None else int(found)


async def _mark(
    ctx: Context, target: Connection, refresh: Refresh, made: CaggFacts, state: CaggState
) -> None:
    """Take the valid ranges out of what is invalid.

    Integers: a window without a start leaves an entry below the first value that every later
    refresh of everything fails on. So the first range gets a start of its own, and a refresh of
    everything follows, which ends at the threshold: left out where that lies further on.
    """
    for valid in valid_ranges(state):
        start = valid.start
        if state.integer and start is None:
            start = _integer_start(state, valid)
        try:
            await run_refresh(
                ctx, target, refresh.statement(made, state.time_type, start, valid.end)
            )
        except Error as error:
            # A range that holds no whole bucket is none that could be valid.
            if "refresh window too small" not in refusal_message(error):
                raise
            continue
        if start != valid.start and await _threshold(target, made) == valid.end:
            await run_refresh(ctx, target, refresh.statement(made, state.time_type, None, None))


async def _threshold(target: Connection, made: CaggFacts) -> int | None:
    """Up to where changes of what it reads are logged."""
    found = await value(target, _THRESHOLD, (made.cagg.schema, made.cagg.name))
    return None if found is None else int(found)


def _integer_start(state: CaggState, valid: ValidRange) -> int:
    if valid.start is not None:
        return valid.start
    first = min(t for t in (state.first, state.first_raw, valid.end) if t is not None)
    return first - state.width


def _unseeded(labels: list[str], where: str) -> Finding:
    return Finding(
        Level.LOOK,
        "cagg-watermark",
        f"The watermark of {len(labels)} continuous aggregates could not be set as on the source.",
        where=where,
        why="Real-time ones compute from the raw rows what lies behind the watermark, and hide "
        "what is materialized there. TimescaleDB before 2.17 moves it only by computing rows.",
        todo="Refresh the last bucket that is materialized, where its raw rows are there: "
        "CALL refresh_continuous_aggregate(…).",
        details=tuple(labels),
    )
