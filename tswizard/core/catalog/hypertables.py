"""Hypertables with their dimensions, chunks and compression settings: one query per kind.

The chunk's range comes from the catalog itself, because timescaledb_information.chunks hides
tiered chunks. Which columns there are decides over the joins (see `shape`): in 2.28 a slice
began to name its chunk, in 2.29 the chunk its relation.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from tswizard.core.catalog.catalog_shape import (
    CAGG,
    CHUNK,
    COMPRESSION_SETTINGS,
    DIMENSION_SLICE,
    HYPERTABLE,
    HYPERTABLE_COMPRESSION,
    Shape,
)
from tswizard.core.catalog.hypertable_model import (
    Chunk,
    Compression,
    Dimension,
    DimensionKind,
    Hypertable,
    OrderByColumn,
)
from tswizard.core.db.connection import Connection, batch
from tswizard.core.db.identifiers import qualified

_WITH_ZONE = "('timestamptz'::regtype, 'uuid'::regtype)"
_TIMES = "('timestamptz'::regtype, 'timestamp'::regtype, 'date'::regtype, 'uuid'::regtype)"

# Bits of chunk.status (src/chunk.h of timescaledb).
_COMPRESSED, _PARTIAL = 1, 8


@dataclass(frozen=True, slots=True)
class _Row:
    """A chunk as it was read."""

    hypertable: int
    chunk: Chunk
    index_bytes: int


def compression_enabled(shape: Shape) -> str:
    """SQL: is compression enabled for the hypertable `h`?"""
    enabled = "h.compressed_hypertable_id IS NOT NULL OR h.compression_state = 1"
    if not shape.has(HYPERTABLE, "status"):
        return enabled
    return f"{enabled} OR h.status & 4 = 4"  # bit 4 took over in 2.29; before, nothing used it


def hypertables_query(shape: Shape) -> str:
    """id, schema, name, owner, compression on, distributed, its continuous aggregate, sizes,
    row-level security, how many indexes, foreign keys and triggers each chunk has of its own."""
    distributed = "false"
    if shape.has(HYPERTABLE, "replication_factor"):
        distributed = "h.replication_factor IS NOT NULL"
    return f"""
SELECT h.id, h.schema_name::text, h.table_name::text, pg_catalog.pg_get_userbyid(c.relowner)::text,
  {compression_enabled(shape)}, {distributed},
  g.user_view_schema || '.' || g.user_view_name,
  pg_catalog.pg_table_size(c.oid), pg_catalog.pg_indexes_size(c.oid), c.relrowsecurity,
  ((SELECT pg_catalog.count(*) FROM pg_catalog.pg_index i WHERE i.indrelid = c.oid)
   + (SELECT pg_catalog.count(*) FROM pg_catalog.pg_constraint f
      WHERE f.conrelid = c.oid AND f.contype = 'f')
   + (SELECT pg_catalog.count(*) FROM pg_catalog.pg_trigger t
      WHERE t.tgrelid = c.oid AND NOT t.tgisinternal AND t.tgtype & 1 = 1
        AND t.tgname <> 'ts_insert_blocker'))::int
FROM {HYPERTABLE} h
JOIN pg_catalog.pg_namespace n ON n.nspname = h.schema_name
JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relname = h.table_name
LEFT JOIN {CAGG} g ON g.mat_hypertable_id = h.id
WHERE h.compression_state <> 2
ORDER BY 2, 3
"""


# The type of an interval is that of the partitioning function, if there is one.
_DIMENSION_TYPE = """LEFT JOIN pg_catalog.pg_namespace fn ON fn.nspname = d.partitioning_func_schema
LEFT JOIN LATERAL (
  SELECT p.prorettype FROM pg_catalog.pg_proc p
  WHERE p.pronamespace = fn.oid AND p.proname = d.partitioning_func AND d.num_slices IS NULL
  LIMIT 1) f ON true
CROSS JOIN LATERAL (SELECT COALESCE(f.prorettype, d.column_type) AS oid) t"""


def dimensions_query(shape: Shape) -> str:
    """hypertable, number, column, quoted, type, chunk interval, partitions, functions."""
    return f"""
