"""What the definitions of continuous aggregates read, as far as creating something alike takes."""

from dataclasses import dataclass

from tswizard.core.catalog.catalog_shape import CAGG, HYPERTABLE
from tswizard.core.db.connection import Connection, rows
from tswizard.core.db.identifiers import identifier, literal, qualified

_OWN_TYPE = "text"
"""In place of a type that a target may lack."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CaggInput:
    """A relation that a continuous aggregate reads: a hypertable, or something to join."""

    schema: str
    name: str
    columns: tuple[tuple[str, str], ...]
    """Name and type, as SQL."""
    time: str | None
    """The column that a hypertable is cut by; None for any other relation."""
    interval: int | None
    """Chunk interval of a hypertable that is cut by integers."""

    def statements(self, functions: str) -> tuple[str, ...]:
        """SQL that makes it, empty; `functions` is the schema of TimescaleDB's functions."""
        name = qualified(self.schema, self.name)
        columns = ", ".join(f"{identifier(column)} {type}" for column, type in self.columns)
        make = (
            f"CREATE SCHEMA IF NOT EXISTS {identifier(self.schema)}",
            f"CREATE TABLE {name} ({columns})",
        )
        if self.time is None:
            return make
        call = f"{identifier(functions)}.create_hypertable({literal(name)}, {literal(self.time)}"
        if self.interval is None:
            return (*make, f"SELECT {call})")
        type = dict(self.columns)[self.time]
        now = qualified(self.schema, f"now_{type}")
        return (
            *make,
            f"SELECT {call}, chunk_time_interval => {self.interval}::{type})",
            f"CREATE OR REPLACE FUNCTION {now}() RETURNS {type} LANGUAGE sql STABLE "
            f"AS 'SELECT 0::{type}'",
            f"SELECT {identifier(functions)}.set_integer_now_func({literal(name)}, {literal(now)})",
        )


# Relations that the query of a continuous aggregate depends on. One that stands on another reads
# that one's view.
_INPUTS = f"""
SELECT DISTINCT g.user_view_schema || '.' || g.user_view_name, n.nspname::text, c.relname::text,
  d.column_name::text,
  CASE WHEN d.column_type IN ('int2'::regtype, 'int4'::regtype, 'int8'::regtype)
    THEN d.interval_length END,
  c.oid::bigint
FROM {CAGG} g
JOIN pg_catalog.pg_namespace vn ON vn.nspname = g.direct_view_schema
JOIN pg_catalog.pg_class v ON v.relnamespace = vn.oid AND v.relname = g.direct_view_name
JOIN pg_catalog.pg_rewrite w ON w.ev_class = v.oid
JOIN pg_catalog.pg_depend p ON p.classid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass
  AND p.objid = w.oid AND p.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass
JOIN pg_catalog.pg_class c ON c.oid = p.refobjid AND c.oid <> v.oid
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN {HYPERTABLE} h ON h.schema_name = n.nspname AND h.table_name = c.relname
LEFT JOIN LATERAL (SELECT x.* FROM _timescaledb_catalog.dimension x
  WHERE x.hypertable_id = h.id ORDER BY x.id LIMIT 1) d ON true
LEFT JOIN {CAGG} o ON o.user_view_schema = n.nspname AND o.user_view_name = c.relname
WHERE o.mat_hypertable_id IS NULL
"""

_COLUMNS = f"""
SELECT a.attrelid::bigint, a.attname::text,
  CASE WHEN t.typnamespace = 'pg_catalog'::pg_catalog.regnamespace
    THEN pg_catalog.format_type(a.atttypid, a.atttypmod) ELSE '{_OWN_TYPE}' END
FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_type t ON t.oid = a.atttypid
WHERE a.attrelid::bigint = ANY (%s::bigint[]) AND a.attnum > 0 AND NOT a.attisdropped
ORDER BY a.attrelid, a.attnum
"""


async def read_cagg_inputs(source: Connection) -> dict[str, tuple[CaggInput, ...]]:
    """By `schema.name` of the continuous aggregate; not other continuous aggregates."""
    found = await rows(source, _INPUTS)
    columns: dict[int, list[tuple[str, str]]] = {row[5]: [] for row in found}
    for oid, name, type in await rows(source, _COLUMNS, (list(columns),)):
        columns[oid].append((name, type))
    inputs: dict[str, list[CaggInput]] = {}
    for label, schema, name, time, interval, oid in found:
        made = CaggInput(
            schema=schema, name=name, columns=tuple(columns[oid]), time=time, interval=interval
        )
        inputs.setdefault(label, []).append(made)
    return {label: tuple(made) for label, made in inputs.items()}
