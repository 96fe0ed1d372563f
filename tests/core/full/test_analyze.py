"""Statistics of everything that was moved, in few round trips."""

from pathlib import Path

import pytest

from tests.support.native import databases
from tests.support.split_ends import run
from tests.support.step_context import step_context
from tswizard.core.db.connection import connected, rows
from tswizard.core.steps.analyze import analyze

pytestmark = pytest.mark.native

_TABLES = (
    "CREATE TABLE metrics (time timestamptz NOT NULL, device int)",
    "SELECT create_hypertable('metrics', 'time', chunk_time_interval => interval '1 day')",
    "INSERT INTO metrics SELECT '2026-01-01'::timestamptz + i * interval '6 hours', i "
    "FROM generate_series(1, 40) i",
    *(f"CREATE TABLE t{n} AS SELECT 1 AS a" for n in range(60)),
    # Not on the target: the first is refused, and the others of its round trip are analyzed.
    "CREATE TABLE t0_gone AS SELECT 1 AS a",
)
_ANALYZED = """
SELECT count(*) FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind = 'r' AND c.reltuples > 0 AND (n.nspname, c.relname) IN (
  SELECT 'public', 't' || i FROM generate_series(0, 59) i
  UNION ALL SELECT chunk_schema, chunk_name FROM timescaledb_information.chunks)
"""


async def test_every_table_and_chunk_has_statistics_though_one_is_gone(tmp_path: Path) -> None:
    async with databases() as (source, target):
        for end in (source, target):
            await run(end, "SET default_statistics_target = 1", *_TABLES)
        await run(target, "DROP TABLE t0_gone")
        async with step_context(tmp_path, source, target) as step:
            await analyze(step.ctx)
            assert step.findings == []
        async with connected(target) as connection:
            ((analyzed,),) = await rows(connection, _ANALYZED)
        assert analyzed == 60 + 11
