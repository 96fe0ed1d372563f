"""Which compressed chunks of the source may travel as they are stored, as far as the source knows.

What is read is the state of the chunk and of the relation that holds its compressed rows
(src/chunk.h and tsl/src/compression of timescaledb). Whatever is in doubt is decompressed.
"""

from dataclasses import dataclass

from tswizard.core.catalog.catalog_shape import (
    CHUNK,
    COMPRESSION_SETTINGS,
    HYPERTABLE,
    Shape,
)
from tswizard.core.catalog.hypertables import chunk_relations
from tswizard.core.catalog.types_within import IS_OBJECT_ID, PARTS_OF_TYPES
from tswizard.core.db.connection import Connection, batch
from tswizard.core.split.plan.packed import PackedRows

# Bits of chunk.status (src/chunk.h).
_UNORDERED, _FROZEN, PARTIAL = 2, 4, 8

ADDED_WITH_DEFAULT = "a column was added later with a default, whose value is not in its rows"
"""That value is in pg_attribute.attmissingval, which a table that is recreated lacks."""
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
    """SQL for one chunk: its state as text, and 1 if it has rows that are not compressed.

    Compressing, decompressing, rewriting or altering chunk or relation changes the text. `{chunk}`
    stands for the chunk's id, `{rel}` and `{comp}` for the OIDs of both relations. Nothing is
    joined: with so many relations the server would plan longer than it reads.
    """
    if not shape.timescaledb:
        return "SELECT NULL::text AS state, 0 AS loose"
    state = _state(shape, "{chunk}", "{rel}", "{comp}")
    loose = f"(SELECT s.status >> 3 & 1 FROM {CHUNK} s WHERE s.id = {{chunk}})"
    return f"SELECT {state} AS state, {loose} AS loose".replace("\n", " ")


def _state(shape: Shape, chunk: str, rel: str, comp: str) -> str:
    if shape.has(CHUNK, "compressed_chunk_id"):
        status = (
            f"SELECT pg_catalog.concat_ws(' ', s.status & 7, s.compressed_chunk_id) FROM {CHUNK} s"
        )
    else:
        status = (
            "SELECT pg_catalog.concat_ws(' ', s.status & 7, (SELECT t.compress_relid::oid "
            f"FROM {COMPRESSION_SETTINGS} t WHERE t.relid = {rel}::oid::regclass)) FROM {CHUNK} s"
        )
    files = (
        "(SELECT pg_catalog.concat_ws(' ', f.oid, f.relfilenode, f.relnatts) "
        "FROM pg_catalog.pg_class f WHERE f.oid = {})"
    )
    return (
        f"pg_catalog.concat_ws(' ', ({status} WHERE s.id = {chunk}), {files.format(comp)}, "
        f"{files.format(rel)}, {_missing(rel)})"
    )


def _missing(rel: str) -> str:
    """How many columns of a chunk take values of older rows from the catalog."""
    return (
        "(SELECT pg_catalog.count(*) FROM pg_catalog.pg_attribute a "
        f"WHERE a.attrelid = {rel} AND a.atthasmissing AND NOT a.attisdropped)"
    )


async def read_packed_chunks(
    connection: Connection, shape: Shape
) -> dict[tuple[str, str], PackedChunk]:
    """All compressed chunks, by schema and name."""
    of_ids, chunks = await batch(connection, (_object_ids(), _query(shape)))
    with_ids = {table for (table,) in of_ids}
    found: dict[tuple[str, str], PackedChunk] = {}
    for row in chunks:
        hypertable, schema, name, comp_schema, comp, state, status, method, missing, *ids = row
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
                chunk=ids[0],
                relation_oid=int(ids[1]),
                oid=int(ids[2]),
                state=state,
                partial=bool(status & PARTIAL),
                unordered=bool(status & _UNORDERED),
            )
        found[schema, name] = PackedChunk(packed, reason)
    return found


def _query(shape: Shape) -> str:
    return f"""
SELECT k.hypertable_id, n.nspname::text, c.relname::text, zn.nspname::text, zc.relname::text,
  {_state(shape, "k.id", "k.rel", "k.comp")}, k.status, COALESCE(m.amname::text, ''),
  {_missing("k.rel")}, k.id, k.rel::bigint, k.comp::bigint
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
WHERE {IS_OBJECT_ID}
"""
