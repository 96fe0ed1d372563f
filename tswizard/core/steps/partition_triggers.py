"""Triggers of partitions that fire otherwise than their partitioned table's.

pg_dump writes only their state (`ALTER TABLE … DISABLE TRIGGER`, `dumpTrigger` in pg_dump.c). For a
partition of a partition it does so before the trigger of the partitioned table, which creates
theirs (measured with 15.18). So these entries are restored after all others.
"""

from tswizard.core.db.connection import connected, rows
from tswizard.core.model.plan import Task

# https://www.postgresql.org/docs/current/catalog-pg-trigger.html: tgparentid is there since 13
_STATES = """
SELECT t.oid::bigint FROM pg_catalog.pg_trigger t
JOIN pg_catalog.pg_trigger p ON p.oid = t.tgparentid
WHERE t.tgenabled <> p.tgenabled
"""


async def partition_triggers(task: Task) -> frozenset[int]:
    """OIDs of these triggers of the source. Raises CannotConnect, psycopg.Error."""
    if task.inventory.server.major < 13:
        return frozenset()
    async with connected(task.source) as source:
        return frozenset(oid for (oid,) in await rows(source, _STATES))
