"""What users fear: killed, stopped, disconnected, out of room; and then `resume`."""

import os
import signal
from pathlib import Path

import pytest
from psycopg.conninfo import make_conninfo

from tests.e2e.expected import scheduled
from tests.support.processes import children, gone
from tests.support.program import Program
from tests.support.slow_link import slow_link
from tswizard.core.catalog.inventory import Inventory
from tswizard.core.catalog.read import read_inventory
from tswizard.core.db.connection import connected, value
from tswizard.core.db.endpoint import Endpoint
from tswizard.demo import EmbeddedPair

pytestmark = pytest.mark.e2e

DAILY = "public.conditions_daily"
IN_DUMP = 'pg_dump: dumping contents of table "public.'
_SLOW = 1_000_000
"""Bytes a second from the source: a dump of few rows would be over before anybody looks."""
IN_RESTORE = 'pg_restore: processing data for table "_timescaledb_internal._hyper'


def _machine(folder: Path, pair: EmbeddedPair) -> Program:
    folder.mkdir()
    return Program.make(folder, pair)


async def restoring(pair: EmbeddedPair) -> str:
    target = Endpoint.parse(pair.target_conninfo, password=pair.target_password)
    async with connected(target) as connection:
        return str(await value(connection, "SHOW timescaledb.restoring"))


async def test_kill_9_in_the_dump_one_of_two_resumes_and_what_was_left_out_stays_out(
    pair: EmbeddedPair, tmp_path: Path
) -> None:
    """One continuous aggregate and two policies are left out: with their dependents they are
    missing and named."""
    source = Endpoint.parse(pair.source_conninfo, password=pair.source_password)
    target = Endpoint.parse(pair.target_conninfo, password=pair.target_password)
    held = await read_inventory(source)
    reorder, retention, of_daily = (
        next(job.id for job in held.jobs if (job.what, job.target) == wanted)
        for wanted in (
            ("reorder", "public.fill_levels"),
            ("retention", "public.events"),
            ("refresh", DAILY),
        )
    )
    before = await scheduled(pair)
    async with slow_link(source.host, int(source.get("port")), delay=0, rate=_SLOW) as link:
        conninfo = make_conninfo(pair.source_conninfo, host="127.0.0.1", port=link.port)
        program = Program.between(
            tmp_path,
            (conninfo, pair.source_password),
            (pair.target_conninfo, pair.target_password),
        )
        answers = program.answers_for(
            conninfo,
            pair.target_conninfo,
            caggs=[cagg.sql for cagg in held.caggs if cagg.label != DAILY],
            policies=[job.id for job in held.jobs if job.id not in (reorder, retention)],
            method="full",
        )
        async with program.started("--answers", answers) as process:
            tools = await program.killed_with_its_tools_at_work(process, IN_DUMP)
        for pid in tools:
            await gone(pid)
        assert await scheduled(pair) == []
        err = await _resumed_by_one_of_two(program)
    assert program.report()["result"] == "pass"
    assert await scheduled(pair) == before

    jobs = {
        of_daily: f"refresh on {DAILY}",
        reorder: "reorder on public.fill_levels",
        retention: "retention on public.events",
    }
    assert [line for line in err.splitlines() if line.startswith("SKIP")] == [
        f"SKIP  1 continuous aggregate left out: {DAILY}",
        "SKIP  2 views left out: public.site_temperatures, public.hot_days",
        f"SKIP  3 policies left out: {', '.join(f'{id} {jobs[id]}' for id in sorted(jobs))}",
    ]
    there = await read_inventory(target)
    assert _names(held) - _names(there) == {
        DAILY,
        "view public.site_temperatures",
        "view public.hot_days",
        *(str(id) for id in jobs),
    }
    assert _names(there) <= _names(held)


async def _resumed_by_one_of_two(program: Program) -> str:
    """What the one says that may; the other is refused meanwhile."""
    restored = program.log_has(IN_RESTORE)
    async with program.started("resume") as process:
        await program.log_says(IN_RESTORE, times=restored + 1)
        second = await program.call("resume", program.run.name)
        assert second.code == 3
        assert "another tswizard" in second.err
        _, err = await process.communicate()
        assert process.returncode == 0, err.decode()
    return err.decode()


def _names(inventory: Inventory) -> set[str]:
    """Everything by name, chunks left out."""
    return {
        *(hypertable.label for hypertable in inventory.hypertables),
        *(table.label for table in inventory.tables),
        *(cagg.label for cagg in inventory.caggs),
        *inventory.extras.objects,
        *(str(job.id) for job in inventory.jobs),
    }


