"""Continuous aggregates."""

from collections.abc import Sequence
from typing import Any

from tswizard.core.catalog.cagg_model import Cagg, CaggIndex
from tswizard.core.catalog.catalog_shape import CAGG, HYPERTABLE, Shape
from tswizard.core.db.connection import Connection, batch

_INFORMATION = "timescaledb_information.continuous_aggregates"


def caggs_query(shape: Shape) -> str:
    """Names, owner, definition, options, what it reads, its materialization hypertable.

    With only pg_catalog in the search_path, pg_get_viewdef qualifies every name. The direct view is
    the user's query (timescaledb_information.continuous_aggregates shows it too). `finalized` was
    added in 2.7 and removed in 2.25, when only finalized ones were left.
    """
    finalized = "g.finalized" if shape.has(CAGG, "finalized") else "true"
    compressed = ["m.compressed_hypertable_id IS NOT NULL", "m.compression_state = 1"]
    if shape.has(HYPERTABLE, "status"):
        compressed.append("m.status & 4 = 4")
    by_wal = "false"
    if shape.has(_INFORMATION, "invalidate_using"):
        by_wal = f"""COALESCE((SELECT i.invalidate_using = 'wal' FROM {_INFORMATION} i
    WHERE i.view_schema = g.user_view_schema AND i.view_name = g.user_view_name), false)"""
    return f"""
SELECT g.user_view_schema::text, g.user_view_name::text,
  pg_catalog.pg_get_userbyid(c.relowner)::text,
  pg_catalog.pg_get_viewdef(d.oid), g.materialized_only, {" OR ".join(compressed)}, {finalized},
  COALESCE(p.user_view_schema || '.' || p.user_view_name, r.schema_name || '.' || r.table_name),
  p.user_view_schema || '.' || p.user_view_name,
  m.schema_name::text, m.table_name::text, g.mat_hypertable_id,
  COALESCE(p.user_view_schema, r.schema_name)::text,
  COALESCE(p.user_view_name, r.table_name)::text,
  ARRAY(SELECT t.tgname::text FROM pg_catalog.pg_trigger t
    WHERE t.tgrelid = c.oid AND NOT t.tgisinternal ORDER BY 1),
  {by_wal}
FROM {CAGG} g
JOIN {HYPERTABLE} r ON r.id = g.raw_hypertable_id
JOIN {HYPERTABLE} m ON m.id = g.mat_hypertable_id
LEFT JOIN {CAGG} p ON p.mat_hypertable_id = g.parent_mat_hypertable_id
JOIN pg_catalog.pg_namespace n ON n.nspname = g.user_view_schema
JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relname = g.user_view_name
JOIN pg_catalog.pg_namespace dn ON dn.nspname = g.direct_view_schema
JOIN pg_catalog.pg_class d ON d.relnamespace = dn.oid AND d.relname = g.direct_view_name
ORDER BY g.mat_hypertable_id
"""


# With nothing but pg_catalog in the search_path the table is qualified: ` ON schema.table USING `.
CAGG_INDEXES = f"""
SELECT g.mat_hypertable_id, ic.relname::text,
  pg_catalog.substr(d.text, pg_catalog.strpos(d.text, ' ON ' || c.name || ' USING ')
    + pg_catalog.length(' ON ' || c.name || ' '))
FROM {CAGG} g
JOIN {HYPERTABLE} m ON m.id = g.mat_hypertable_id
JOIN pg_catalog.pg_namespace n ON n.nspname = m.schema_name
JOIN LATERAL (SELECT r.oid, pg_catalog.format('%I.%I', m.schema_name, m.table_name) AS name
  FROM pg_catalog.pg_class r WHERE r.relnamespace = n.oid AND r.relname = m.table_name) c ON true
JOIN pg_catalog.pg_index i ON i.indrelid = c.oid
JOIN pg_catalog.pg_class ic ON ic.oid = i.indexrelid
CROSS JOIN LATERAL (SELECT pg_catalog.pg_get_indexdef(i.indexrelid) AS text) d
ORDER BY 1, 2
"""


async def read_caggs(connection: Connection, shape: Shape) -> tuple[Cagg, ...]:
    """Every continuous aggregate, in the order of their making: a parent stands before its
    children. Their state is not read."""
    return caggs_of(await batch(connection, cagg_queries(shape)))


def cagg_queries(shape: Shape) -> tuple[str, ...]:
    """What `caggs_of` takes the rows of."""
    return (CAGG_INDEXES, caggs_query(shape))


def caggs_of(answers: Sequence[Sequence[tuple[Any, ...]]]) -> tuple[Cagg, ...]:
    """From the rows of `cagg_queries`."""
    of_indexes, found = answers
    indexes: dict[int, list[CaggIndex]] = {}
    for id, name, definition in of_indexes:
        indexes.setdefault(id, []).append(CaggIndex(name, definition))
    return tuple(
        Cagg(
            schema=row[0],
            name=row[1],
            owner=row[2],
            definition=row[3].strip().removesuffix(";"),
            materialized_only=row[4],
            compressed=row[5],
            finalized=row[6],
            hypertable=row[7],
            parent=row[8],
            materialization_schema=row[9],
            materialization_name=row[10],
            reads=(row[12], row[13]),
            indexes=tuple(indexes.get(row[11], ())),
            triggers=tuple(row[14]),
            by_wal=row[15],
        )
        for row in found
    )
