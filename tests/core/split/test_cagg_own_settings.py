"""What was set on a materialization itself is named with the statements for the target's."""

from pathlib import Path

import pytest

from tests.support.native import databases
from tests.support.split_ends import run as run_sql
from tests.support.step_context import step_context
from tswizard.core.split.caggs.own_settings import lost_settings

pytestmark = pytest.mark.native

_CAGG = (
    "SET search_path = public",
    "CREATE TABLE m (ts timestamptz NOT NULL, dev int, v int)",
    "SELECT create_hypertable('m', 'ts')",
    'CREATE MATERIALIZED VIEW "C ""1" WITH (timescaledb.continuous) AS'
    " SELECT time_bucket('1 day', ts) b, dev, sum(v) FROM m GROUP BY 1, 2 WITH NO DATA",
)
_MATERIALIZATION = "_timescaledb_internal._materialized_hypertable_2"
_SETTINGS = (
    f"ALTER TABLE {_MATERIALIZATION} SET (autovacuum_vacuum_scale_factor=0.01)",
    f"CREATE STATISTICS public.st ON dev, b FROM {_MATERIALIZATION}",
    f"GRANT SELECT ON {_MATERIALIZATION} TO pg_monitor",
    f"ALTER TABLE {_MATERIALIZATION} REPLICA IDENTITY FULL",
    f"COMMENT ON TABLE {_MATERIALIZATION} IS 'it''s ours'",
)
_ON_BOTH = 'GRANT SELECT ON public."C ""1" TO pg_read_all_stats'


async def test_what_the_target_lacks_is_a_statement_for_it(tmp_path: Path) -> None:
    async with databases(community=True) as (source, target):
        await run_sql(source, *_CAGG, _ON_BOTH, *_SETTINGS)
        # Another number, so another name.
        await run_sql(
            target,
            "CREATE TABLE public.other (ts timestamptz NOT NULL)",
            "SELECT public.create_hypertable('public.other', 'ts')",
            *_CAGG,
            _ON_BOTH,
        )
        async with step_context(tmp_path, source, target) as run:
            (finding,) = await lost_settings(run.task)
            assert len(finding.details) == len(_SETTINGS)
            statements = [line.partition(": ")[2] for line in finding.details]
            assert all("_materialized_hypertable_3" in text for text in statements)
            await run_sql(target, *statements)
            assert await lost_settings(run.task) == ()
