"""Was the source changed since its rows were copied? A hash of what every change moves.

The server counts inserted, updated and deleted rows, a table that is truncated or rewritten gets
another file, and a sequence has its last value. The counters are up to a second late and can be
reset, so an unchanged source may be taken for a changed one, hardly the other
way around. A standby counts nothing: there, whatever it replays is a change.
https://www.postgresql.org/docs/current/monitoring-stats.html#MONITORING-PG-STAT-ALL-TABLES-VIEW
"""

from tswizard.core.db.connection import Connection, connected, value
from tswizard.core.db.endpoint import Endpoint

# TimescaleDB's records of its own jobs are in a schema with the chunks, and change all the time.
_FINGERPRINT = r"""
SELECT pg_catalog.md5(COALESCE(pg_catalog.string_agg(line, E'\n' ORDER BY line), '')) FROM (
  SELECT pg_catalog.concat_ws(' ', s.relid::bigint, c.relfilenode::bigint,
                              s.n_tup_ins, s.n_tup_upd, s.n_tup_del)
  FROM pg_catalog.pg_stat_all_tables s
  JOIN pg_catalog.pg_class c ON c.oid = s.relid
  WHERE s.relid = 'pg_catalog.pg_largeobject'::pg_catalog.regclass
    OR s.schemaname !~ '^(pg_|information_schema$|_timescaledb_(catalog|config|cache)$)'
       AND NOT (s.schemaname = '_timescaledb_internal' AND s.relname ~ '^(bgw_|job_)')
  UNION ALL
  SELECT pg_catalog.pg_last_wal_replay_lsn()::text WHERE pg_catalog.pg_is_in_recovery()
  UNION ALL
  SELECT pg_catalog.concat_ws(' ', q.schemaname, q.sequencename, q.last_value)
  FROM pg_catalog.pg_sequences q
  WHERE q.schemaname NOT IN ('_timescaledb_catalog', '_timescaledb_config', '_timescaledb_internal')
) AS changes (line)
"""


async def source_fingerprint(source: Endpoint) -> str:
    """Equal to an earlier one if nothing was changed in between.

    Raises CannotConnect, psycopg.Error.
    """
    async with connected(source) as connection:
        return await read_fingerprint(connection)


async def read_fingerprint(connection: Connection) -> str:
    """The same on a connection. Raises psycopg.Error."""
    return str(await value(connection, _FINGERPRINT))
