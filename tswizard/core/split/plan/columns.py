"""Which columns are copied, and in which format of COPY."""

from collections.abc import Iterable
from dataclasses import dataclass

from tswizard.core.db.connection import Connection, rows
from tswizard.core.split.plan.piece import SourceColumn

# Types within types, down to the last: elements, bases of domains, fields, subtypes of ranges.
# A composite and an array carry their parts' OIDs, which differ between servers from the first
# OID of a user on (FirstNormalObjectId); reg* values are OIDs themselves.
# https://www.postgresql.org/docs/current/sql-copy.html (binary format)
_COLUMNS = """
WITH RECURSIVE c AS (
  SELECT a.attrelid, a.attnum, a.attname, a.atttypid, a.atttypmod
  FROM pg_catalog.pg_attribute a
  WHERE a.attrelid = ANY (%s) AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''
), parts (whole, part, nested) AS (
  SELECT DISTINCT atttypid, atttypid, false FROM c
  UNION
  SELECT p.whole, x.part, p.nested OR x.named
  FROM parts p
  JOIN pg_catalog.pg_type t ON t.oid = p.part
  LEFT JOIN pg_catalog.pg_range r ON r.rngtypid = t.oid
  CROSS JOIN LATERAL (
    SELECT t.typelem, true WHERE t.typelem <> 0 AND t.typlen = -1
    UNION ALL SELECT t.typbasetype, false WHERE t.typbasetype <> 0
    UNION ALL SELECT r.rngsubtype, false WHERE r.rngsubtype <> 0
    UNION ALL SELECT f.atttypid, true FROM pg_catalog.pg_attribute f
              WHERE f.attrelid = t.typrelid AND f.attnum > 0 AND NOT f.attisdropped
  ) AS x (part, named)
), text AS (
  SELECT DISTINCT p.whole FROM parts p JOIN pg_catalog.pg_type t ON t.oid = p.part
  WHERE t.typsend::oid = 0 OR t.typreceive::oid = 0 OR t.typname ~ '^_?reg' AND t.oid < 16384
     OR p.nested AND t.oid >= 16384
)
SELECT c.attrelid::bigint, c.attname::text, pg_catalog.format_type(c.atttypid, c.atttypmod),
  text.whole IS NOT NULL
FROM c LEFT JOIN text ON text.whole = c.atttypid
ORDER BY c.attrelid, c.attnum
"""

_AT_ONCE = 1000


@dataclass(frozen=True, slots=True)
class Columns:
    """The columns of one relation."""

    columns: tuple[SourceColumn, ...]
    needs_text: str = ""
    """The first column that binary cannot carry; empty when there is none."""


async def read_columns(connection: Connection, oids: Iterable[int]) -> dict[int, Columns]:
    """Columns of relations, by oid; one without any is there too."""
    wanted = sorted(set(oids))
    found: dict[int, Columns] = {}
    for first in range(0, len(wanted), _AT_ONCE):
        some = wanted[first : first + _AT_ONCE]
        columns: dict[int, list[SourceColumn]] = {oid: [] for oid in some}
        text: dict[int, str] = {}
        for oid, name, kind, as_text in await rows(connection, _COLUMNS, (some,)):
            columns[oid].append(SourceColumn(name, kind))
            if as_text:
                text.setdefault(oid, f"{name} {kind}")
        found |= {oid: Columns(tuple(columns[oid]), text.get(oid, "")) for oid in some}
    return found
