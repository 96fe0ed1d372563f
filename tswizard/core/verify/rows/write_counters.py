"""Which tables have been written to: the server's cumulative statistics.

https://www.postgresql.org/docs/current/monitoring-stats.html#MONITORING-PG-STAT-ALL-TABLES-VIEW:
they are updated with a delay and can be reset, so they may show writes where there were none, and
not yet those of the last seconds: see `read_counters_in_time`.
"""

import asyncio
import time

from tswizard.core.db.connection import Connection, rows, value
from tswizard.core.model.write_counters import WriteCounters

HOLDS_LARGE_OBJECTS = "pg_catalog.pg_largeobject"
"""The table of their contents, by its name in the counters."""

_WRITTEN = """
SELECT s.schemaname || '.' || s.relname, s.n_tup_ins, s.n_tup_upd, s.n_tup_del
FROM pg_catalog.pg_stat_all_tables s
WHERE s.schemaname NOT IN ('pg_catalog', 'information_schema') AND s.schemaname !~ '^pg_toast'
  OR s.relid = 'pg_catalog.pg_largeobject'::pg_catalog.regclass
"""

_LATE = 11.0
"""Seconds after which what a session has written is told. A busy one tells once a second, one that
has become idle after ten (PGSTAT_MIN_INTERVAL and PGSTAT_IDLE_INTERVAL in
src/backend/utils/activity/pgstat.c), one that ends at once."""

_POLL = 1.0

# Of other roles a role may not see when they did something.
_UNTOLD = f"""
SELECT EXISTS (
  SELECT FROM pg_catalog.pg_stat_activity a
  WHERE a.datname = pg_catalog.current_database() AND a.backend_type = 'client backend'
    AND a.application_name <> 'tswizard'
    AND COALESCE(a.state_change > pg_catalog.clock_timestamp() - interval '{_LATE} s', true))
"""


async def read_counters_in_time(connection: Connection) -> WriteCounters:
    """The counters with all that was committed before the call: while others have been at work in
    the last seconds it waits, no longer than the server takes to tell."""
    until = time.monotonic() + _LATE
    while await value(connection, _UNTOLD):
        if time.monotonic() > until:
            break
        await asyncio.sleep(_POLL)
    return await read_counters(connection)


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
