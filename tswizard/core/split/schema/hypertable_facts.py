"""What the schema's steps must know of hypertables beyond the inventory, from either end."""

from dataclasses import dataclass

from tswizard.core.catalog.catalog_shape import CAGG, HYPERTABLE, Shape, read_shape
from tswizard.core.catalog.hypertables import compression_query
from tswizard.core.db.connection import Connection, rows
from tswizard.core.db.identifiers import qualified

_TIMES = "('timestamptz'::regtype, 'timestamp'::regtype, 'date'::regtype, 'uuid'::regtype)"


@dataclass(frozen=True, slots=True)
class DimensionFacts:
    """One dimension. `interval` is SQL of the chunk interval; None for a hash dimension."""

    column: str
    interval: str | None
    partitions: int | None
    function: str | None
    """The partitioning function, quoted; None for the default."""
    integer_now: str | None
    quoted: str = ""
    """The column as the server quotes it."""


@dataclass(frozen=True, slots=True)
class CompressionFacts:
    """Settings of a hypertable; all of them empty means that the server chooses."""

    segmentby: tuple[str, ...]
    orderby: tuple[tuple[str, bool, bool], ...]
    """(column, descending, nulls first)."""
    merge_interval: str | None
    """Text as ALTER TABLE wants it."""
    sparse: str | None = None
    """Sparse indexes that the user asked for, as JSON; None for the server's own choice."""

    @property
    def chosen(self) -> bool:
        return bool(self.segmentby or self.orderby)


@dataclass(frozen=True, slots=True)
class HypertableFacts:
    """A hypertable of the user, as it must be made."""

    oid: int
    schema: str
    name: str
    dimensions: tuple[DimensionFacts, ...]
    compression: CompressionFacts | None
    associated_schema: str | None = None
    """Where its chunks live; None for the default."""
    associated_prefix: str | None = None
    """What their names begin with; None for the default."""
    tablespaces: tuple[str, ...] = ()
    skipping: tuple[str, ...] = ()
    """Columns with chunk skipping."""
    quoted: str = ""
    """Its name as the server quotes it."""
    adaptive: bool = False
    """Its chunk interval adapts itself (an experiment of before_compression versions)."""

    @property
    def sql(self) -> str:
        return qualified(self.schema, self.name)

    @property
    def label(self) -> str:
        return f"{self.schema}.{self.name}"


def _hypertables(shape: Shape) -> str:
    compressed = ["h.compressed_hypertable_id IS NOT NULL", "h.compression_state = 1"]
    if shape.has(HYPERTABLE, "status"):
        compressed.append("h.status & 4 = 4")
    tablespaces = "'{}'::text[]"
    if shape.has("_timescaledb_catalog.tablespace"):
        tablespaces = (
            "ARRAY(SELECT t.tablespace_name::text FROM _timescaledb_catalog.tablespace t "
            "WHERE t.hypertable_id = h.id ORDER BY t.id)"
        )
    skipping = "'{}'::text[]"
    if shape.has("_timescaledb_catalog.chunk_column_stats"):
        skipping = (
            "ARRAY(SELECT DISTINCT s.column_name::text "
            "FROM _timescaledb_catalog.chunk_column_stats s "
            "WHERE s.hypertable_id = h.id ORDER BY 1)"
        )
    return f"""
SELECT h.id, c.oid::bigint, h.schema_name::text, h.table_name::text, {" OR ".join(compressed)},
  NULLIF(h.associated_schema_name::text, '_timescaledb_internal'),
  NULLIF(h.associated_table_prefix::text, '_hyper_' || h.id),
  {tablespaces}, {skipping},
  pg_catalog.quote_ident(h.schema_name) || '.' || pg_catalog.quote_ident(h.table_name),
  h.chunk_target_size > 0
FROM {HYPERTABLE} h
JOIN pg_catalog.pg_namespace n ON n.nspname = h.schema_name
JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relname = h.table_name
WHERE h.compression_state <> 2
  AND NOT EXISTS (SELECT FROM {CAGG} g WHERE g.mat_hypertable_id = h.id)
ORDER BY 3, 4
"""


def _dimensions(shape: Shape) -> str:
    """The type that counts for the interval is the partitioning function's, if there is one."""
    interval = shape.function("to_interval")
    merge = "NULL::bigint"
    if shape.has("_timescaledb_catalog.dimension", "compress_interval_length"):
        merge = "d.compress_interval_length"
    kind = "COALESCE(f.prorettype, d.column_type)"

    def length(column: str, time: str, number: str) -> str:
        return (
            f"CASE WHEN {kind} IN {_TIMES} THEN {time.format(f'{interval}({column})')} "
            f"ELSE {number.format(column)} END"
        )

    return f"""
SELECT d.hypertable_id, d.column_name::text,
  {
        length(
            "d.interval_length",
            "'INTERVAL ' || quote_literal({}::text)",
            "'bigint ' || quote_literal({}::text)",
        )
    },
  d.num_slices::int, d.partitioning_func_schema::text, d.partitioning_func::text,
  d.integer_now_func_schema::text, d.integer_now_func::text,
  {length(merge, "{}::text", "{}::text")},
  pg_catalog.quote_ident(d.column_name)
FROM _timescaledb_catalog.dimension d
LEFT JOIN pg_catalog.pg_namespace fn ON fn.nspname = d.partitioning_func_schema
LEFT JOIN LATERAL (
  SELECT p.prorettype FROM pg_catalog.pg_proc p
  WHERE p.pronamespace = fn.oid AND p.proname = d.partitioning_func AND d.num_slices IS NULL
  LIMIT 1) f ON true
ORDER BY d.hypertable_id, d.id
"""