async def test_kill_9_in_the_restore_and_then_the_target_dies_in_it(
    pair: EmbeddedPair, tmp_path: Path
) -> None:
    before = await scheduled(pair)
    program, elsewhere = (_machine(tmp_path / name, pair) for name in ("here", "elsewhere"))
    async with program.started("--answers", program.answers(pair, method="full")) as process:
        await program.log_says(IN_RESTORE)
        os.kill(process.pid, signal.SIGKILL)
        await process.wait()
    # The dump lies on one machine.
    lacking = await elsewhere.call("resume", "--target", pair.target_conninfo)
    assert lacking.code == 4
    assert f"tswizard resume {program.run.name}" in lacking.err
    assert not elsewhere.runs
    dumped = (program.run / "dump" / "toc.dat").stat().st_mtime_ns

    refused = await program.call("resume")
    assert refused.code == 3
    assert "was interrupted" in refused.err
    wrong = await program.call("resume", "--confirm", "defaultdb")
    assert wrong.code == 3

    removed = "removed what this run had put on"
    async with program.started("resume", "--confirm", "tsdb") as process:
        await program.log_says(removed)
        assert (program.run / "dump" / "toc.dat").stat().st_mtime_ns == dumped
        await program.log_says(IN_RESTORE, after=removed)
        pair.target.kill()
        _, err = await process.communicate()
        assert process.returncode == 3, err.decode()
    assert "pg_restore failed: " in err.decode()

    await pair.target.start()
    ended = await program.call("resume", "--confirm", "tsdb")
    assert ended.code == 0, ended.err
    assert program.report()["result"] == "pass"
    assert await scheduled(pair) == before


async def test_each_signal_leaves_both_ends_as_they_should_be_and_rows_written_since_are_named(
    pair: EmbeddedPair, tmp_path: Path
) -> None:
    """They are written after the dump, on servers where no snapshot can be held."""
    before = await scheduled(pair)
    program = Program.make(tmp_path, pair)
    args: tuple[str | Path, ...] = ("--answers", program.answers(pair, method="full"))
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
        restored = program.log_has(IN_RESTORE)
        async with program.started(*args) as process:
            await program.log_says(IN_RESTORE, times=restored + 1)
            tools = children(process.pid)
            process.send_signal(number)
            _, err = await process.communicate()
            assert process.returncode == 3, err.decode()
        assert f"tswizard resume {program.run.name}" in err.decode()
        for pid in tools:
            await gone(pid)
        assert await scheduled(pair) == before
        assert await restoring(pair) == "off"
        args = ("resume", "--confirm", "tsdb")

    source = Endpoint.parse(pair.source_conninfo, password=pair.source_password)
    async with connected(source) as connection:
        await connection.execute("INSERT INTO public.import_buffer VALUES (999, 'new')")
        await connection.execute(
            "INSERT INTO public.conditions (time, sensor_id, temperature, humidity) "
            "VALUES ('2026-01-31 12:07+00', 1, 20, 40), ('2026-06-01 00:00+00', 1, 20, 40)"
        )  # the second one creates a chunk
    ended = await program.call(*args)
    assert ended.code == 1, ended.err
    report = program.report()
    wrong = {f["id"]: f["level"] for f in report["findings"] if f["level"] in ("look", "fail")}
    assert wrong.pop("rows-written") == "look"
    assert set(wrong.values()) <= {"look"}, wrong
    assert "sequences-beyond" in {f["id"] for f in report["findings"]}
    written = [f for f in report["findings"] if f["id"] == "rows-written"]
    assert {f["what"].split(":")[0] for f in written} >= {
        "public.import_buffer",
        "public.conditions",
    }


def small_disk(staging: Path, size: str, then: str = 'exec "$@"') -> tuple[str, ...]:
    """What runs a program with a disk of this size as its staging folder."""
    mount = f'mount -t tmpfs -o size={size} none "{staging}" || exit 77\n{then}'
    return ("unshare", "--map-root-user", "--mount", "sh", "-c", mount, "sh")


async def test_no_room_for_the_dump_is_said_before_and_it_fills_up_later(
    pair: EmbeddedPair, tmp_path: Path
) -> None:
    staging = tmp_path / "staging"
    staging.mkdir()
    program = Program.make(tmp_path, pair)
    answers = program.answers(pair, method="full", staging=str(staging))
    refused = await program.call("--answers", answers, wrapper=small_disk(staging, "600k"))
    if "unshare" in refused.err or refused.code == 77:
        pytest.skip("nobody may mount a small disk on this machine")
    assert refused.code == 4, refused.err
    assert str(staging) in refused.err
    assert not program.runs

    # Room enough for preflight; somebody else takes it once the dump has begun.
    somebody_else = (
        f'(until [ -d "{staging}"/tswizard-* ]; do sleep 0.02; done 2>/dev/null\n'
        f' head -c 40m /dev/zero > "{staging}/filler") 2>/dev/null &\n'
        'exec "$@"'
    )
    wrapper = small_disk(staging, "40m", somebody_else)
    stopped = await program.call("--answers", answers, wrapper=wrapper)
    assert stopped.code == 3, stopped.err
    assert "No space left on device" in stopped.err
    assert f"tswizard resume {program.run.name} --staging FOLDER" in stopped.err
    (elsewhere := tmp_path / "elsewhere").mkdir()
    ended = await program.call("resume", "--staging", str(elsewhere))
    assert ended.code == 0, ended.err
