"""Continuous aggregates that a target takes only when asked in its way, or not at all."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.begun_run import begun, carried_out
from tests.support.caggs import stored_caggs
from tests.support.native import databases
from tests.support.policies import run_statements
from tswizard.core.catalog.cagg_model import WINDOW_FUNCTIONS
from tswizard.core.db.connection import connected, rows, value
from tswizard.core.db.endpoint import Endpoint
from tswizard.core.model.answers import Answers
from tswizard.core.model.finding import Finding, Level
from tswizard.core.split.caggs import create

pytestmark = pytest.mark.native

_RAW = (
    "CREATE TABLE raw (t timestamptz NOT NULL, dev int, v int)",
    "SELECT create_hypertable('raw', 't')",
    "INSERT INTO raw SELECT '2026-01-01'::timestamptz + i * interval '1 hour', i % 3, i "
    "FROM generate_series(0, 200) i",
)
_HOURLY = (
    "CREATE MATERIALIZED VIEW {name} WITH (timescaledb.continuous) AS "
    "SELECT time_bucket('1 hour', t) AS b, dev, sum(v) AS v FROM {reads} GROUP BY 1, 2"
)
_DAILY = (
    "CREATE MATERIALIZED VIEW daily WITH (timescaledb.continuous) AS "
    "SELECT time_bucket('1 day', b) AS b, sum(v) AS v FROM hourly GROUP BY 1"
)
_RUNNING = (
    f"SET {WINDOW_FUNCTIONS} = on",
    "CREATE MATERIALIZED VIEW running WITH (timescaledb.continuous) AS "
    "SELECT time_bucket('1 day', t) AS b, dev, sum(sum(v)) OVER "
    "(PARTITION BY dev ORDER BY time_bucket('1 day', t)) AS so_far FROM raw GROUP BY 1, 2",
)


@pytest.fixture
async def ends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[tuple[Endpoint, Endpoint]]:
    monkeypatch.setenv("TSWIZARD_STATE_DIR", str(tmp_path))
    async with databases(community=True) as (source, target):
        await run_statements(source, *_RAW)
        yield source, target


async def _findings(source: Endpoint, target: Endpoint) -> dict[str, Finding]:
    run = await carried_out(await begun(source, target, Answers(method="split")))
    assert run.outcome is not None
    return {finding.id: finding for finding in run.outcome.findings}


async def test_window_functions_are_allowed_for_the_creation(
    ends: tuple[Endpoint, Endpoint],
) -> None:
    source, target = ends
    async with connected(source) as connection:
        setting = "SELECT current_setting(%s, true)"
        if await value(connection, setting, (WINDOW_FUNCTIONS,)) is None:
            pytest.skip("this TimescaleDB knows no window functions there")
    await run_statements(source, *_RUNNING)
    found = await _findings(source, target)
    assert not [finding for finding in found.values() if finding.level is Level.FAIL]
    assert await stored_caggs(target) == await stored_caggs(source)
    async with connected(target) as connection:
        assert await value(connection, "SELECT count(*) FROM public.running") > 20
        assert await value(connection, f"SHOW {WINDOW_FUNCTIONS}") == "off"


async def test_what_the_target_refuses_is_named_with_what_is_built_on_it(
    ends: tuple[Endpoint, Endpoint], monkeypatch: pytest.MonkeyPatch
) -> None:
    source, target = ends
    await run_statements(
        source,
        _HOURLY.format(name="hourly", reads="raw"),
        _DAILY,
        _HOURLY.format(name="packed", reads="raw"),
        "ALTER MATERIALIZED VIEW packed SET (timescaledb.compress, "
        "timescaledb.compress_segmentby = 'dev')",
    )
    await run_statements(target, "CREATE TABLE hourly (in_the_way int)")
    real = create.compression_statement

    def refused(*args: Any) -> str:
        return real(*args).replace("dev", "nowhere")

    monkeypatch.setattr(create, "compression_statement", refused)
    found = await _findings(source, target)
    missing = found["caggs-not-created"]
    assert missing.level is Level.FAIL
    assert [detail.partition(":")[0] for detail in missing.details] == [
        "public.hourly",
        "public.daily",
    ]
    assert "already exists" in missing.details[0]
    assert missing.details[1].endswith("it is built on public.hourly")
    settings = found["cagg-compression-settings"]
    assert settings.level is Level.FAIL
    assert settings.details[0].startswith("public.packed: ")
    async with connected(target) as connection:
        there = await rows(
            connection, "SELECT view_name FROM timescaledb_information.continuous_aggregates"
        )
    assert there == [("packed",)]
