"""Has a table been written to since? The server's own counters tell, roughly but honestly.

https://www.postgresql.org/docs/current/monitoring-stats.html#MONITORING-PG-STAT-ALL-TABLES-VIEW:
they arrive with up to a second's delay and can be reset, so they may say "written" where nothing
was, hardly the other way round.
"""

from tswizard.core.db.connection import Connection, rows
from tswizard.core.model.write_counters import WriteCounters

_WRITTEN = """
SELECT s.schemaname || '.' || s.relname, s.n_tup_ins, s.n_tup_upd, s.n_tup_del
FROM pg_catalog.pg_stat_all_tables s
WHERE s.schemaname NOT IN ('pg_catalog', 'information_schema') AND s.schemaname !~ '^pg_toast'
"""


async def read_counters(connection: Connection) -> WriteCounters:
    """How often each table was written to, now; read once before the dump and once after."""
    return WriteCounters(
        {
            name: (inserted, updated, deleted)
            for name, inserted, updated, deleted in await rows(connection, _WRITTEN)
        }
    )