SELECT d.hypertable_id,
  pg_catalog.row_number() OVER (PARTITION BY d.hypertable_id ORDER BY d.id),
  d.column_name::text, pg_catalog.quote_ident(d.column_name),
  pg_catalog.format_type(d.column_type, NULL), {_interval(shape, "d.interval_length")},
  d.num_slices::int,
  d.partitioning_func_schema::text, d.partitioning_func::text,
  d.integer_now_func_schema::text, d.integer_now_func::text
FROM _timescaledb_catalog.dimension d
{_DIMENSION_TYPE}
ORDER BY d.hypertable_id, d.id
"""


def merge_intervals_query(shape: Shape) -> str:
    """hypertable, compress_chunk_time_interval: of its first dimension that has one."""
    return f"""
SELECT DISTINCT ON (d.hypertable_id) d.hypertable_id,
  {_interval(shape, "d.compress_interval_length")}
FROM _timescaledb_catalog.dimension d
{_DIMENSION_TYPE}
WHERE d.compress_interval_length IS NOT NULL
ORDER BY d.hypertable_id, d.id
"""


def _interval(shape: Shape, column: str) -> str:
    return (
        f"CASE WHEN t.oid IN {_TIMES} THEN {shape.function('to_interval')}({column})::text "
        f"ELSE {column}::text END"
    )


def chunk_relations(shape: Shape) -> str:
    """A subquery of chunks: id, hypertable, status, tiered, their relation, their compressed one.

    `rel` is an oid; `comp` is NULL where nothing is compressed.
    """
    live = "" if not shape.has(CHUNK, "dropped") else "AND NOT k.dropped"
    if shape.has(CHUNK, "relid"):
        named, rel = "", "k.relid::oid"
    else:
        named, rel = _by_name("k", "kn", "kc"), "kc.oid"
    if shape.has(CHUNK, "compressed_chunk_id"):
        packed = (
            f"LEFT JOIN ({CHUNK} z {_by_name('z', 'zn', 'zc')}) ON z.id = k.compressed_chunk_id"
        )
        comp = "zc.oid"
    else:
        packed, comp = (
            f"LEFT JOIN {COMPRESSION_SETTINGS} z ON z.relid = {rel}",
            "z.compress_relid::oid",
        )
    return f"""
SELECT k.id, k.hypertable_id, k.status, k.osm_chunk AS tiered, {rel} AS rel, {comp} AS comp
FROM {CHUNK} k {named}
JOIN {HYPERTABLE} h ON h.id = k.hypertable_id
{packed}
WHERE h.compression_state <> 2 {live}
"""


def slices_of_chunks(shape: Shape) -> str:
    """A subquery of each dimension slice, with the id of each `chunk` that it is of."""
    if shape.has(DIMENSION_SLICE, "chunk_id"):
        return f"SELECT s.*, s.chunk_id AS chunk FROM {DIMENSION_SLICE} s"
    return (
        f"SELECT s.*, cc.chunk_id AS chunk FROM {DIMENSION_SLICE} s "
        "JOIN _timescaledb_catalog.chunk_constraint cc ON cc.dimension_slice_id = s.id"
    )


def _by_name(table: str, namespace: str, relation: str) -> str:
    return (
        f"JOIN pg_catalog.pg_namespace {namespace} ON {namespace}.nspname = {table}.schema_name "
        f"JOIN pg_catalog.pg_class {relation} ON {relation}.relnamespace = {namespace}.oid "
        f"AND {relation}.relname = {table}.table_name"
    )


def chunks_query(shape: Shape) -> str:
    """hypertable, names, status, tiered, range, bytes, bytes of indexes, estimated rows, where
    compressed rows lie and what they took before."""
    start, end = (_bound(shape, f"s.range_{side}") for side in ("start", "end"))
    return f"""
SELECT k.hypertable_id, n.nspname::text, c.relname::text, k.status, k.tiered,
  {start}, {end},
  COALESCE(pg_catalog.pg_table_size(c.oid), 0) + COALESCE(pg_catalog.pg_table_size(k.comp), 0),
  COALESCE(pg_catalog.pg_indexes_size(c.oid), 0)
    + COALESCE(pg_catalog.pg_indexes_size(k.comp), 0),
  GREATEST(c.reltuples, 0)::bigint + COALESCE(z.numrows_pre_compression, 0),
  zn.nspname || '.' || zc.relname,
  COALESCE(z.uncompressed_heap_size + z.uncompressed_toast_size, 0)
