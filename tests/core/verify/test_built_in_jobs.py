"""TimescaleDB's own jobs, whose rows no dump holds."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import replace

import pytest

from tests.support.native import databases
from tswizard.core.db.connection import Connection, connected
from tswizard.core.model.finding import Finding, Level
from tswizard.core.verify.schema.compare import compare_schemas
from tswizard.core.verify.schema.findings import schema_findings
from tswizard.core.verify.schema.read import read_schema

pytestmark = pytest.mark.native

_CHANGES = (
    "SELECT public.alter_job(1, scheduled => false)",
    "SELECT public.alter_job(3, schedule_interval => '7 days', max_retries => 4, "
    'config => \'{"drop_after": "1 year", "max_failures_per_job": 70, '
    "\"max_successes_per_job\": 70}', timezone => 'Europe/Stockholm')",
)


@pytest.fixture
async def ends() -> AsyncIterator[tuple[Connection, Connection]]:
    async with AsyncExitStack() as stack:
        pair = await stack.enter_async_context(databases(community=True))
        source, target = [await stack.enter_async_context(connected(end)) for end in pair]
        yield source, target


async def _finding(source: Connection, target: Connection, timescaledb: str = "") -> Finding:
    ours, theirs = await read_schema(source), await read_schema(target)
    if timescaledb:
        theirs = replace(theirs, timescaledb=timescaledb)
    findings = schema_findings(compare_schemas(ours, theirs), {})
    (found,) = [finding for finding in findings if finding.id == "schema-built-in-job"]
    return found


async def test_what_a_person_changed_is_named_and_the_statements_settle_it(
    ends: tuple[Connection, Connection],
) -> None:
    source, target = ends
    assert (await _finding(source, target)).level is Level.PASS
    for change in _CHANGES:
        await source.execute(change.encode())
    found = await _finding(source, target)
    assert found.level is Level.LOOK
    assert len(found.details) == 2
    await target.execute("SET search_path = public")
    for line in found.details:
        await target.execute(line.partition("  -- ")[0].encode())
    await target.execute("SET search_path = pg_catalog")
    assert (await _finding(source, target)).level is Level.PASS


async def test_between_versions_only_whether_it_is_scheduled(
    ends: tuple[Connection, Connection],
) -> None:
    source, target = ends
    for change in _CHANGES:
        await source.execute(change.encode())
    found = await _finding(source, target, "2.19.3")
    (line,) = found.details
    assert line.startswith(
        "SELECT alter_job(id, scheduled => false, timezone => timezone) "
        "FROM _timescaledb_config.bgw_job WHERE id < 1000 AND proc_name = 'policy_telemetry';"
    )
