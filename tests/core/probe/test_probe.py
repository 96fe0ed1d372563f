"""Probes of real servers: what is timed, what is refused, and that nothing is left behind."""

import asyncio
import multiprocessing
import os
import signal
import tempfile
from collections.abc import AsyncIterator
from contextlib import aclosing
from pathlib import Path
from typing import Any

import pytest
from psycopg import sql

from tests.support.native import databases
from tests.support.processes import children, gone
from tests.support.slow_link import slow_link
from tswizard.core.catalog.read import read_inventory
from tswizard.core.db.connection import connected, rows, value
from tswizard.core.db.endpoint import Endpoint
from tswizard.core.model.answers import Answers
from tswizard.core.model.prepared import Prepared
from tswizard.core.model.probed import ON_TARGET, Probe, SampleKind, Timed
from tswizard.core.prepare import prepare
from tswizard.core.probe.events import ProbeDone, ProbeEvent, TimingProgress, TimingStarted
from tswizard.core.probe.run_probe import run_probe
from tswizard.core.probe.sample import choose_samples
from tswizard.core.probe.saved_probes import save_probe, saved_probe

Ends = tuple[Endpoint, Endpoint]

_ROWS = """
CREATE TYPE mood AS ENUM ('good', 'bad');
CREATE TABLE readings (time timestamptz NOT NULL, host text, v float8, m mood DEFAULT 'good');
SELECT create_hypertable('readings', 'time', chunk_time_interval => interval '1 day');
INSERT INTO readings SELECT t, 'host ' || h, h FROM generate_series('2026-01-01'::timestamptz,
  '2026-01-08', '1 minute') t, generate_series(1, 10) h;
CREATE TABLE plain AS SELECT g AS id, md5(g::text) AS t FROM generate_series(1, 20000) g;
ANALYZE readings, plain;
"""
_COMPRESSED = """
ALTER TABLE readings SET (timescaledb.compress, timescaledb.compress_segmentby = 'host');
SELECT compress_chunk(c) FROM show_chunks('readings', older_than => '2026-01-05'::timestamptz) c;
ANALYZE readings;
"""


async def run(end: Endpoint, script: str) -> None:
    async with connected(end) as connection:
        await connection.execute("SET search_path = public")
        for statement in filter(str.strip, script.split(";")):
            await connection.execute(statement.encode())


@pytest.fixture
async def ends() -> AsyncIterator[Ends]:
    async with databases(community=True) as pair:
        await run(pair[0], _ROWS)
        yield pair


async def made(ends: Ends, **answers: Any) -> Prepared:
    source, target = ends
    return prepare(
        source=source,
        target=target,
        inventory=await read_inventory(source),
        target_inventory=await read_inventory(target),
        answers=Answers(**answers),
    )


async def events_of(prepared: Prepared, *, upload: bool = False) -> list[ProbeEvent]:
    samples = choose_samples(prepared.inventory)
    async with aclosing(run_probe(prepared, samples, upload=upload)) as events:
        return [event async for event in events]


async def probed(prepared: Prepared, *, upload: bool = False) -> Probe:
    last = (await events_of(prepared, upload=upload))[-1]
    assert isinstance(last, ProbeDone)
    return last.probe


async def left_behind(end: Endpoint) -> list[tuple[Any, ...]]:
    """Relations and schemas of ours, and rows of TimescaleDB's catalog, on an empty target."""
    async with connected(end) as connection:
        return await rows(
            connection,
            r"SELECT 'schema ' || nspname FROM pg_namespace WHERE nspname ~ '^_tswizard' "
            "UNION ALL SELECT table_name::text FROM _timescaledb_catalog.hypertable",
        )


