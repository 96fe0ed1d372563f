"""Which relations, columns and functions this server's TimescaleDB catalog has.

The catalog changed in almost every release between 2.9 and 2.29. Reading its layout from the server
keeps version numbers out of the queries.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from weakref import WeakKeyDictionary

from tswizard.core.db.connection import Connection, rows

HYPERTABLE = "_timescaledb_catalog.hypertable"
CHUNK = "_timescaledb_catalog.chunk"
DIMENSION_SLICE = "_timescaledb_catalog.dimension_slice"
CAGG = "_timescaledb_catalog.continuous_agg"
COMPRESSION_SETTINGS = "_timescaledb_catalog.compression_settings"
HYPERTABLE_COMPRESSION = "_timescaledb_catalog.hypertable_compression"
JOBS = ("_timescaledb_catalog.bgw_job", "_timescaledb_config.bgw_job")

_COLUMNS = """
SELECT n.nspname || '.' || c.relname, a.attname::text, a.atttypid::regtype::text
FROM pg_catalog.pg_class c
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid
WHERE n.nspname IN ('_timescaledb_catalog', '_timescaledb_config', 'timescaledb_information')
  AND c.relkind IN ('r', 'v') AND a.attnum > 0 AND NOT a.attisdropped
"""

_FUNCTIONS = """
SELECT DISTINCT n.nspname || '.' || p.proname, NULL, NULL
FROM pg_catalog.pg_proc p
JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
WHERE n.nspname IN ('_timescaledb_functions', '_timescaledb_internal')
"""


@dataclass(frozen=True, slots=True)
class Shape:
    """The layout of one server's catalog; empty without TimescaleDB."""

    columns: Mapping[str, Mapping[str, str]]
    """`schema.relation` -> column -> type."""
    functions: frozenset[str]
    """`schema.name` of the internal functions of the extension."""

    @property
    def timescaledb(self) -> bool:
        return HYPERTABLE in self.columns

    def has(self, relation: str, column: str | None = None) -> bool:
        """Is there such a relation, and such a column in it?"""
        found = self.columns.get(relation)
        return found is not None and (column is None or column in found)

    def function(self, name: str) -> str:
        """The qualified name of an internal function: their schema changed in 2.12."""
        modern = f"_timescaledb_functions.{name}"
        return modern if modern in self.functions else f"_timescaledb_internal.{name}"

    @property
    def jobs(self) -> str:
        """The table of jobs: it moved in 2.25; the old name may remain as a view."""
        return next((relation for relation in JOBS if self.has(relation)), JOBS[-1])


_known: "WeakKeyDictionary[Connection, Shape]" = WeakKeyDictionary()


async def read_shape(connection: Connection) -> Shape:
    """Read it from the server, once in a session: one that goes on while the extension is created,
    updated or dropped is of no use to it anymore."""
    if (known := _known.get(connection)) is not None:
        return known
    shape = await _read_shape(connection)
    _known[connection] = shape
    return shape


async def _read_shape(connection: Connection) -> Shape:
    columns: dict[str, dict[str, str]] = {}
    functions = set()
    for relation, column, kind in await rows(connection, f"{_COLUMNS} UNION ALL {_FUNCTIONS}"):
        if column is None:
            functions.add(relation)
        else:
            columns.setdefault(relation, {})[column] = kind
    return Shape(columns, frozenset(functions))
