"""Which tables have been written to: the server's cumulative statistics.

https://www.postgresql.org/docs/current/monitoring-stats.html#MONITORING-PG-STAT-ALL-TABLES-VIEW:
they are updated with a delay of up to a second and can be reset, so they may show writes where
there were none, hardly the other way around.
"""

from tswizard.core.db.connection import Connection, rows, value
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


async def read_next_xid(connection: Connection) -> int:
    """The next transaction of this server: a row with a later xmin is written from here on.

    https://www.postgresql.org/docs/current/functions-info.html#FUNCTIONS-INFO-SNAPSHOT
    """
    query = "SELECT pg_catalog.txid_snapshot_xmax(pg_catalog.txid_current_snapshot()) % 4294967296"
    return int(await value(connection, query))
