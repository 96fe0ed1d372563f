"""What a relation of compressed rows looks like, on either database, and how it was compressed.

Where settings are kept: `hypertable_compression` until 2.13, then `compression_settings`, by the
compressed relation until 2.18 and by the chunk since.
"""

from collections.abc import Collection
from dataclasses import dataclass

from tswizard.core.catalog.catalog_shape import COMPRESSION_SETTINGS, HYPERTABLE_COMPRESSION, Shape
from tswizard.core.catalog.hypertables import chunk_relations
from tswizard.core.db.connection import Connection, rows, value
from tswizard.core.db.versions import version_key

METADATA = "_ts_meta_"
"""Prefix of the columns that TimescaleDB adds; users' columns cannot have it."""

RelationName = tuple[str, str]
"""Schema and name."""

Version = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class CompressedColumn:
    """A column of a relation of compressed rows."""

    name: str
    type: str
    """As format_type() prints it, with modifiers and schema."""
    base_type: str
    """Without modifiers."""

    @property
    def metadata(self) -> bool:
        return self.name.startswith(METADATA)

    @property
    def compressed(self) -> bool:
        return self.base_type.rpartition(".")[2] == "compressed_data"

    @property
    def bloom(self) -> bool:
        """The type that COPY's binary format cannot carry."""
        return self.base_type.rpartition(".")[2] == "bloom1"


@dataclass(frozen=True, slots=True, kw_only=True)
class CompressionSettings:
    """How a chunk was compressed."""

    segmentby: tuple[str, ...] = ()
    orderby: tuple[str, ...] = ()
    descending: tuple[bool, ...] = ()
    nulls_first: tuple[bool, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class CompressedLayout:
    """The relation of a chunk's compressed rows. Those of equal layout are copied alike."""

    settings: CompressionSettings
    columns: tuple[CompressedColumn, ...]
    not_null: frozenset[str] = frozenset()
    """Columns of the chunk that are NOT NULL."""
    collations: tuple[tuple[str, str], ...] = ()
    """Columns of the chunk whose order depends on a collation, with what it depends on."""

    def find(self, name: str) -> CompressedColumn | None:
        return next((column for column in self.columns if column.name == name), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class CompressedChunk:
    """A compressed chunk as a database has it."""

    relation: RelationName
    """Where its compressed rows are."""
    layout: CompressedLayout


async def read_version(connection: Connection) -> Version:
    """TimescaleDB's version."""
    text = await value(
        connection, "SELECT extversion FROM pg_catalog.pg_extension WHERE extname = 'timescaledb'"
    )
    return version_key(str(text or "0"))


async def read_compressed_chunks(
    connection: Connection, shape: Shape, chunks: Collection[RelationName]
) -> dict[RelationName, CompressedChunk]:
    """The compressed ones among these chunks, by schema and name."""
    names = [s for s, _ in chunks], [n for _, n in chunks]
    found: dict[RelationName, CompressedChunk] = {}
    for row in await rows(connection, _query(shape), names):
        schema, name, comp_schema, comp, columns, not_null, collations, *settings = row
        found[schema, name] = CompressedChunk(
            relation=(comp_schema, comp),
            layout=CompressedLayout(
                settings=CompressionSettings(
                    segmentby=tuple(settings[0] or ()),
                    orderby=tuple(settings[1] or ()),
                    descending=tuple(settings[2] or ()),
                    nulls_first=tuple(settings[3] or ()),
                ),
                columns=tuple(CompressedColumn(*column) for column in columns or ()),
                not_null=frozenset(not_null or ()),
                collations=tuple(sorted((c, i) for c, i in collations or ())),
            ),
        )
    return found


def _query(shape: Shape) -> str:
    """Schema and name of chunk and relation; columns, NOT NULL, collations, settings."""
    return f"""
SELECT w.schema, w.name, zn.nspname::text, zc.relname::text,
  (SELECT pg_catalog.jsonb_agg(pg_catalog.jsonb_build_array(a.attname,
     pg_catalog.format_type(a.atttypid, a.atttypmod), pg_catalog.format_type(a.atttypid, NULL))
     ORDER BY a.attname)
   FROM pg_catalog.pg_attribute a
   WHERE a.attrelid = k.comp AND a.attnum > 0 AND NOT a.attisdropped),
  (SELECT pg_catalog.array_agg(a.attname::text) FROM pg_catalog.pg_attribute a
   WHERE a.attrelid = k.rel AND a.attnum > 0 AND NOT a.attisdropped AND a.attnotnull),
  (SELECT pg_catalog.jsonb_agg(pg_catalog.jsonb_build_array(a.attname, {_COLLATION}))
   FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_collation l ON l.oid = a.attcollation
   WHERE a.attrelid = k.rel AND a.attnum > 0 AND NOT a.attisdropped),
  {_settings(shape)}
FROM unnest(%s::text[], %s::text[]) AS w (schema, name)
JOIN pg_catalog.pg_namespace n ON n.nspname = w.schema
JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relname = w.name
JOIN ({chunk_relations(shape)}) k ON k.rel = c.oid
JOIN pg_catalog.pg_class zc ON zc.oid = k.comp
JOIN pg_catalog.pg_namespace zn ON zn.oid = zc.relnamespace
WHERE k.status & 1 = 1
"""


# Names of columns differ between versions of PostgreSQL; a row as JSON has what there is. The
# default collation is the database's.
_COLLATION = """(SELECT pg_catalog.concat_ws(' ',
  CASE d.row ->> 'collprovider' WHEN 'd' THEN d.base ->> 'datlocprovider'
    ELSE d.row ->> 'collprovider' END,
  CASE d.row ->> 'collprovider' WHEN 'd' THEN COALESCE(
      CASE WHEN d.base ->> 'datlocprovider' <> 'c'
        THEN COALESCE(d.base ->> 'datlocale', d.base ->> 'daticulocale') END,
      d.base ->> 'datcollate')
    ELSE COALESCE(d.row ->> 'colllocale', d.row ->> 'colliculocale', d.row ->> 'collcollate') END,
  CASE d.row ->> 'collprovider' WHEN 'd' THEN d.base ->> 'datcollversion'
    ELSE d.row ->> 'collversion' END)
  FROM (SELECT pg_catalog.to_jsonb(l) AS row, pg_catalog.to_jsonb(b) AS base
        FROM pg_catalog.pg_database b WHERE b.datname = pg_catalog.current_database()) d)"""


def _settings(shape: Shape) -> str:
    """segmentby, orderby, descending, nulls first."""
    if shape.has(COMPRESSION_SETTINGS):
        relation = "k.rel" if shape.has(COMPRESSION_SETTINGS, "compress_relid") else "k.comp"
        return ", ".join(
            f"(SELECT s.{column} FROM {COMPRESSION_SETTINGS} s WHERE s.relid = {relation})"
            for column in ("segmentby", "orderby", "orderby_desc", "orderby_nullsfirst")
        )
    by_hypertable = f"FROM {HYPERTABLE_COMPRESSION} s WHERE s.hypertable_id = k.hypertable_id"
    segments = (
        "(SELECT pg_catalog.array_agg(s.attname::text ORDER BY s.segmentby_column_index) "
        f"{by_hypertable} AND s.segmentby_column_index IS NOT NULL)"
    )
    order = (
        f"(SELECT pg_catalog.array_agg({{}} ORDER BY s.orderby_column_index) {by_hypertable} "
        "AND s.orderby_column_index IS NOT NULL)"
    )
    expressions = ("s.attname::text", "NOT s.orderby_asc", "s.orderby_nullsfirst")
    return ", ".join((segments, *map(order.format, expressions)))
