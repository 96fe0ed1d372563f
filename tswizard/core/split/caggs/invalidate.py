"""What became invalid on the source after the target was marked: a run that is resumed copies such
rows again, and their buckets have to be computed again on the target as well.

Only the log itself can say so without touching rows: a role that may write to it, as the cloud's
may, adds to it; for any other the check names what differs.
"""

from collections.abc import Iterator, Sequence

from psycopg import Error, sql

from tswizard.core.catalog.catalog_shape import CAGG
from tswizard.core.db.connection import connected, value
from tswizard.core.run.context import Context
from tswizard.core.split.caggs.chosen import kept_caggs
from tswizard.core.split.caggs.compare import read_states, stored_ranges
from tswizard.core.split.caggs.valid_ranges import ValidRange, valid_ranges
from tswizard.core.split.copy.snapshot import enter_snapshot
from tswizard.core.split.schema.execute import refusal_message

_ALWAYS = -(1 << 63)
"""The earliest time that the log can hold."""

_LOG = sql.Identifier("_timescaledb_catalog", "continuous_aggs_materialization_invalidation_log")

_ID = f"""
SELECT mat_hypertable_id FROM {CAGG} WHERE user_view_schema || '.' || user_view_name = %s
"""


async def invalidate_as_source(ctx: Context) -> None:
    """Add to the target's log what is invalid on the source alone. Raises CannotConnect,
    psycopg.Error."""
    async with connected(ctx.task.source) as source:
        await enter_snapshot(source, ctx.snapshot)
        expected = await read_states(source)
    kept = [cagg.label for cagg in kept_caggs(ctx.task.inventory, ctx.task.answers)]
    async with connected(ctx.task.target) as target:
        stored = await read_states(target)
        for label in kept:
            if label not in expected or label not in stored:
                continue
            beyond = uncovered(stored_ranges(stored[label]), valid_ranges(expected[label]))
            for start, end in beyond:
                insert = sql.SQL("INSERT INTO {} VALUES (%s, %s, %s)").format(_LOG)
                id = await value(target, _ID, (label,))
                try:
                    async with target.transaction():
                        await target.execute(insert, (id, start, end - 1))
                except Error as error:
                    ctx.say(f"{label} cannot be marked as changed: {refusal_message(error)}")
                else:
                    ctx.say(f"{label} is marked as changed from {start} to {end}, as on the source")


def uncovered(
    stored: Sequence[ValidRange], expected: Sequence[ValidRange]
) -> Iterator[tuple[int, int]]:
    """Parts of the stored ranges that no expected one covers; both are in order."""
    for span in stored:
        low = _ALWAYS if span.start is None else span.start
        for other in expected:
            start = _ALWAYS if other.start is None else other.start
            if other.end <= low or start >= span.end:
                continue
            if start > low:
                yield low, start
            low = max(low, other.end)
        if low < span.end:
            yield low, span.end
