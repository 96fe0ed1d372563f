"""Which compressed chunks of the source may travel as they are stored, as far as the source knows.

What is read is the state of the chunk and of the relation that holds its compressed rows
(src/chunk.h and tsl/src/compression of timescaledb). Whatever is in doubt is decompressed.
"""

from dataclasses import dataclass

from tswizard.core.catalog.catalog_shape import HYPERTABLE, Shape
from tswizard.core.catalog.hypertables import chunk_relations
from tswizard.core.db.connection import Connection, rows
from tswizard.core.split.plan.columns import PARTS_OF_TYPES
from tswizard.core.split.plan.packed import PackedRows

# Bits of chunk.status (src/chunk.h).
_UNORDERED, _FROZEN, PARTIAL = 2, 4, 8

ADDED_WITH_DEFAULT = "a column was added later with a default, whose value is not in its rows"
"""That value is in pg_attribute.attmissingval, which a table that is created anew lacks."""
OBJECT_IDS = "a column holds object ids, which mean something else on the target"
FROZEN = "it is frozen"
ACCESS_METHOD = "it is kept by another access method than heap"
NOT_FOUND = "the relation of its compressed rows was not found"


@dataclass(frozen=True, slots=True)
class PackedChunk:
    """A compressed chunk: where its rows are, or why they have to be decompressed."""

    packed: PackedRows | None
    reason: str = ""


NOT_PACKED = PackedChunk(None)
"""A chunk that is not compressed."""


def packed_state(shape: Shape) -> str:
    """SQL for one chunk, whose regclass `%s` stands for: its state as text, and 1 if it has rows
    that are not compressed.

    Compressing, decompressing, rewriting or altering chunk or relation changes the text.
    """
    if not shape.timescaledb:
        return "SELECT NULL::text AS state, 0 AS loose"
    return (
        f"SELECT {_STATE} AS state, k.status >> 3 & 1 AS loose FROM ({chunk_relations(shape)}) k "
        "JOIN pg_catalog.pg_class c ON c.oid = k.rel "
        "JOIN pg_catalog.pg_class zc ON zc.oid = k.comp WHERE k.rel = %s"
    ).replace("\n", " ")


_MISSING = """(SELECT pg_catalog.count(*) FROM pg_catalog.pg_attribute a
  WHERE a.attrelid = k.rel AND a.atthasmissing AND NOT a.attisdropped)"""
_STATE = (
    "pg_catalog.concat_ws(' ', k.status & 7, k.comp, zc.relfilenode, zc.relnatts, "
    f"c.relfilenode, c.relnatts, {_MISSING})"
)


async def read_packed_chunks(
    connection: Connection, shape: Shape
) -> dict[tuple[str, str], PackedChunk]:
    """All compressed chunks, by schema and name."""
    with_ids = {table for (table,) in await rows(connection, _object_ids())}
    found: dict[tuple[str, str], PackedChunk] = {}
    for row in await rows(connection, _query(shape)):
        hypertable, schema, name, comp_schema, comp, state, status, method, missing = row
        reason = ""
        if comp is None:
            reason = NOT_FOUND
        elif method != "heap":
            reason = ACCESS_METHOD
        elif status & _FROZEN:
            reason = FROZEN
        elif missing:
            reason = ADDED_WITH_DEFAULT
        elif hypertable in with_ids:
            reason = OBJECT_IDS
        packed = None
        if not reason:
            packed = PackedRows(
                schema=comp_schema,
                name=comp,
                state=state,
                partial=bool(status & PARTIAL),
                unordered=bool(status & _UNORDERED),
            )
        found[schema, name] = PackedChunk(packed, reason)
    return found


def _query(shape: Shape) -> str:
    return f"""
SELECT k.hypertable_id, n.nspname::text, c.relname::text, zn.nspname::text, zc.relname::text,
  {_STATE}, k.status, COALESCE(m.amname::text, ''), {_MISSING}
FROM ({chunk_relations(shape)}) k
JOIN pg_catalog.pg_class c ON c.oid = k.rel
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN pg_catalog.pg_am m ON m.oid = c.relam
LEFT JOIN pg_catalog.pg_class zc ON zc.oid = k.comp
LEFT JOIN pg_catalog.pg_namespace zn ON zn.oid = zc.relnamespace
WHERE k.status & 1 = 1
"""


def _object_ids() -> str:
    """Hypertables with a column of a type like regclass, or with one within its type."""
    return f"""
WITH RECURSIVE c AS (
  SELECT h.id, a.atttypid
  FROM {HYPERTABLE} h
  JOIN pg_catalog.pg_namespace n ON n.nspname = h.schema_name
  JOIN pg_catalog.pg_class r ON r.relnamespace = n.oid AND r.relname = h.table_name
  JOIN pg_catalog.pg_attribute a ON a.attrelid = r.oid
  WHERE a.attnum > 0 AND NOT a.attisdropped
), {PARTS_OF_TYPES}
SELECT DISTINCT c.id FROM c JOIN parts p ON p.whole = c.atttypid
JOIN pg_catalog.pg_type t ON t.oid = p.part
WHERE t.typname ~ '^_?reg' AND t.oid < 16384
"""
