"""The check of a split migration: as strict as the full one, on ends that were made differently."""

from functools import partial

from tswizard.core.run.context import Context
from tswizard.core.split.schema.hypertable_facts import read_hypertable_facts
from tswizard.core.split.schema.normalize import NotMigrated, normalize, read_not_migrated
from tswizard.core.split.schema.toc_selection import read_selection
from tswizard.core.steps.compare import compare_ends
from tswizard.core.verify import Comparability
from tswizard.core.verify.database_reader import DatabaseReader
from tswizard.core.verify.rows.row_sets import RowSet, SetKind
from tswizard.core.verify.schema.read import Schema

_THERE = """
SELECT user_view_schema || '.' || user_view_name FROM _timescaledb_catalog.continuous_agg
"""


async def check(ctx: Context) -> None:
    """Compare both ends; aggregates that were left out, and what stands on them, are not missed."""
    chosen = await read_selection(ctx)

    async def schemas(
        source: DatabaseReader, target: DatabaseReader, ours: Schema, theirs: Schema
    ) -> tuple[Schema, Schema]:
        there = [name for (name,) in await target.fetch(_THERE)]
        left_out = await source.run(lambda c: read_not_migrated(c, chosen, there))
        absent.append(left_out)
        return normalize(
            (ours, await source.run(read_hypertable_facts)),
            (theirs, await target.run(read_hypertable_facts)),
            left_out,
        )

    absent: list[NotMigrated] = []
    caggs = frozenset(cagg.label for cagg in ctx.task.inventory.caggs)
    await compare_ends(ctx, Comparability(schemas, partial(_expected, absent=absent, caggs=caggs)))


def _expected(rows: RowSet, absent: list[NotMigrated], caggs: frozenset[str]) -> bool:
    """Was this set of rows to arrive? Not an aggregate's, nor those of what waits for one."""
    if rows.name in caggs:
        return False
    if rows.kind is not SetKind.MATVIEW:
        return True
    left_out = {identity.replace('"', "") for some in absent for identity in some.identities}
    return rows.name not in left_out
