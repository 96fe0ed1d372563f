"""Has the source been changed since its rows were copied? A sum over what every change moves.

The server counts the rows that are written, deleted and updated, a table that is emptied or
rewritten gets another file, and a sequence tells where it stands. Counters come with up to a
second's delay and can be reset, so "changed" may be said where nothing was, hardly the other way
round: https://www.postgresql.org/docs/current/monitoring-stats.html#MONITORING-PG-STAT-ALL-TABLES-VIEW
"""

from tswizard.core.db.connection import connected, value
from tswizard.core.db.endpoint import Endpoint

# What TimescaleDB notes of its own jobs lies beside the chunks, and moves all the time.
_SUM = r"""
SELECT pg_catalog.md5(COALESCE(pg_catalog.string_agg(line, E'\n' ORDER BY line), '')) FROM (
  SELECT pg_catalog.concat_ws(' ', s.relid::bigint, c.relfilenode::bigint,
                              s.n_tup_ins, s.n_tup_upd, s.n_tup_del)
  FROM pg_catalog.pg_stat_all_tables s
  JOIN pg_catalog.pg_class c ON c.oid = s.relid
  WHERE s.relid = 'pg_catalog.pg_largeobject'::pg_catalog.regclass
    OR s.schemaname !~ '^(pg_|information_schema$|_timescaledb_(catalog|config|cache)$)'
       AND NOT (s.schemaname = '_timescaledb_internal' AND s.relname ~ '^(bgw_|job_)')
  UNION ALL
  SELECT pg_catalog.concat_ws(' ', q.schemaname, q.sequencename, q.last_value)
  FROM pg_catalog.pg_sequences q
  WHERE q.schemaname !~ '^_timescaledb_'
) AS sums (line)
"""


async def source_fingerprint(source: Endpoint) -> str:
    """Equal to an earlier one when nothing was changed in between. Raises CannotConnect,
    psycopg.Error."""
    async with connected(source) as connection:
        return str(await value(connection, _SUM))
