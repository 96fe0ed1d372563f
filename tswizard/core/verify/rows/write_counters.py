"""Which tables have been written to: the server's cumulative statistics.

https://www.postgresql.org/docs/current/monitoring-stats.html#MONITORING-PG-STAT-ALL-TABLES-VIEW:
they are updated with a delay of up to a second and can be reset, so they may show writes where
there were none, hardly the other way around.
"""

from tswizard.core.db.connection import Connection, rows
from tswizard.core.model.write_counters import WriteCounters

_WRITTEN = """
SELECT s.schemaname || '.' || s.relname, s.n_tup_ins, s.n_tup_upd, s.n_tup_del
FROM pg_catalog.pg_stat_all_tables s
WHERE s.schemaname NOT IN ('pg_catalog', 'information_schema') AND s.schemaname !~ '^pg_toast'
"""


async def read_counters(connection: Connection) -> WriteCounters:
    """The counters as they are now; read once before the dump and once after."""
    return WriteCounters(
        {
            name: (inserted, updated, deleted)
            for name, inserted, updated, deleted in await rows(connection, _WRITTEN)
        }
    )
