"""Columns that compressed rows do not store: their value is in the catalog of the chunk.

`ADD COLUMN … DEFAULT` leaves compressed batches alone and gives the chunk an
pg_attribute.attmissingval, from which they take the column's value when they are decompressed
(timescale/timescaledb#8091). A dump restores the batches and recreates the chunk without it.
"""

from itertools import groupby

from psycopg import sql

from tswizard.core.catalog.catalog_shape import Shape
from tswizard.core.catalog.hazard_model import MissingValue
from tswizard.core.catalog.hypertables import chunk_relations
from tswizard.core.catalog.tables import parts
from tswizard.core.db.connection import Connection, rows
from tswizard.core.db.identifiers import qualified

_AT_ONCE = 50
"""Compressed tables read by one query."""


def _query(shape: Shape) -> str:
    """Hypertable, column, chunk and its compressed table, by hypertable and column."""
    return f"""
SELECT part.label, a.attname::text, n.nspname::text, c.relname::text,
  zn.nspname::text, z.relname::text
FROM ({chunk_relations(shape)}) k
JOIN ({parts(shape)}) part ON part.oid = k.rel
JOIN pg_catalog.pg_class c ON c.oid = k.rel
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
JOIN pg_catalog.pg_class z ON z.oid = k.comp
JOIN pg_catalog.pg_namespace zn ON zn.oid = z.relnamespace
JOIN pg_catalog.pg_attribute a ON a.attrelid = k.rel AND a.atthasmissing
  AND a.attnum > 0 AND NOT a.attisdropped AND a.attmissingval IS NOT NULL
JOIN pg_catalog.pg_attribute za ON za.attrelid = k.comp AND za.attname = a.attname
  AND NOT za.attisdropped
WHERE pg_catalog.has_table_privilege(z.oid, 'SELECT')
ORDER BY 1, 2, 3, 4
"""


async def read_missing_values(connection: Connection, shape: Shape) -> tuple[MissingValue, ...]:
    """Every such column with rows that lack it. Raises psycopg.Error."""
    candidates = await rows(connection, _query(shape))
    counts: list[int] = []
    for first in range(0, len(candidates), _AT_ONCE):
        query = sql.SQL(" UNION ALL ").join(
            sql.SQL(
                "SELECT {}, COALESCE(pg_catalog.sum(_ts_meta_count), 0)::bigint FROM {} "
                "WHERE {} IS NULL"
            ).format(sql.Literal(number), sql.Identifier(row[4], row[5]), sql.Identifier(row[1]))
            for number, row in enumerate(candidates[first : first + _AT_ONCE])
        )
        counts += [count for _, count in sorted(await rows(connection, query))]
    found = []
    lacking = [(row, n) for row, n in zip(candidates, counts, strict=True) if n]
    for (hypertable, column), group in groupby(lacking, key=lambda pair: tuple(pair[0][:2])):
        own = list(group)
        found.append(
            MissingValue(
                hypertable=hypertable,
                column=column,
                rows=sum(n for _, n in own),
                chunks=tuple(qualified(row[2], row[3]) for row, _ in own),
            )
        )
    return tuple(found)
