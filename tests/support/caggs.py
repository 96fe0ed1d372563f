"""Continuous aggregates on native servers of the community edition."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from psycopg import sql
from psycopg.errors import DuplicateObject, UniqueViolation

from tests.support.native import databases
from tests.support.program import Program
from tswizard.core.db.connection import connected, rows, value
from tswizard.core.db.endpoint import Endpoint

SAMPLE = Path(__file__).with_name("caggs.sql")


OWNED = Path(__file__).with_name("cagg_owner.sql")
ESTATE = Path(__file__).with_name("cagg_estate.sql")


async def fill(source: Endpoint, sample: Path = SAMPLE) -> None:
    """Make a sample. A refresh is a procedure with transactions of its own, so statement by
    statement."""
    async with connected(source) as connection:
        await connection.execute("SET search_path = public")
        for statement in sample.read_text().split(";\n"):
            if statement.strip():
                await connection.execute(statement.encode())


@asynccontextmanager
async def estate_ends() -> AsyncIterator[tuple[Endpoint, Endpoint]]:
    """A source with what a grown installation has, and an empty target with the roles."""
    async with databases(community=True) as (source, target):
        async with connected(target) as connection:
            for role in ("estate_reader", "estate_writer"):
                with suppress(DuplicateObject, UniqueViolation):
                    await connection.execute(f"CREATE ROLE {role} NOLOGIN".encode())
        await fill(source, ESTATE)
        yield source, target


@asynccontextmanager
async def owned_ends() -> AsyncIterator[tuple[Endpoint, Endpoint]]:
    """A source with continuous aggregates of another role, which the empty target has too."""
    async with databases(community=True) as (source, target):
        for end in (source, target):
            async with connected(end) as connection:
                for role in ("keeper", "viewer"):
                    with suppress(DuplicateObject, UniqueViolation):
                        await connection.execute(f"CREATE ROLE {role} NOLOGIN".encode())
                with suppress(UniqueViolation):
                    await connection.execute("GRANT keeper TO CURRENT_USER")
        await fill(source, OWNED)
        yield source, target


@asynccontextmanager
async def cagg_ends() -> AsyncIterator[tuple[Endpoint, Endpoint]]:
    """A source with the sample and an empty target."""
    async with databases(community=True) as (source, target):
        await fill(source)
        yield source, target


@dataclass(frozen=True)
class StoredCagg:
    """What an end holds of a continuous aggregate, read apart from the engine."""

    rows: tuple[str, ...]
    chunks: tuple[str, ...]
    indexes: tuple[str, ...]
    watermark: int | None


_CAGGS = """
SELECT g.user_view_schema || '.' || g.user_view_name, m.schema_name::text, m.table_name::text,
  (SELECT w.watermark FROM _timescaledb_catalog.continuous_aggs_watermark w
   WHERE w.mat_hypertable_id = m.id)
FROM _timescaledb_catalog.continuous_agg g
JOIN _timescaledb_catalog.hypertable m ON m.id = g.mat_hypertable_id
"""

_CHUNKS = """
SELECT concat_ws(' ', range_start, range_end, range_start_integer, range_end_integer, is_compressed)
FROM timescaledb_information.chunks WHERE hypertable_name = %s ORDER BY 1
"""

_INDEXES = "SELECT indexdef FROM pg_indexes WHERE schemaname = %s AND tablename = %s ORDER BY 1"


async def stored_caggs(end: Endpoint) -> dict[str, StoredCagg]:
    """By `schema.name`."""
    found = {}
    async with connected(end) as connection:
        await connection.execute("SET TimeZone = 'UTC'")
        for label, schema, name, watermark in await rows(connection, _CAGGS):
            own = sql.SQL("SELECT t::text FROM {} t ORDER BY 1").format(
                sql.Identifier(schema, name)
            )
            indexes = await rows(connection, _INDEXES, (schema, name))
            found[label] = StoredCagg(
                tuple(row for (row,) in await rows(connection, own)),
                tuple(row for (row,) in await rows(connection, _CHUNKS, (name,))),
                tuple(sorted(text.replace(name, "mat") for (text,) in indexes)),
                watermark,
            )
    return found


async def not_logging(end: Endpoint) -> int:
    """Hypertables and chunks without the trigger that those which continuous aggregates read have,
    on versions that log by triggers."""
    async with connected(end) as connection:
        return int(await value(connection, _NOT_LOGGING))


_NOT_LOGGING = """
WITH logged AS (
  SELECT c.oid FROM _timescaledb_catalog.hypertable h
  JOIN pg_namespace n ON n.nspname = h.schema_name
  JOIN pg_class c ON c.relnamespace = n.oid AND c.relname = h.table_name
  WHERE h.id IN (SELECT raw_hypertable_id FROM _timescaledb_catalog.continuous_agg)
), relations AS (
  SELECT oid FROM logged UNION SELECT inhrelid FROM pg_inherits JOIN logged ON oid = inhparent
)
SELECT count(*) FROM relations r
WHERE NOT EXISTS (SELECT FROM pg_trigger t WHERE t.tgrelid = r.oid
    AND t.tgname = 'ts_cagg_invalidation_trigger')
  AND to_regproc('_timescaledb_functions.continuous_agg_invalidation_trigger') IS NOT NULL
"""


async def refresh_everything(end: Endpoint) -> None:
    """A full refresh by hand of every continuous aggregate, parents first."""
    async with connected(end) as connection:
        names = await rows(
            connection,
            "SELECT format('%I.%I', user_view_schema, user_view_name) "
            "FROM _timescaledb_catalog.continuous_agg ORDER BY mat_hypertable_id",
        )
        for (name,) in names:
            await connection.execute(
                sql.SQL("CALL public.refresh_continuous_aggregate({}, NULL, NULL)").format(
                    sql.Literal(name)
                )
            )


def program_for(folder: Path, source: Endpoint, target: Endpoint, **given: Any) -> Program:
    """tswizard with an answers file `answers.toml` for a migration between these ends, by default a
    split one."""
    program = Program.between(
        folder, *((end.conninfo, end.password or "") for end in (source, target))
    )
    confirm = dict(target.params)["dbname"]
    program.answers_for(source.conninfo, target.conninfo, confirm, **{"method": "split"} | given)
    return program
