"""Watermarks and valid ranges as on the source, set on continuous aggregates that are still empty.

A refresh writes them, and none can be told to compute nothing. But a refresh of an empty hypertable
has nothing to compute: it takes the window out of the log of what is invalid and moves the
threshold. Watermarks: see `watermark`.

Belongs before any chunk is created. Triggers that log changes stay where they are: without one
some versions (2.22 to 2.24) take a hypertable for one whose changes are read from the WAL. What
they log of the rows that are put there is taken out with the valid ranges: all watermarks are set
before any range.
"""

from psycopg import Error

from tswizard.core.catalog.cagg_model import CaggState
from tswizard.core.catalog.cagg_state import read_cagg_states
from tswizard.core.catalog.catalog_shape import CAGG, read_shape
from tswizard.core.db.connection import Connection, connected, enter_snapshot, value
from tswizard.core.model.events import Unit
from tswizard.core.model.finding import Finding, Level
from tswizard.core.model.kept_history import kept_caggs
from tswizard.core.model.wording import plural
from tswizard.core.run.context import Context, StepSkipped
from tswizard.core.split.caggs.refresh import Refresh, run_refresh
from tswizard.core.split.caggs.valid_ranges import valid_ranges, window_start
from tswizard.core.split.caggs.watermark import WatermarkSetter
from tswizard.core.split.copy.target_connection import SKIP_LOGGING
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
    async with (
        connected(ctx.task.source, row_security=False) as source,
        schema_session(ctx) as target,
    ):
        await enter_snapshot(source, ctx.snapshot)
        states = await read_cagg_states(source, await read_shape(source), kept)
        await target.execute(SKIP_LOGGING)
        if await read_restore_state(target, ctx.run_folder.record.id, _PART) == "done":
            return
        refresh = await Refresh.of(target, ctx.task.target_server.timescaledb_schema or "public")
        facts = await read_cagg_facts(target)
        some = [(facts[label], state) for label, state in states.items() if label in facts]
        watermarks = WatermarkSetter(ctx=ctx, source=source, target=target, refresh=refresh)
        unseeded = []
        for done, (made, state) in enumerate(some):
            await ctx.unpaused()
            ctx.progress(done, 2 * len(some), Unit.ITEMS, made.cagg.label)
            if not await watermarks.set(made, state):
                unseeded.append(made.cagg.label)
        for done, (made, state) in enumerate(some, len(some)):
            await ctx.unpaused()
            ctx.progress(done, 2 * len(some), Unit.ITEMS, made.cagg.label)
            await _mark(ctx, target, refresh, made, state)
        ctx.progress(2 * len(some), 2 * len(some), Unit.ITEMS)
        await write_restore_state(target, ctx.run_folder.record.id, _PART, "done")
    if unseeded:
        ctx.found(_unseeded(unseeded, ctx.task.target.label))


_THRESHOLD = f"""
SELECT t.watermark FROM {CAGG} g
JOIN _timescaledb_catalog.continuous_aggs_invalidation_threshold t
  ON t.hypertable_id = g.raw_hypertable_id
WHERE g.user_view_schema = %s AND g.user_view_name = %s
"""


async def _mark(
    ctx: Context, target: Connection, refresh: Refresh, made: CaggFacts, state: CaggState
) -> None:
    """Take the valid ranges out of what is invalid.

    Integers: a window without a start leaves an entry below the first value that every later
    refresh of everything fails on. So the first range gets a start of its own, and a refresh of
    everything follows, which ends at the threshold: left out where that lies further on.
    """
    for valid in valid_ranges(state):
        start = window_start(state, valid)
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


def _unseeded(labels: list[str], where: str) -> Finding:
    return Finding(
        Level.LOOK,
        "cagg-watermark",
        f"The watermark of {plural(len(labels), 'continuous aggregate')} could not be set as on "
        "the source.",
        where=where,
        why="Real-time ones compute from the raw rows what is after the watermark, and hide "
        "what is materialized there. TimescaleDB before 2.17 moves it only by computing a row, "
        "and no raw row of the source gave one.",
        todo="Refresh the last bucket that is materialized, where its raw rows are there: "
        "CALL refresh_continuous_aggregate(…).",
        details=tuple(labels),
    )
