"""One small TimescaleDB database as each version's catalog would describe it.

`catalogs.json` lists the columns of the catalog at each release (sql/pre_install/tables.sql
of timescaledb at that tag; null where the table is not there). Here they become real tables in a
database without TimescaleDB, so that PostgreSQL itself says whether a query fits.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from psycopg import sql

from tswizard.core.db.connection import Connection
from tswizard.core.db.versions import version_key

_KNOWN = json.loads((Path(__file__).parent / "catalogs.json").read_text())

_CHANGES = (_KNOWN["functions"], *_KNOWN["relations"].values())

VERSIONS: tuple[str, ...] = tuple(
    version for version in _KNOWN["versions"] if any(version in change for change in _CHANGES)
)
"""Those in which something changed; the others look like the one before."""

Row = dict[str, Any]
_DAY = 86_400_000_000


def _at(history: Mapping[str, Any], version: str) -> Any:
    """The entry that held in this version."""
    found = None
    for since, entry in history.items():
        if version_key(since) <= version_key(version):
            found = entry
    return found


@dataclass(frozen=True)
class Fake:
    """The catalog of one version."""

    version: str

    @property
    def functions(self) -> str:
        return str(_at(_KNOWN["functions"], self.version))

    def columns(self, relation: str) -> dict[str, str]:
        """Column -> type; empty where this version has no such table."""
        listed = _at(_KNOWN["relations"][relation], self.version)
        return dict(column.split(" ", 1) for column in listed.split(", ")) if listed else {}

    async def build(self, connection: Connection) -> None:
        """Make the schemas, tables and functions, and the database that they describe."""
        for schema in (
            "_timescaledb_catalog",
            "_timescaledb_config",
            "_timescaledb_functions",
            "_timescaledb_internal",
            "timescaledb_information",
        ):
            if schema != "_timescaledb_functions" or self.functions == schema:
                await connection.execute(f"CREATE SCHEMA {schema}".encode())
        await connection.execute(_MEMBERSHIP)
        await connection.execute(_OBJECTS)
        await connection.execute(_FUNCTIONS.replace("FUNCTIONS", self.functions).encode())
        for relation in _KNOWN["relations"]:
            columns = self.columns(relation)
            if columns:
                listed = ", ".join(f"{name} {kind}" for name, kind in columns.items())
                await connection.execute(f"CREATE TABLE {relation} ({listed})".encode())
                for row in self.rows(relation):
                    await self._insert(connection, relation, columns, row)

    async def _insert(
        self, connection: Connection, relation: str, columns: dict[str, str], row: Row
    ) -> None:
        """What of the row this version has columns for."""
        fitting = {name: row[name] for name in row if name in columns}
        await connection.execute(
            sql.SQL("INSERT INTO {} ({}) SELECT {}").format(
                sql.Identifier(*relation.split(".")),
                sql.SQL(", ").join(map(sql.Identifier, fitting)),
                sql.SQL(", ").join(
                    sql.SQL("CAST({} AS {})").format(
                        # -2^63 is no literal of its own: the sign is an operator.
                        sql.Literal(str(value) if isinstance(value, int) else value),
                        sql.SQL(_safe(columns[name])),
                    )
                    for name, value in fitting.items()
                ),
            )
        )

    def rows(self, relation: str) -> list[Row]:
        """The rows of one catalog table."""
        name = relation.split(".")[1]
        rows: list[Row] = getattr(self, f"_{name}", list)()
        return rows

    @property
    def _internal_table(self) -> bool:
        """Up to 2.28 compressed chunks hang on a hypertable of their own."""
        return "compressed_chunk_id" in self.columns("_timescaledb_catalog.chunk")

    def _hypertable(self) -> list[Row]:
        def row(id: int, schema: str, name: str, **more: Any) -> Row:
            base = {"num_dimensions": 1, "compression_state": 0, "status": 0}
            return {"id": id, "schema_name": schema, "table_name": name} | base | more

        inside = "_timescaledb_internal"
        found = [row(3, inside, "_materialized_hypertable_3")]
        if self._internal_table:
            found.append(row(1, "app", "readings", compression_state=1, compressed_hypertable_id=2))
            found.append(row(2, inside, "_compressed_hypertable_2", compression_state=2))
        else:
            found.append(row(1, "app", "readings", status=4))
        return found

    def _dimension(self) -> list[Row]:
        def row(id: int, hypertable: int, name: str, kind: str, **more: Any) -> Row:
            return (
                {"id": id, "hypertable_id": hypertable, "column_name": name}
                | {
                    "column_type": kind,
                    "aligned": True,
                }
                | more
            )

        return [
            row(1, 1, "at", "timestamp", interval_length=_DAY, compress_interval_length=7 * _DAY),
            row(
                2,
                1,
                "dev",
                "text",
                num_slices=4,
                partitioning_func_schema=self.functions,
                partitioning_func="get_partition_hash",
            ),
            row(
                3,
                3,
                "bucket",
                "bigint",
                interval_length=100,
                integer_now_func_schema="app",
                integer_now_func="ticks",
            ),
        ]

    def _chunk(self) -> list[Row]:
        def row(id: int, hypertable: int, name: str, **more: Any) -> Row:
            base = {"dropped": False, "status": 0, "osm_chunk": False}
            names = {"schema_name": "_timescaledb_internal", "table_name": name}
            return (
                {"id": id, "hypertable_id": hypertable, "relid": f"_timescaledb_internal.{name}"}
                | names
                | base
                | {"creation_time": "2024-01-01"}
                | more
            )

        found = [
            row(11, 1, "chunk_a"),
            row(12, 1, "chunk_b", status=9, compressed_chunk_id=13),
            row(15, 3, "chunk_c"),
        ]
        if self._internal_table:
            found.append(row(13, 2, "packed_b"))
        if "dropped" in self.columns("_timescaledb_catalog.chunk"):
            found.append(row(14, 1, "chunk_gone", dropped=True))
        return found

    def _slices(self) -> list[tuple[int, int, int, int]]:
        """(chunk, dimension, start, end)."""
        start = 1_704_067_200_000_000  # 2024-01-01
        first = -(2**63)
        return [
            (11, 1, start, start + _DAY),
            (11, 2, first, 5),
            (12, 1, start + _DAY, start + 2 * _DAY),
            (12, 2, first, 5),
            (15, 3, 100, 200),
        ]

    def _dimension_slice(self) -> list[Row]:
        return [
            {
                "id": number,
                "chunk_id": chunk,
                "dimension_id": dimension,
                "range_start": start,
                "range_end": end,
            }
            for number, (chunk, dimension, start, end) in enumerate(self._slices(), 1)
        ]

    def _chunk_constraint(self) -> list[Row]:
        return [
            {"chunk_id": slice_[0], "dimension_slice_id": number}
            for number, slice_ in enumerate(self._slices(), 1)
        ]

    def _compression_settings(self) -> list[Row]:
        order = {"orderby": ["at"], "orderby_desc": [True], "orderby_nullsfirst": [False]}
        chunk = {"relid": "_timescaledb_internal.packed_b"}
        if "compress_relid" in self.columns("_timescaledb_catalog.compression_settings"):
            chunk = {"relid": "_timescaledb_internal.chunk_b"} | {"compress_relid": chunk["relid"]}
        return [{"relid": "app.readings", "segmentby": ["dev"]} | order, chunk | order]

    def _hypertable_compression(self) -> list[Row]:
        return [
            {"hypertable_id": 1, "attname": "dev", "segmentby_column_index": 1},
            {
                "hypertable_id": 1,
                "attname": "at",
                "orderby_column_index": 1,
                "orderby_asc": False,
                "orderby_nullsfirst": False,
            },
            {"hypertable_id": 1, "attname": "v"},
        ]

    def _compression_chunk_size(self) -> list[Row]:
        return [{"chunk_id": 12, "compressed_chunk_id": 13, "numrows_pre_compression": 1000}]

    def _continuous_agg(self) -> list[Row]:
        return [
            {
                "mat_hypertable_id": 3,
                "raw_hypertable_id": 1,
                "user_view_schema": "app",
                "user_view_name": "daily",
                "partial_view_schema": "_timescaledb_internal",
                "partial_view_name": "_partial_view_3",
                "direct_view_schema": "_timescaledb_internal",
                "direct_view_name": "_direct_view_3",
                "materialized_only": True,
                "finalized": False,
            }
        ]

    def _bgw_job(self) -> list[Row]:
        def row(id: int, proc: str, hypertable: int | None) -> Row:
            return {
                "id": id,
                "application_name": f"{proc} [{id}]",
                "schedule_interval": "1 hour",
                "max_runtime": "5 minutes",
                "max_retries": 3,
                "retry_period": "7 minutes",
                "proc_schema": self.functions,
                "proc_name": proc,
                "owner": "keeper",
                "scheduled": True,
                "fixed_schedule": False,
                "initial_start": "2024-01-01 03:00+00",
                "hypertable_id": hypertable,
                "config": '{"drop_after": "30 days"}',
                "check_schema": "app",
                "check_name": "fine",
                "timezone": "Europe/Berlin",
            }

        return [row(3, "policy_telemetry", None), row(1000, "policy_retention", 3)]

    def _data_nodes(self) -> list[Row]:
        return []

    def _chunk_column_stats(self) -> list[Row]:
        return [{"hypertable_id": 1, "chunk_id": 0, "column_name": "v", "valid": True}]


def _safe(kind: str) -> Any:
    """A type's name; only what this file's data holds ever comes here."""
    return kind


# Whose a schema is, membership in the extension decides; there is none to be created.
_MEMBERSHIP = b"""
SET LOCAL allow_system_table_mods = on;
WITH extension AS (
  INSERT INTO pg_catalog.pg_extension (oid, extname, extowner, extnamespace, extrelocatable,
    extversion)
  VALUES (4294900000, 'timescaledb', 10, 'public'::regnamespace, false, '0') RETURNING oid
)
INSERT INTO pg_catalog.pg_depend
SELECT 'pg_catalog.pg_namespace'::regclass, n.oid, 0, 'pg_catalog.pg_extension'::regclass, e.oid, 0,
  'e'
