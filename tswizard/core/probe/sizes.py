"""What the source says of a sample at this moment."""

from dataclasses import replace

from psycopg import sql

from tswizard.core.db.connection import Connection, rows
from tswizard.core.model.probed import Sample

_NOW = """
SELECT w.number, pg_catalog.pg_table_size(d.oid), GREATEST(r.reltuples, 0)::bigint,
  GREATEST(d.reltuples, 0)::bigint
FROM unnest(%s::text[], %s::text[], %s::text[], %s::text[])
  WITH ORDINALITY AS w (schema, name, dumped_schema, dumped_name, number)
JOIN pg_catalog.pg_namespace rn ON rn.nspname = w.schema
JOIN pg_catalog.pg_class r ON r.relnamespace = rn.oid AND r.relname = w.name
JOIN pg_catalog.pg_namespace dn ON dn.nspname = w.dumped_schema
JOIN pg_catalog.pg_class d ON d.relnamespace = dn.oid AND d.relname = w.dumped_name
ORDER BY w.number
"""
_FEW = 4
"""Relations of which the planner is asked; in a sample of many each is small, and read whole."""


async def as_of_now(connection: Connection, sample: Sample) -> Sample:
    """The sample with sizes and rows as they are now, without what is gone."""
    names = [(r.schema, r.name, *r.dumped) for r in sample.relations]
    found = await rows(connection, _NOW, tuple(map(list, zip(*names, strict=True))))
    relations = []
    for number, size, live, dumped in found:
        old = sample.relations[number - 1]
        if old.stored_in is None:
            live = dumped = await _rows(connection, live, (old.schema, old.name), len(found))
        else:
            live = old.rows
            dumped = await _rows(connection, dumped, old.dumped, len(found))
        relations.append(replace(old, bytes=size, rows=live, dumped_rows=dumped))
    return replace(sample, relations=tuple(relations))


async def _rows(
    connection: Connection, statistics: int, relation: tuple[str, str], among: int
) -> int:
    """By statistics or, without any, as the planner guesses from pages and types."""
    if statistics or among > _FEW:
        return int(statistics)
    asked = sql.SQL("EXPLAIN (FORMAT JSON) SELECT 1 FROM ONLY {}").format(sql.Identifier(*relation))
    plan = (await rows(connection, asked))[0][0]
    return int(plan[0]["Plan"]["Plan Rows"])