@pytest.mark.native
async def test_both_kinds_and_both_ends_are_timed_and_nothing_is_left(ends: Ends) -> None:
    await run(ends[0], _COMPRESSED)
    prepared = await made(ends, jobs=2)
    found = await probed(prepared, upload=True)
    assert found.problems == ()
    for kind in (SampleKind.CHUNK, SampleKind.COMPRESSED):
        timed = {t.what for t in found.timings if t.kind is kind}
        expected = set(Timed) if kind is SampleKind.COMPRESSED else set(Timed) - {Timed.COMPRESS}
        assert timed == expected
        assert [t.connections for t in found.of(Timed.COPY, kind)] == [1, 2]
    for timing in found.timings:
        assert timing.bytes > 0 and timing.stored > 0 and timing.rate > 0
    (dump,) = found.of(Timed.DUMP, SampleKind.COMPRESSED)
    (copy,) = found.of(Timed.COPY, SampleKind.COMPRESSED, parallel=False)
    # The dump moves what is stored; a copy what is in it, which is much more.
    assert copy.bytes > 3 * dump.bytes and copy.rows == 4 * 1440 * 10
    assert found.source_round_trip and found.target_round_trip and found.yardstick
    assert found.both_ends
    assert found.stored_in_copy and 0.1 < found.stored_in_copy < 3
    assert await left_behind(ends[1]) == []


@pytest.mark.native
async def test_without_leave_the_target_is_only_asked_for_a_round_trip(ends: Ends) -> None:
    found = await probed(await made(ends))
    assert not {t.what for t in found.timings} & ON_TARGET
    assert found.target_round_trip is not None and not found.both_ends


@pytest.mark.native
async def test_a_table_that_cannot_be_read_is_one_sentence_and_the_other_is_timed(
    ends: Ends,
) -> None:
    await run(ends[0], _COMPRESSED)
    prepared = await made(ends)
    # A relation that another session holds, so that pg_dump cannot lock it.
    async with connected(ends[0]) as holder, holder.transaction():
        await holder.execute("LOCK TABLE public.plain IN ACCESS EXCLUSIVE MODE")
        samples = choose_samples(prepared.inventory, "public.plain")
        async with aclosing(run_probe(prepared, samples)) as events:
            told = [event async for event in events]
    last = told[-1]
    assert isinstance(last, ProbeDone)
    (problem,) = last.probe.problems
    assert "public.plain" in problem and "lock timeout" in problem and "\n" not in problem
    assert not last.probe.timings
    assert not last.probe.broke


@pytest.mark.native
async def test_a_source_that_ends_every_session_is_one_sentence(ends: Ends) -> None:
    prepared = await made(ends)
    samples = choose_samples(prepared.inventory)
    told: list[ProbeEvent] = []
    async with aclosing(run_probe(prepared, samples)) as events:
        async for event in events:
            told.append(event)
            if isinstance(event, TimingStarted) and event.what is Timed.COPY:
                await lock_out(ends[0])
    last = told[-1]
    assert isinstance(last, ProbeDone)
    assert len(last.probe.problems) == 1
    assert last.probe.broke == last.probe.problems[0]
    assert [t.what for t in last.probe.timings] == [Timed.DUMP], "what was timed before counts"


async def lock_out(end: Endpoint) -> None:
    """As when the server restarts: nobody gets in anymore, and who is in is put out."""
    name = sql.Identifier(end.get("dbname"))
    elsewhere = Endpoint.parse(os.environ["TSWIZARD_TEST_SOURCE"])
    async with connected(elsewhere) as connection:
        await connection.execute(sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS false").format(name))
        await connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s",
            (end.get("dbname"),),
        )


@pytest.mark.native
async def test_a_stopped_probe_leaves_no_process_and_nothing_on_the_target(ends: Ends) -> None:
    prepared = await made(ends)
    samples = choose_samples(prepared.inventory)
    for what in (Timed.DUMP, Timed.COPY, Timed.STREAM, Timed.RESTORE):
        async with aclosing(run_probe(prepared, samples, upload=True)) as events:
            async for event in events:
                if isinstance(event, TimingStarted) and event.what is what:
                    break
        assert children(os.getpid()) == []
        assert await left_behind(ends[1]) == []