FROM ({chunk_relations(shape)}) k
JOIN pg_catalog.pg_class c ON c.oid = k.rel
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN (
  SELECT DISTINCT ON (hypertable_id) hypertable_id, id, column_type
  FROM _timescaledb_catalog.dimension ORDER BY hypertable_id, id
) p ON p.hypertable_id = k.hypertable_id
LEFT JOIN ({slices_of_chunks(shape)}) s ON s.chunk = k.id AND s.dimension_id = p.id
LEFT JOIN _timescaledb_catalog.compression_chunk_size z ON z.chunk_id = k.id
LEFT JOIN pg_catalog.pg_class zc ON zc.oid = k.comp
LEFT JOIN pg_catalog.pg_namespace zn ON zn.oid = zc.relnamespace
ORDER BY k.hypertable_id, s.range_start, k.id
"""


def _bound(shape: Shape, column: str) -> str:
    """A literal of the dimension's own type, with TimeZone UTC and DateStyle ISO."""
    moment = f"{shape.function('to_timestamp')}({column})"
    return f"""CASE
    WHEN p.column_type IN {_WITH_ZONE} THEN {moment}::text
    WHEN p.column_type = 'timestamp'::regtype THEN {moment}::timestamp::text
    WHEN p.column_type = 'date'::regtype THEN {moment}::date::text
    ELSE {column}::text END"""


def compression_query(shape: Shape) -> str:
    """hypertable, segmentby, orderby, descending, nulls first."""
    if shape.has(COMPRESSION_SETTINGS):
        return f"""
SELECT h.id, COALESCE(s.segmentby, '{{}}'), COALESCE(s.orderby, '{{}}'),
  COALESCE(s.orderby_desc, '{{}}'), COALESCE(s.orderby_nullsfirst, '{{}}')
FROM {HYPERTABLE} h
JOIN pg_catalog.pg_namespace n ON n.nspname = h.schema_name
JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relname = h.table_name
JOIN {COMPRESSION_SETTINGS} s ON s.relid = c.oid
"""
    by_order = "ORDER BY orderby_column_index) FILTER (WHERE orderby_column_index IS NOT NULL)"
    return f"""
SELECT hypertable_id,
  COALESCE(pg_catalog.array_agg(attname::text ORDER BY segmentby_column_index)
    FILTER (WHERE segmentby_column_index IS NOT NULL), '{{}}'),
  COALESCE(pg_catalog.array_agg(attname::text {by_order}, '{{}}'),
  COALESCE(pg_catalog.array_agg(NOT orderby_asc {by_order}, '{{}}'),
  COALESCE(pg_catalog.array_agg(orderby_nullsfirst {by_order}, '{{}}')
FROM {HYPERTABLE_COMPRESSION} GROUP BY hypertable_id
"""


def sparse_indexes_query() -> str:
    """hypertable, sparse indexes with the source `config`; those the server chose have another."""
    return f"""
SELECT h.id, (SELECT jsonb_agg(i) FROM pg_catalog.jsonb_array_elements(s.index) i
              WHERE i ->> 'source' = 'config')::text
FROM {HYPERTABLE} h
JOIN pg_catalog.pg_namespace n ON n.nspname = h.schema_name
JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relname = h.table_name
JOIN {COMPRESSION_SETTINGS} s ON s.relid = c.oid
WHERE pg_catalog.jsonb_typeof(s.index) = 'array'
"""


async def read_hypertables(connection: Connection, shape: Shape) -> tuple[Hypertable, ...]:
    """Every hypertable, also of continuous aggregates. Requires TimeZone UTC and DateStyle ISO."""
    return hypertables_of(await batch(connection, hypertable_queries(shape)))


def hypertable_queries(shape: Shape) -> tuple[str, ...]:
    """What `hypertables_of` takes the rows of."""
    return (chunks_query(shape), hypertables_query(shape), *layout_queries(shape))


