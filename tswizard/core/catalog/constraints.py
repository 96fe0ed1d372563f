"""Constraints of hypertables, and foreign keys that reference one."""

from tswizard.core.catalog.inventory import Constraint
from tswizard.core.catalog.tables import NOT_USERS
from tswizard.core.db.connection import Connection, rows

_QUERY = f"""
WITH h AS (
  SELECT c.oid, h.id FROM _timescaledb_catalog.hypertable h
  JOIN pg_catalog.pg_namespace n ON n.nspname = h.schema_name
  JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relname = h.table_name
  WHERE n.nspname <> '_timescaledb_internal')
SELECT k.oid::bigint, n.nspname::text, c.relname::text, k.conname::text, k.contype::text,
  pg_catalog.pg_get_constraintdef(k.oid), k.convalidated,
  CASE WHEN k.contype IN ('p', 'u') THEN (
    SELECT pg_catalog.string_agg(pg_catalog.quote_ident(o.option_name) || '=' ||
                                 pg_catalog.quote_literal(o.option_value), ', ')
    FROM pg_catalog.pg_class x, pg_catalog.pg_options_to_table(x.reloptions) o
    WHERE x.oid = k.conindid) END,
  own.oid IS NULL, rn.nspname::text, r.relname::text
FROM pg_catalog.pg_constraint k
JOIN pg_catalog.pg_class c ON c.oid = k.conrelid
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN pg_catalog.pg_class r ON r.oid = k.confrelid
LEFT JOIN pg_catalog.pg_namespace rn ON rn.oid = r.relnamespace
LEFT JOIN h own ON own.oid = k.conrelid
LEFT JOIN h other ON other.oid = k.confrelid AND k.contype = 'f'
WHERE k.contype IN ('p', 'u', 'x', 'c', 'f') AND k.conparentid = 0
  AND {NOT_USERS}
  AND (own.oid IS NOT NULL OR other.oid IS NOT NULL)
ORDER BY 2, 3, pg_catalog.strpos('puxcf', k.contype::text), 4
"""


async def read_constraints(connection: Connection) -> tuple[Constraint, ...]:
    """All of one database, a table's keys before its foreign keys. Requires TimescaleDB."""
    return tuple(
        Constraint(
            oid=row[0],
            schema=row[1],
            table=row[2],
            name=row[3],
            kind=row[4],
            definition=row[5],
            validated=row[6],
            storage=row[7],
            incoming=row[8],
            references=(row[9], row[10]) if row[10] else None,
        )
        for row in await rows(connection, _QUERY)
    )