async def read_hypertable_facts(connection: Connection) -> tuple[HypertableFacts, ...]:
    """Every hypertable of the user that this end has, by name; none without the extension."""
    shape = await read_shape(connection)
    if not shape.timescaledb:
        return ()
    dimensions: dict[int, list[DimensionFacts]] = {}
    merges: dict[int, str] = {}
    for row in await rows(connection, _dimensions(shape)):
        number, column, interval, partitions, fs, fn, ns, nn, merge, quoted = row
        dimensions.setdefault(number, []).append(
            DimensionFacts(
                column,
                None if partitions is not None else interval,
                partitions,
                _function(fs, fn),
                None if nn is None else qualified(ns, nn),
                quoted,
            )
        )
        if merge is not None:
            merges.setdefault(number, merge)
    settings = {row[0]: row[1:] for row in await rows(connection, compression_query(shape))}
    sparse = await _sparse(connection, shape)
    return tuple(
        HypertableFacts(
            oid,
            schema,
            name,
            tuple(dimensions.get(id, ())),
            _compression(settings.get(id), merges.get(id), sparse.get(id)) if compressed else None,
            associated_schema,
            prefix,
            tuple(tablespaces),
            tuple(skipping),
            quoted,
            adaptive,
        )
        for (
            id,
            oid,
            schema,
            name,
            compressed,
            associated_schema,
            prefix,
            tablespaces,
            skipping,
            quoted,
            adaptive,
        ) in await rows(connection, _hypertables(shape))
    )


def _function(schema: str | None, name: str | None) -> str | None:
    """None for the extension's own hash function, which is the default."""
    if schema is None or name is None or schema.startswith("_timescaledb_"):
        return None
    return qualified(schema, name)


def _compression(
    row: tuple[list[str], list[str], list[bool], list[bool]] | tuple[object, ...] | None,
    merge: str | None,
    sparse: str | None,
) -> CompressionFacts:
    if row is None:
        return CompressionFacts((), (), merge, sparse)
    segmentby, names, descending, nulls_first = row
    assert isinstance(segmentby, list)
    assert isinstance(names, list)
    assert isinstance(descending, list)
    assert isinstance(nulls_first, list)
    orderby = tuple(zip(names, descending, nulls_first, strict=True))
    return CompressionFacts(tuple(segmentby), orderby, merge, sparse)


async def _sparse(connection: Connection, shape: Shape) -> dict[int, str]:
    """Sparse indexes with the source `config`; those the server chose have another."""
    if not shape.has("_timescaledb_catalog.compression_settings", "index"):
        return {}
    query = f"""
SELECT h.id, (SELECT jsonb_agg(i) FROM pg_catalog.jsonb_array_elements(s.index) i
              WHERE i ->> 'source' = 'config')::text
FROM {HYPERTABLE} h
JOIN pg_catalog.pg_namespace n ON n.nspname = h.schema_name
JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relname = h.table_name
JOIN _timescaledb_catalog.compression_settings s ON s.relid = c.oid
WHERE pg_catalog.jsonb_typeof(s.index) = 'array'
"""
    return {id: found for id, found in await rows(connection, query) if found}


@dataclass(frozen=True, slots=True)
class Api:
    """What the target's TimescaleDB offers: probed, never told from its version."""

    schema: str
    arguments: frozenset[tuple[str, str]]
    """(function, argument) of every public function that makes or shapes hypertables."""

    def has(self, function: str, argument: str | None = None) -> bool:
        """Is there such a function, and does one of its forms take this argument?"""
        return any(f == function and argument in (None, a) for f, a in self.arguments)

    def call(self, function: str) -> str:
        return qualified(self.schema, function)


_API = """
SELECT p.proname::text, a.name
FROM pg_catalog.pg_proc p
JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
CROSS JOIN LATERAL pg_catalog.unnest(p.proargnames) AS a (name)
WHERE n.nspname = %s AND p.proname IN ('create_hypertable', 'add_dimension', 'by_range', 'by_hash',
  'set_integer_now_func', 'enable_chunk_skipping')
"""


async def read_api(connection: Connection, schema: str) -> Api:
    """Ask the target once."""
    found = await rows(connection, _API, (schema,))
    return Api(schema, frozenset((function, argument) for function, argument in found))