def _probe_for_ever(ends: Ends, started: Any) -> None:
    async def work() -> None:
        prepared = await made(ends)
        samples = choose_samples(prepared.inventory)
        while True:
            async with aclosing(run_probe(prepared, samples, upload=True)) as events:
                async for event in events:
                    if isinstance(event, TimingStarted):
                        started.put(event.what.value)

    asyncio.run(work())


@pytest.mark.native
@pytest.mark.parametrize("what", [Timed.STREAM, Timed.RESTORE])
async def test_kill_minus_nine_leaves_nothing(
    ends: Ends, what: Timed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    context = multiprocessing.get_context("fork")
    started = context.Queue()
    process = context.Process(target=_probe_for_ever, args=(ends, started))
    process.start()
    assert process.pid is not None
    async with asyncio.timeout(600):
        while await asyncio.to_thread(started.get) != what.value:
            pass
        # In the middle: its scratch table is there, for its own session alone.
        async with connected(ends[1]) as watcher:
            while not await value(watcher, _BUSY):
                await asyncio.sleep(0.01)
    offspring = children(process.pid)
    os.kill(process.pid, signal.SIGKILL)
    await asyncio.to_thread(process.join)
    for pid in offspring:
        await gone(pid)
    async with connected(ends[1]) as watcher, asyncio.timeout(600):
        while await value(watcher, _BUSY):
            await asyncio.sleep(0.05)
    assert await left_behind(ends[1]) == []
    # Files with rows have no name; what is left is a folder with pipes and a passfile's, both of
    # which the next process removes.
    assert not [
        path for path in tmp_path.rglob("*") if path.is_file() and path.stat().st_size > 512
    ]


_BUSY = (
    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() "
    "AND application_name = 'tswizard' AND pid <> pg_backend_pid() AND backend_xid IS NOT NULL"
)


@pytest.mark.native
async def test_progress_is_told_and_a_far_server_is_slow(ends: Ends) -> None:
    host, port = ends[0].host, int(ends[0].get("port"))
    near = await probed(await made(ends, jobs=2))
    async with slow_link(host, port, delay=0.02, rate=2 << 20) as link:
        params = {**dict(ends[0].params), "host": "127.0.0.1", "port": str(link.port)}
        params.pop("hostaddr", None)
        far_end = Endpoint(tuple(sorted(params.items())), ends[0].password)
        prepared = await made((far_end, ends[1]), jobs=2)
        told = await events_of(prepared)
    last = told[-1]
    assert isinstance(last, ProbeDone)
    trip = last.probe.source_round_trip
    assert trip is not None and 0.04 <= trip < 0.4
    assert near.source_round_trip is not None and near.source_round_trip < 0.04
    # The line is what limits it, by one connection as by two.
    for copy in last.probe.of(Timed.COPY):
        assert copy.rate < 1.3 * (2 << 20)
    moving = [e for e in told if isinstance(e, TimingProgress) and e.what is Timed.COPY]
    assert len(moving) > 4
    assert [e.bytes for e in moving[:3]] == sorted(e.bytes for e in moving[:3])


async def test_a_probe_is_kept_for_its_pair(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TSWIZARD_STATE_DIR", str(tmp_path))
    here = Endpoint.parse("host=a dbname=x", password="secret-word")
    there, other = Endpoint.parse("host=b dbname=y"), Endpoint.parse("host=c dbname=y")
    assert saved_probe(here, there) is None
    probe = Probe(at=1.0, source_round_trip=0.1)
    save_probe(probe, here, there)
    assert saved_probe(here, there) == probe
    assert saved_probe(here, other) is None
    assert saved_probe(there, here) is None
    (file,) = (tmp_path / "probes").iterdir()
    assert "secret-word" not in file.read_text()
    file.write_text("{}")
    assert saved_probe(here, there) is None


async def test_who_does_not_answer_is_one_sentence() -> None:
    from tests.support.sample_inventory import prepared

    (last,) = (e for e in await events_of(prepared()) if isinstance(e, ProbeDone))
    assert len(last.probe.problems) == 1 and "Connection refused" in last.probe.broke
