"""Whatever is changed of a continuous aggregate on the target, the check names it."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import pytest_asyncio

from tests.support.caggs import cagg_ends, program_for
from tests.support.step_context import step_context
from tswizard.core.catalog.cagg_model import CaggState
from tswizard.core.db.connection import Connection, connected, value
from tswizard.core.db.endpoint import Endpoint
from tswizard.core.model.finding import Finding, Level
from tswizard.core.split.caggs.compare import read_states, state_findings
from tswizard.core.split.caggs.compare_views import compare_views
from tswizard.core.split.schema.cagg_facts import Caggs, read_cagg_facts
from tswizard.core.split.schema.hypertable_facts import read_hypertable_facts
from tswizard.core.split.schema.normalize import End, normalize
from tswizard.core.verify.database_reader import DatabaseReader
from tswizard.core.verify.schema.compare import compare_schemas
from tswizard.core.verify.schema.not_migrated import NotMigrated
from tswizard.core.verify.schema.read import read_schema

pytestmark = [pytest.mark.native, pytest.mark.asyncio(loop_scope="module")]


@dataclass(frozen=True)
class Side:
    """All that is compared of an end."""

    end: End
    caggs: Caggs
    states: dict[str, CaggState]

    @classmethod
    async def of(cls, connection: Connection) -> "Side":
        facts = await read_cagg_facts(connection)
        return cls(
            (await read_schema(connection), await read_hypertable_facts(connection)),
            Caggs(facts, frozenset(facts)),
            await read_states(connection),
        )


def differences(source: Side, target: Side) -> set[str]:
    """Kinds of objects that differ, and ids of findings."""
    compared = compare_schemas(
        *normalize(source.end, target.end, NotMigrated(), (source.caggs, target.caggs))
    )
    found = {difference.key.kind for difference in compared.differences}
    return found | {f.id for f in state_findings(source.states, target.states, "") if f.level}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def ends() -> AsyncIterator[tuple[Endpoint, Endpoint]]:
    async with cagg_ends() as found:
        yield found


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def migrated(
    tmp_path_factory: pytest.TempPathFactory, ends: tuple[Endpoint, Endpoint]
) -> AsyncIterator[tuple[Side, Endpoint]]:
    folder: Path = tmp_path_factory.mktemp("migrated")
    source, target = ends
    program = program_for(folder, source, target)
    ended = await program.call("--answers", program.folder / "answers.toml")
    assert ended.code == 0, ended.err
    async with connected(source) as connection:
        side = await Side.of(connection)
    yield side, target


_COMPRESSED_CHUNK = """
(SELECT min(format('%I.%I', chunk_schema, chunk_name))::regclass
 FROM timescaledb_information.chunks WHERE is_compressed AND hypertable_name ~ '^_mat')
"""

_CHANGES = (
    (
        "ALTER MATERIALIZED VIEW m.hourly SET (timescaledb.materialized_only = true)",
        "continuous-aggregate",
    ),
    ("ALTER MATERIALIZED VIEW m.daily SET (timescaledb.compress = true)", "continuous-aggregate"),
    ("DROP INDEX _timescaledb_internal.hourly_own", "continuous-aggregate"),
    ("CREATE INDEX ON m.daily (n)", "continuous-aggregate"),
    ("ALTER MATERIALIZED VIEW m.daily RENAME COLUMN n TO other", "continuous-aggregate"),
    ("DROP MATERIALIZED VIEW m.never", "continuous-aggregate"),
    ("COMMENT ON VIEW m.hourly IS 'another'", "comment"),
    ("COMMENT ON COLUMN m.hourly.avg_v IS NULL", "comment"),
    ("GRANT SELECT ON m.hourly TO PUBLIC", "grant"),
    (f"SELECT public.decompress_chunk({_COMPRESSED_CHUNK})", "chunk"),
    ("DROP VIEW m.on_daily", "view"),
    (
        "UPDATE _timescaledb_catalog.continuous_aggs_watermark SET watermark = watermark + 1",
        "cagg-watermark-differs",
    ),
    (
        "INSERT INTO _timescaledb_catalog.continuous_aggs_materialization_invalidation_log "
        "SELECT mat_hypertable_id, 1672531200000000, 1672617599999999 "
        "FROM _timescaledb_catalog.continuous_agg WHERE user_view_name = 'daily'",
        "cagg-ranges-differ",
    ),
)


async def test_nothing_differs_at_first(migrated: tuple[Side, Endpoint]) -> None:
    source, target = migrated
    async with connected(target) as connection:
        assert differences(source, await Side.of(connection)) <= {"cagg-states"}


@pytest.mark.parametrize(("change", "named"), _CHANGES)
async def test_a_change_is_named(migrated: tuple[Side, Endpoint], change: str, named: str) -> None:
    source, target = migrated
    async with connected(target) as connection, connection.transaction(force_rollback=True):
        await connection.execute(change.encode())
        assert named in differences(source, await Side.of(connection))


_ROW_GONE = """
WITH mat AS (SELECT format('%I.%I', materialization_hypertable_schema,
    materialization_hypertable_name) AS name
  FROM timescaledb_information.continuous_aggregates WHERE view_name = 'by_hundred')
SELECT format('DELETE FROM %s WHERE b = 200', name) FROM mat
"""


async def test_what_the_views_give_is_compared(
    migrated: tuple[Side, Endpoint], tmp_path: Path, ends: tuple[Endpoint, Endpoint]
) -> None:
    """Last, since it changes the target for good."""
    side, target = migrated
    source, _ = ends
    async with step_context(tmp_path, source, target) as run:
        caggs = [facts.cagg for facts in side.caggs.facts.values()]
        readers = DatabaseReader("source", source), DatabaseReader("target", target)
        views = run.task.inventory.cagg_dependents

        async def found() -> dict[str, Finding]:
            del run.findings[:]
            await compare_views(run.ctx, readers, caggs, side.states, views)
            return {finding.id: finding for finding in run.findings}

        assert set(await found()) == {"cagg-views"}
        async with connected(target) as connection:
            statement = await value(connection, _ROW_GONE)
            await connection.execute(str(statement).encode())
            await connection.execute(
                "CREATE OR REPLACE VIEW m.on_daily AS "
                "SELECT day, sum(n) + 1 AS n FROM m.daily GROUP BY 1"
            )
        after = await found()
        assert after["cagg-view-differs"].level is Level.FAIL
        assert [text.partition(":")[0] for text in after["cagg-view-differs"].details] == [
            "m.by_hundred"
        ]
        assert after["cagg-dependent-differs"].level is Level.LOOK
        for reader in readers:
            await reader.close()
