"""The check of a split migration: as strict as the full one, on ends that were made differently."""

from functools import partial

from tswizard.core.run.context import Context
from tswizard.core.split.schema.hypertable_facts import read_hypertables
from tswizard.core.split.schema.normalize import LeftOut, alike, read_left_out
from tswizard.core.split.schema.selected import selection
from tswizard.core.steps.compare import check as compare_all
from tswizard.core.verify import Likeness
from tswizard.core.verify.rows.row_sets import RowSet, SetKind
from tswizard.core.verify.schema.read import Schema
from tswizard.core.verify.session import Side

_THERE = """
SELECT user_view_schema || '.' || user_view_name FROM _timescaledb_catalog.continuous_agg
"""


async def check(ctx: Context) -> None:
    """Compare both ends; aggregates that were left out, and what stands on them, are not missed."""
    chosen = await selection(ctx)

    async def schemas(
        source: Side, target: Side, ours: Schema, theirs: Schema
    ) -> tuple[Schema, Schema]:
        there = [name for (name,) in await target.fetch(_THERE)]
        left_out = await source.run(lambda c: read_left_out(c, chosen, there))
        absent.append(left_out)
        return alike(
            (ours, await source.run(read_hypertables)),
            (theirs, await target.run(read_hypertables)),
            left_out,
        )

    absent: list[LeftOut] = []
    caggs = frozenset(cagg.label for cagg in ctx.task.inventory.caggs)
    await compare_all(ctx, Likeness(schemas, partial(_expected, absent=absent, caggs=caggs)))


def _expected(rows: RowSet, absent: list[LeftOut], caggs: frozenset[str]) -> bool:
    """Was this set of rows to arrive? Not an aggregate's, nor those of what waits for one."""
    if rows.name in caggs:
        return False
    if rows.kind is not SetKind.MATVIEW:
        return True
    left_out = {identity.replace('"', "") for some in absent for identity in some.identities}
    return rows.name not in left_out