def hypertables_of(answers: Sequence[Sequence[tuple[Any, ...]]]) -> tuple[Hypertable, ...]:
    """From the rows of `hypertable_queries`."""
    of_chunks, of_hypertables, *of_layout = answers
    layout = layout_of(of_layout)
    chunks: dict[int, list[_Row]] = {}
    for row in of_chunks:
        chunks.setdefault(row[0], []).append(_chunk(row))
    found = []
    for row in of_hypertables:
        number, own = row[0], chunks.get(row[0], [])
        found.append(
            Hypertable(
                schema=row[1],
                name=row[2],
                owner=row[3],
                dimensions=layout.dimensions.get(number, ()),
                chunks=tuple(part.chunk for part in own),
                compression=layout.compression.get(number, Compression((), ())) if row[4] else None,
                bytes=int(row[7] + row[8]) + sum(part.chunk.bytes for part in own),
                rows_estimate=sum(part.chunk.rows_estimate for part in own),
                cagg=row[6],
                distributed=row[5],
                tiered=any(part.chunk.tiered for part in own),
                index_bytes=int(row[8]) + sum(part.index_bytes for part in own),
                row_security=row[9],
                post_data=row[10],
            )
        )
    return tuple(found)


@dataclass(frozen=True, slots=True)
class Layout:
    """Of all hypertables, by their number."""

    dimensions: Mapping[int, tuple[Dimension, ...]]
    """In order."""
    compression: Mapping[int, Compression]
    """A hypertable without any may have compression enabled: then the server chooses."""


_NO_ROWS = "SELECT WHERE false"


def layout_queries(shape: Shape) -> tuple[str, ...]:
    """What `layout_of` takes the rows of. Requires IntervalStyle postgres."""
    merges = shape.has("_timescaledb_catalog.dimension", "compress_interval_length")
    return (
        dimensions_query(shape),
        compression_query(shape),
        merge_intervals_query(shape) if merges else _NO_ROWS,
        sparse_indexes_query() if shape.has(COMPRESSION_SETTINGS, "index") else _NO_ROWS,
    )


def layout_of(answers: Sequence[Sequence[tuple[Any, ...]]]) -> Layout:
    """From the rows of `layout_queries`."""
    of_dimensions, of_settings, of_merging, of_sparse = answers
    dimensions: dict[int, list[Dimension]] = {}
    for row in of_dimensions:
        dimensions.setdefault(row[0], []).append(_dimension(row))
    compression: dict[int, Compression] = {}
    for id, segmentby, columns, descending, nulls_first in of_settings:
        order = map(OrderByColumn, columns, descending, nulls_first)
        compression[id] = Compression(tuple(segmentby), tuple(order))
    for id, interval in of_merging:
        compression[id] = replace(compression.get(id, Compression((), ())), merge_interval=interval)
    for id, index in of_sparse:
        compression[id] = replace(compression[id], sparse=index)
    return Layout({id: tuple(found) for id, found in dimensions.items()}, compression)


def _dimension(row: tuple[Any, ...]) -> Dimension:
    partitions = row[6]
    return Dimension(
        number=row[1],
        column=row[2],
        quoted=row[3],
        column_type=row[4],
        kind=DimensionKind.RANGE if partitions is None else DimensionKind.HASH,
        interval=row[5],
        partitions=partitions,
        partitioning_function=_function(row[7], row[8]),
        integer_now=_function(row[9], row[10]),
    )


def _function(schema: object, name: object) -> str | None:
    """None for the extension's own hash function, which is the default."""
    if schema is None or name is None or str(schema).startswith("_timescaledb_"):
        return None
    return qualified(str(schema), str(name))


def _chunk(row: tuple[object, ...]) -> _Row:
    status = int(str(row[3]))
    indexes = int(str(row[8]))
    chunk = Chunk(
        schema=str(row[1]),
        name=str(row[2]),
        compressed=bool(status & _COMPRESSED),
        partial=bool(status & _PARTIAL),
        range_start=None if row[5] is None else str(row[5]),
        range_end=None if row[6] is None else str(row[6]),
        bytes=int(str(row[7])) + indexes,
        tiered=bool(row[4]),
        compressed_table=None if row[10] is None else str(row[10]),
        rows_estimate=int(str(row[9])),
        index_bytes=indexes,
        uncompressed_bytes=int(str(row[11])),
    )
    return _Row(int(str(row[0])), chunk, indexes)
