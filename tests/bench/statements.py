"""What each statement of a split migration takes of the server, by the number of chunks.

Each runs in a session of its own on the target server: the processor time of its backend, and the
most memory that it had (VmHWM, with what it touched of shared memory).
"""

import argparse
import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from psycopg import Error, sql

from tests.bench.measured import process_memory, process_time
from tests.support.native import TARGET, database, named
from tswizard.core.catalog.catalog_shape import read_shape
from tswizard.core.catalog.constraints import read_constraints
from tswizard.core.catalog.hypertables import read_hypertables
from tswizard.core.db.connection import Connection, connected, value
from tswizard.core.db.endpoint import Endpoint
from tswizard.core.split.plan.planner import plan_pieces
from tswizard.core.split.schema.index_flags import read_hypertable_indexes
from tswizard.core.verify.schema.read import read_schema

_ENOUGH = 500 << 20
"""Bytes of one statement, from which on it is not tried with more chunks."""
_AT_ONCE = 100
"""Chunks made by one statement, as the split method does it."""

_TABLES = (
    "CREATE TABLE site (id int PRIMARY KEY)",
    "INSERT INTO site VALUES (1)",
    "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN new; END'",
    "CREATE TABLE k (time timestamptz NOT NULL, host int NOT NULL, site int, v float8)",
    "SELECT create_hypertable('k', 'time', chunk_time_interval => interval '1 hour', "
    "create_default_indexes => false)",
)
_CHUNKS = """
INSERT INTO k SELECT '2026-01-01'::timestamptz + i * interval '1 hour', 1, 1, 1
FROM generate_series(%s::int, %s::int) i
"""
_KEY = "ALTER TABLE k ADD CONSTRAINT p PRIMARY KEY (time, host)"


@dataclass(frozen=True, slots=True)
class Taken:
    """What one statement took."""

    processor: float
    memory: int


@dataclass(frozen=True, slots=True)
class Case:
    """One statement, or one reading of the catalog."""

    name: str
    action: Callable[[Connection, int], Awaitable[object]]


def _statement(name: str, statement: str) -> Case:
    async def action(connection: Connection, _chunks: int) -> None:
        await connection.execute(sql.SQL(statement))

    return Case(name, action)


async def _make_chunks(connection: Connection, chunks: int) -> None:
    for first in range(0, chunks, _AT_ONCE):
        last = min(first + _AT_ONCE, chunks) - 1
        await connection.execute(_CHUNKS, (first, last))


async def _hypertables(connection: Connection, _chunks: int) -> None:
    await read_hypertables(connection, await read_shape(connection))


CASES = (
    Case("create the chunks", _make_chunks),
    _statement("ADD UNIQUE", "ALTER TABLE k ADD CONSTRAINT u UNIQUE (time, host)"),
    _statement("ADD CHECK", "ALTER TABLE k ADD CONSTRAINT c CHECK (host > 0)"),
    _statement("ADD FOREIGN KEY", "ALTER TABLE k ADD FOREIGN KEY (site) REFERENCES site"),
    _statement("CREATE INDEX", "CREATE INDEX ON k (host, time)"),
    _statement(
        "CREATE TRIGGER", "CREATE TRIGGER t BEFORE INSERT ON k FOR EACH ROW EXECUTE FUNCTION f()"
    ),
    _statement("REPLICA IDENTITY", "ALTER TABLE k REPLICA IDENTITY FULL"),
    _statement("GRANT", "GRANT SELECT ON k TO public"),
    _statement("COMMENT", "COMMENT ON TABLE k IS 'x'"),
    _statement("ANALYZE", "ANALYZE k"),
    _statement(
        "continuous aggregate",
        "CREATE MATERIALIZED VIEW daily WITH (timescaledb.continuous) AS "
        "SELECT time_bucket('1 day', time) AS day, count(*) FROM k GROUP BY 1 WITH NO DATA",
    ),
    _statement(
        "compression settings",
        "ALTER TABLE k SET (timescaledb.compress, timescaledb.compress_segmentby = 'host', "
        "timescaledb.compress_orderby = 'time')",
    ),
    _statement("policy", "SELECT add_retention_policy('k', interval '100 years')"),
    Case("read hypertables and chunks", _hypertables),
    Case("read constraints", lambda connection, _chunks: read_constraints(connection)),
    Case("read indexes", lambda connection, _chunks: read_hypertable_indexes(connection)),
    Case("plan the pieces", lambda connection, _chunks: plan_pieces(connection)),
    Case("read the schema for the check", lambda connection, _chunks: read_schema(connection)),
    _statement("ADD PRIMARY KEY", _KEY),
    _statement("TRUNCATE", "TRUNCATE k"),
)
"""In this order, each on the same hypertable with all its chunks."""
EARLY = (
    _statement("ADD PRIMARY KEY, no chunks yet", _KEY),
    Case("create the chunks, with the key", _make_chunks),
)
"""On another hypertable, as the split method does it with many chunks."""


@asynccontextmanager
async def _fresh(server: Endpoint, version: str) -> AsyncIterator[Endpoint]:
    async with database(server) as end:
        if version:
            async with connected(end) as connection:
                await connection.execute("DROP EXTENSION timescaledb CASCADE")
            async with connected(end) as connection:
                create = sql.SQL("CREATE EXTENSION timescaledb SCHEMA public VERSION {}")
                await connection.execute(create.format(version))
        async with connected(end) as connection:
            await connection.execute("SET search_path = public")
            for statement in _TABLES:
                await connection.execute(sql.SQL(statement))
        yield end


async def _taken(end: Endpoint, case: Case, chunks: int) -> Taken:
    async with connected(end) as connection:
        await connection.execute("SET search_path = public, pg_catalog")
        pid = int(await value(connection, "SELECT pg_backend_pid()"))
        before = process_time(pid)
        await case.action(connection, chunks)
        return Taken(process_time(pid) - before, process_memory(pid))


async def measure(server: Endpoint, version: str, sizes: Sequence[int]) -> dict[str, list[str]]:
    """By case: what it took for each number of chunks, as text."""
    found: dict[str, list[str]] = {case.name: [] for case in (*EARLY, *CASES)}
    stopped: set[str] = set()
    for chunks in sizes:
        for cases in (EARLY, CASES):
            async with _fresh(server, version) as end:
                for case in cases:
                    if case.name in stopped:
                        found[case.name].append("not tried")
                        continue
                    try:
                        taken = await _taken(end, case, chunks)
                    except Error as error:
                        found[case.name].append(type(error).__name__)
                        continue
                    if taken.memory > _ENOUGH:
                        stopped.add(case.name)
                    found[case.name].append(f"{taken.processor:.2f} s, {taken.memory >> 20} MB")
    return found


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--chunks", type=int, nargs="+", default=[250, 500, 1000, 2000])
    parser.add_argument("--version", default="", help="of TimescaleDB; the server's default")
    return parser.parse_args()


async def _main() -> None:
    options = _options()
    server = named(TARGET)
    found = await measure(server, options.version, options.chunks)
    version = options.version or "default version"
    print(f"| {version} |", " | ".join(f"{n:,} chunks" for n in options.chunks), "|")
    print("| --- " * (len(options.chunks) + 1) + "|")
    for name, cells in found.items():
        print(f"| {name} |", " | ".join(cells), "|")


if __name__ == "__main__":
    asyncio.run(_main())
