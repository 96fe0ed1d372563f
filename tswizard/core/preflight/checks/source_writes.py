"""Does anybody write to the source?"""

import asyncio
from collections.abc import AsyncIterator

from tswizard.core.db.connection import batch, connected, value
from tswizard.core.db.endpoint import Endpoint
from tswizard.core.model.finding import Finding
from tswizard.core.model.prepared import Prepared
from tswizard.core.model.wording import plural
from tswizard.core.preflight.check import AnyCheck, Side, Trial
from tswizard.core.preflight.wording import look, passed

WATCHED = 2
"""Seconds for which the source is watched."""

# Not pg_stat_database: it also counts what ANALYZE, DDL and TimescaleDB's scheduler write.
_WRITTEN = """
SELECT sum(n_tup_ins + n_tup_upd + n_tup_del)::bigint FROM pg_catalog.pg_stat_user_tables t
WHERE t.schemaname !~ '^pg_' AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d
  WHERE d.classid = 'pg_catalog.pg_class'::regclass AND d.objid = t.relid AND d.deptype = 'e')
"""


_NEW_FIGURES = "SELECT pg_catalog.pg_stat_clear_snapshot()"


async def _writes(prepared: Prepared) -> AsyncIterator[Finding]:
    if prepared.inventory.server.in_recovery:
        return  # a standby counts nobody's writes; that it is one is said
    written = await rows_written(prepared.source)
    where = prepared.source.label
    why = (
        "The source is migrated as it is when reading begins. Rows written later are not migrated; "
        "the check counts and names them."
    )
    if written <= 0:
        yield passed(
            "source-writes",
            f"No writes to the source in the last {WATCHED} seconds.",
            where=where,
            why=why,
        )
        return
    yield look(
        "source-writes",
        f"The source is being written to ({plural(written, 'row')} in {WATCHED} seconds).",
        where=where,
        why=why,
        todo="Stop the writers before the run, or copy what they wrote afterward.",
    )


async def rows_written(source: Endpoint, seconds: float = WATCHED) -> int:
    """Rows inserted, updated or deleted on the source while we watch, by anybody.

    Raises CannotConnect, psycopg.Error.
    """
    async with connected(source) as connection:
        before = await value(connection, _WRITTEN)
        await asyncio.sleep(seconds)
        _, ((after,),) = await batch(connection, (_NEW_FIGURES, _WRITTEN))
    return int((after or 0) - (before or 0))


SOURCE_WRITE_CHECKS: tuple[AnyCheck, ...] = (
    Trial(gives=("source-writes",), run=_writes, side=Side.SOURCE, settled_by_check=True),
)
