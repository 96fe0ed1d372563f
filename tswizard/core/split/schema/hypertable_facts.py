"""What creating a hypertable takes, beyond the inventory: read from either end."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tswizard.core.catalog.catalog_shape import CAGG, HYPERTABLE, Shape, read_shape
from tswizard.core.catalog.hypertable_model import Compression, Dimension
from tswizard.core.catalog.hypertables import compression_enabled, layout_of, layout_queries
from tswizard.core.db.connection import Connection, batch, rows
from tswizard.core.db.identifiers import qualified

HYPERTABLE_OIDS = """
SELECT c.oid FROM _timescaledb_catalog.hypertable h
JOIN pg_catalog.pg_namespace n ON n.nspname = h.schema_name
JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relname = h.table_name
WHERE n.nspname <> '_timescaledb_internal'
"""
"""Query for the OIDs of the user's hypertables."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HypertableFacts:
    """A hypertable of the user, as it has to be created."""

    schema: str
    name: str
    dimensions: tuple[Dimension, ...]
    compression: Compression | None
    associated_schema: str | None = None
    """Where its chunks are created; None for the default."""
    associated_prefix: str | None = None
    """What their names begin with; None for the default."""
    tablespaces: tuple[str, ...] = ()
    skipping: tuple[str, ...] = ()
    """Columns with chunk skipping."""
    quoted: str = ""
    """Its name as the server quotes it."""
    adaptive: bool = False
    """Its chunk interval adapts itself (an experiment of early versions)."""

    @property
    def sql(self) -> str:
        return qualified(self.schema, self.name)

    @property
    def label(self) -> str:
        return f"{self.schema}.{self.name}"

    @property
    def key(self) -> tuple[str, str]:
        return self.schema, self.name


def _hypertables(shape: Shape, *, materializations: bool) -> str:
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
SELECT h.id, h.schema_name::text, h.table_name::text, {compression_enabled(shape)},
  NULLIF(h.associated_schema_name::text, '_timescaledb_internal'),
  NULLIF(h.associated_table_prefix::text, '_hyper_' || h.id),
  {tablespaces}, {skipping},
  pg_catalog.quote_ident(h.schema_name) || '.' || pg_catalog.quote_ident(h.table_name),
  h.chunk_target_size > 0
FROM {HYPERTABLE} h
WHERE h.compression_state <> 2
  AND {"" if materializations else "NOT"} EXISTS (
    SELECT FROM {CAGG} g WHERE g.mat_hypertable_id = h.id)
ORDER BY 2, 3
"""


async def read_hypertable_facts(
    connection: Connection, *, materializations: bool = False
) -> tuple[HypertableFacts, ...]:
    """Every hypertable of the user on this end, by name, or every materialization hypertable; none
    without the extension."""
    shape = await read_shape(connection)
    if not shape.timescaledb:
        return ()
    queries = hypertable_facts_queries(shape, materializations=materializations)
    return hypertable_facts(await batch(connection, queries))


def hypertable_facts_queries(shape: Shape, *, materializations: bool = False) -> tuple[str, ...]:
    """What `hypertable_facts` takes the rows of."""
    return (*layout_queries(shape), _hypertables(shape, materializations=materializations))


def hypertable_facts(answers: Sequence[Sequence[tuple[Any, ...]]]) -> tuple[HypertableFacts, ...]:
    """From the rows of `hypertable_facts_queries`."""
    *of_layout, found = answers
    layout = layout_of(of_layout)
    return tuple(
        HypertableFacts(
            schema=schema,
            name=name,
            dimensions=layout.dimensions.get(id, ()),
            compression=layout.compression.get(id, Compression((), ())) if compressed else None,
            associated_schema=associated_schema,
            associated_prefix=associated_prefix,
            tablespaces=tuple(tablespaces),
            skipping=tuple(skipping),
            quoted=quoted,
            adaptive=adaptive,
        )
        for (
            id,
            schema,
            name,
            compressed,
            associated_schema,
            associated_prefix,
            tablespaces,
            skipping,
            quoted,
            adaptive,
        ) in found
    )


@dataclass(frozen=True, slots=True)
class TimescaleApi:
    """What the target's TimescaleDB offers: read from its catalog, never told from its version."""

    schema: str
    arguments: frozenset[tuple[str, str]]
    """(function, argument) of the public functions that set up hypertables."""

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


async def read_api(connection: Connection, schema: str) -> TimescaleApi:
    """Read it from the target; `schema` is that of its TimescaleDB."""
    found = await rows(connection, _API, (schema,))
    return TimescaleApi(schema, frozenset((function, argument) for function, argument in found))