FROM extension e, pg_catalog.pg_namespace n WHERE n.nspname ~ '^_?timescaledb_';
SET LOCAL allow_system_table_mods = off;
"""

_OBJECTS = b"""
DO $$ BEGIN
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'keeper') THEN CREATE ROLE keeper; END IF;
END $$;
CREATE SCHEMA app;
CREATE TABLE app.readings (at timestamp NOT NULL, dev text, v int);
CREATE TABLE app.plain (id int PRIMARY KEY);
CREATE TABLE _timescaledb_internal.chunk_a () INHERITS (app.readings);
CREATE TABLE _timescaledb_internal.chunk_b () INHERITS (app.readings);
CREATE TABLE _timescaledb_internal.packed_b (v bytea);
CREATE TABLE _timescaledb_internal._compressed_hypertable_2 ();
CREATE TABLE _timescaledb_internal._materialized_hypertable_3 (bucket bigint, n int);
CREATE TABLE _timescaledb_internal.chunk_c ()
  INHERITS (_timescaledb_internal._materialized_hypertable_3);
CREATE VIEW app.daily AS SELECT * FROM _timescaledb_internal._materialized_hypertable_3;
CREATE VIEW _timescaledb_internal._direct_view_3 AS SELECT v, count(*) FROM app.readings GROUP BY v;
CREATE TABLE timescaledb_information.jobs (job_id int, next_start timestamptz);
INSERT INTO timescaledb_information.jobs VALUES (1000, '2030-01-01 00:00+00');
INSERT INTO _timescaledb_internal.chunk_b SELECT '2024-01-02', 'a', g FROM generate_series(1, 50) g;
"""

_FUNCTIONS = """
CREATE FUNCTION FUNCTIONS.to_timestamp(bigint) RETURNS timestamptz LANGUAGE sql IMMUTABLE AS
  $$ SELECT 'epoch'::timestamptz + $1 * interval '1 microsecond' $$;
CREATE FUNCTION FUNCTIONS.to_interval(bigint) RETURNS interval LANGUAGE sql IMMUTABLE AS
  $$ SELECT $1 / 1000000 * interval '1 second' $$;
"""
