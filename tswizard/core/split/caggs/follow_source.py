"""Watermarks and valid ranges that moved on the source after the target was marked.

A run that is resumed, or had to take a new snapshot, copies materialized rows as they are then;
the source may have refreshed them, or logged changes, in between. Only the catalog can say so
without computing anything: a role that may write it, as the cloud's may, writes it; for any other
the check names what differs.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from psycopg import Error, sql

from tswizard.core.catalog.cagg_model import CaggState
from tswizard.core.catalog.cagg_state import LOG, NO_BEGIN, NO_END, WATERMARK
from tswizard.core.catalog.catalog_shape import CAGG
from tswizard.core.db.concurrency import both
from tswizard.core.db.connection import Connection, connected, enter_snapshot, rows
from tswizard.core.model.kept_history import kept_caggs
from tswizard.core.run.context import Context
from tswizard.core.split.caggs.compare import read_states, stored_ranges
from tswizard.core.split.caggs.valid_ranges import ValidRange, valid_ranges
from tswizard.core.split.schema.execute import refusal_message

_THRESHOLD = "_timescaledb_catalog.continuous_aggs_invalidation_threshold"

_IDS = f"""
SELECT mat_hypertable_id, raw_hypertable_id FROM {CAGG}
WHERE user_view_schema || '.' || user_view_name = %s
"""

_MOVE_THRESHOLD = f"""
INSERT INTO {_THRESHOLD} AS t (hypertable_id, watermark) VALUES (%s, %s)
ON CONFLICT (hypertable_id) DO UPDATE
SET watermark = GREATEST(t.watermark, excluded.watermark)
"""


@dataclass(frozen=True, slots=True)
class _Moved:
    """One whose state is another one on the source."""

    label: str
    expected: CaggState
    ranges: tuple[ValidRange, ...]
    """That are to be valid."""


async def follow_source(ctx: Context) -> None:
    """Bring the target's watermarks and valid ranges to what the source has in the run's snapshot.

    Does nothing where they are that already. Raises CannotConnect, psycopg.Error.
    """
    kept = [cagg.label for cagg in kept_caggs(ctx.task.inventory, ctx.task.answers)]
    if not kept:
        return
    async with (
        connected(ctx.task.source, row_security=False) as source,
        connected(ctx.task.target) as target,
    ):
        await enter_snapshot(source, ctx.snapshot)
        expected, stored = await both(read_states(source), read_states(target))
        for label in kept:
            if label not in expected or label not in stored:
                continue
            moved = _Moved(label, expected[label], valid_ranges(expected[label]))
            if not _same(moved, stored[label]):
                await _follow(ctx, target, moved)


def _same(moved: _Moved, stored: CaggState) -> bool:
    return moved.expected.watermark == stored.watermark and stored_ranges(stored) == moved.ranges


async def _follow(ctx: Context, target: Connection, moved: _Moved) -> None:
    try:
        async with target.transaction():
            await _write(target, moved)
    except Error as error:
        ctx.say(f"{moved.label} cannot follow the source: {refusal_message(error)}")
    else:
        ctx.say(f"{moved.label} was refreshed or changed on the source, and is marked as there")


async def _write(target: Connection, moved: _Moved) -> None:
    id, raw = (await rows(target, _IDS, (moved.label,)))[0]
    await target.execute(f"DELETE FROM {LOG} WHERE materialization_id = %s".encode(), (id,))
    insert = sql.SQL("INSERT INTO {} VALUES (%s, %s, %s)").format(sql.Identifier(*LOG.split(".")))
    for low, high in invalid_spans(moved.ranges):
        await target.execute(insert, (id, low, high))
    if moved.expected.watermark is not None:
        await target.execute(
            f"UPDATE {WATERMARK} SET watermark = %s WHERE mat_hypertable_id = %s".encode(),
            (moved.expected.watermark, id),
        )
    if moved.ranges:
        await target.execute(_MOVE_THRESHOLD.encode(), (raw, moved.ranges[-1].end))


def invalid_spans(valid: Sequence[ValidRange]) -> Iterator[tuple[int, int]]:
    """All other times as the log has them, both ends inclusive; `valid` is in order."""
    low = NO_BEGIN
    for span in valid:
        if span.start is not None and span.start > low:
            yield low, span.start - 1
        low = span.end
    yield low, NO_END
