"""Which columns are copied, and in which COPY format."""

from collections.abc import Iterable
from dataclasses import dataclass

from tswizard.core.catalog.types_within import IS_OBJECT_ID, PARTS_OF_TYPES
from tswizard.core.db.connection import Connection, rows
from tswizard.core.split.plan.piece import SourceColumn

_COLUMNS = f"""
WITH RECURSIVE c AS (
  SELECT a.attrelid, a.attnum, a.attname, a.atttypid, a.atttypmod
  FROM pg_catalog.pg_attribute a
  WHERE a.attrelid = ANY (%s) AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''
), {PARTS_OF_TYPES}, text AS (
  SELECT DISTINCT p.whole FROM parts p JOIN pg_catalog.pg_type t ON t.oid = p.part
  WHERE t.typsend::oid = 0 OR t.typreceive::oid = 0 OR {IS_OBJECT_ID}
     OR p.nested AND t.oid >= 16384
)
SELECT c.attrelid::bigint, c.attname::text, pg_catalog.format_type(c.atttypid, c.atttypmod),
  text.whole IS NOT NULL
FROM c LEFT JOIN text ON text.whole = c.atttypid
ORDER BY c.attrelid, c.attnum
"""

_BATCH = 1000
"""Relations read by one query."""


@dataclass(frozen=True, slots=True)
class Columns:
    """The columns of one relation."""

    columns: tuple[SourceColumn, ...]
    text_column: str = ""
    """The first column that COPY's binary format cannot carry; empty if there is none."""


async def read_columns(connection: Connection, oids: Iterable[int]) -> dict[int, Columns]:
    """Columns of relations by OID; one without columns has an entry too."""
    wanted = sorted(set(oids))
    found: dict[int, Columns] = {}
    for first in range(0, len(wanted), _BATCH):
        some = wanted[first : first + _BATCH]
        columns: dict[int, list[SourceColumn]] = {oid: [] for oid in some}
        text: dict[int, str] = {}
        for oid, name, kind, as_text in await rows(connection, _COLUMNS, (some,)):
            columns[oid].append(SourceColumn(name, kind))
            if as_text:
                text.setdefault(oid, f"{name} {kind}")
        found |= {oid: Columns(tuple(columns[oid]), text.get(oid, "")) for oid in some}
    return found
