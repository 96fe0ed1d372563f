"""Whatever happens to the source after the snapshot that dump and check share is named."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace

import psycopg
import pytest

from tests.support.native import databases
from tswizard.core.catalog.read import read_inventory, read_server
from tswizard.core.db.connection import Connection, connected, value
from tswizard.core.db.endpoint import Endpoint
from tswizard.core.model.finding import Finding, Level
from tswizard.core.verify import VerifyJob, VerifyStopped, read_counters, verify

pytestmark = pytest.mark.native

_ON_BOTH = (
    "CREATE TABLE m (ts timestamptz NOT NULL, d int, v int)",
    "SELECT create_hypertable('m', 'ts')",
    "INSERT INTO m SELECT '2024-01-01 00:00+00'::timestamptz + g * interval '1 day', g, g "
    "FROM generate_series(1, 20) g",
    "CREATE TABLE plain (id int, t text)",
    "INSERT INTO plain SELECT g FROM generate_series(1, 50) g",
    "CREATE TABLE part (a int) PARTITION BY RANGE (a)",
    "CREATE TABLE part1 PARTITION OF part FOR VALUES FROM (0) TO (10)",
    "CREATE SCHEMA old",
    "SELECT lo_from_bytea(70001, 'abc')",
    "CREATE SCHEMA a",
    'CREATE SCHEMA "a.b"',
    'CREATE TABLE a."b.t" (ts timestamptz NOT NULL)',
    'CREATE TABLE "a.b".t (ts timestamptz NOT NULL)',
    "SELECT create_hypertable('a.\"b.t\"', 'ts'), create_hypertable('\"a.b\".t', 'ts')",
    "INSERT INTO a.\"b.t\" SELECT '2024-01-01 00:00+00' FROM generate_series(1, 30)",
    "INSERT INTO \"a.b\".t SELECT '2024-01-01 00:00+00' FROM generate_series(1, 3)",
)


@dataclass(frozen=True)
class Checked:
    """A source, and a target as the source was under the snapshot of the job."""

    job: VerifyJob
    source: Connection

    async def findings(self) -> dict[str, list[Finding]]:
        """Those about what is newer: both databases were made by themselves, so that their chunks
        have times of their own."""
        found: dict[str, list[Finding]] = {}
        for finding in (await verify(self.job, lambda _progress: None)).findings:
            if finding.id.endswith("-newer"):
                assert finding.level is Level.LOOK
                found.setdefault(finding.id, []).append(finding)
        return found


@pytest.fixture
async def checked() -> AsyncIterator[Checked]:
    async with databases() as (source, target), connected(source) as here:
        for end in (source, target):
            async with connected(end) as connection:
                await connection.execute("SET search_path = public")
                for statement in _ON_BOTH:
                    await connection.execute(statement.encode())
        await here.execute("SET search_path = public")
        counters = await read_counters(here)
        async with _snapshot(source) as snapshot:
            job = VerifyJob(
                source=source,
                target=target,
                inventory=await read_inventory(source),
                target_server=await read_server(target),
                snapshot=snapshot,
                counters_before=counters,
            )
            yield Checked(job, here)


@asynccontextmanager
async def _snapshot(source: Endpoint) -> AsyncIterator[str]:
    async with connected(source) as holder:
        await holder.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
        yield str(await value(holder, "SELECT pg_catalog.pg_export_snapshot()"))


async def _told(connection: Connection) -> None:
    """A server tells of writes with a delay, unless it is told to hurry."""
    await connection.execute("SELECT pg_catalog.pg_stat_force_next_flush()")
    await connection.execute("SELECT 1")


async def test_nothing_is_named_where_nothing_has_changed(checked: Checked) -> None:
    assert await checked.findings() == {}


async def test_what_was_created_altered_or_dropped_is_named(checked: Checked) -> None:
    for statement in (
        "CREATE TABLE newt (a int PRIMARY KEY)",
        "INSERT INTO newt SELECT generate_series(1, 100)",
        "CREATE TABLE newh (ts timestamptz NOT NULL)",
        "SELECT create_hypertable('newh', 'ts')",
        "INSERT INTO newh VALUES (now())",
        "ALTER TABLE m ADD COLUMN extra text DEFAULT 'zz'",
        "CREATE INDEX newix ON m (d, ts)",
        "CREATE VIEW nv AS SELECT 1 AS one",
        "CREATE FUNCTION nf() RETURNS int LANGUAGE sql AS 'select 1'",
        "DROP SCHEMA old",
        "CREATE TABLE part2 PARTITION OF part FOR VALUES FROM (10) TO (20)",
        "INSERT INTO part VALUES (11), (12)",
        "SELECT set_chunk_time_interval('m', interval '3 days')",
    ):
        await checked.source.execute(statement.encode())
    await _told(checked.source)
    found = await checked.findings()
    (schema,) = found.pop("schema-newer")
    details = [line for line in schema.details if not line.startswith("altered: table")]
    assert details == [
        "created: table public.newh",
        "created: table public.newt",
        "created: table public.part2",
        "created: column public.m.extra",
        "created: index public.newix",
        "created: view public.nv",
        "created: function public.nf()",
        "created: hypertable public.newh",
        "dropped: schema old",
        "altered: dimension public.m.ts (interval_length)",
    ]
    rows = {finding.what: finding.details for finding in found.pop("rows-newer")}
    assert rows == {
        f"{name}: {more} on the source since copying began": (f"SELECT * FROM {quoted};",)
        for name, quoted, more in (
            ("public.newh", '"public"."newh"', "+1 row"),
            ("public.newt", '"public"."newt"', "+100 rows"),
            ("public.part2", '"public"."part2"', "+2 rows"),
        )
    }


async def test_large_objects_that_are_new_or_changed_are_named(checked: Checked) -> None:
    for statement, what in (
        ("SELECT lo_put(70001, 0, 'zzz')", "some changed"),
        ("SELECT lo_from_bytea(70002, 'b')", "+1"),
        ("SELECT lo_unlink(70002)", "-1"),
    ):
        async with _snapshot(checked.job.source) as snapshot:
            counters = await read_counters(checked.source)
            job = replace(checked.job, snapshot=snapshot, counters_before=counters)
            await checked.source.execute(statement.encode())
            await _told(checked.source)
            found = await Checked(job, checked.source).findings()
        (finding,) = found.pop("rows-newer")
        assert finding.what == f"large objects: {what} on the source since copying began"
        assert found == {}


async def test_a_view_that_was_dropped_ends_the_check_with_what_to_do(checked: Checked) -> None:
    await checked.source.execute("CREATE VIEW v AS SELECT 1 AS one")
    async with _snapshot(checked.job.source) as snapshot:
        await checked.source.execute("DROP VIEW v")
        with pytest.raises(VerifyStopped) as stopped:
            await Checked(replace(checked.job, snapshot=snapshot), checked.source).findings()
    assert stopped.value.finding.id == "dropped-during-run"


async def test_tables_whose_names_are_the_same_without_quotes_are_two(checked: Checked) -> None:
    await checked.source.execute(
        "INSERT INTO a.\"b.t\" SELECT '2024-01-01 00:00+00' FROM generate_series(1, 5)"
    )
    await checked.source.execute("INSERT INTO \"a.b\".t VALUES ('2024-01-01 00:00+00')")
    await _told(checked.source)
    found = await checked.findings()
    amounts = sorted(finding.what for finding in found["rows-newer"])
    assert amounts == [
        "a.b.t: +1 row on the source since copying began",
        "a.b.t: +5 rows on the source since copying began",
    ]


async def test_rows_of_a_session_that_has_just_become_idle_are_named(checked: Checked) -> None:
    """The server tells of them up to ten seconds later."""
    end = checked.job.source
    async with await psycopg.AsyncConnection.connect(
        end.conninfo, password=end.password, autocommit=True
    ) as other:
        for _ in range(3):  # the first tells at once; those soon after it do not
            await other.execute("INSERT INTO public.plain VALUES (1)")
        (finding,) = (await checked.findings())["rows-newer"]
    assert finding.what == "public.plain: +3 rows on the source since copying began"


async def test_objects_are_named_without_counters_too(checked: Checked) -> None:
    await checked.source.execute("CREATE TABLE newt AS SELECT 1 AS a")
    again = replace(checked, job=replace(checked.job, counters_before=None))
    found = await again.findings()
    assert [f.details for f in found["schema-newer"]] == [("created: table public.newt",)]
    (rows,) = found["rows-newer"]
    assert (rows.what, rows.why) == ("public.newt: +1 row on the source since copying began", "")
