"""Killed and resumed, the steps end as if nothing had happened."""

import asyncio
import os
import signal
import sys
from pathlib import Path

import pytest
from psycopg.errors import AdminShutdown

from tests.support.compared_ends import Comparer, differing
from tests.support.hard_schema import SCHEMAS, Ends
from tests.support.schema_steps import run_all
from tests.support.step_context import step_context
from tswizard.core.db.connection import connected, rows
from tswizard.core.run.context import StepFailed
from tswizard.core.split.schema.predata import restore_pre_data
from tswizard.core.split.schema.restore_state import write_restore_state
from tswizard.core.split.schema.target_session import SCHEMA_APPLICATION, schema_session

_ASLEEP = """
SELECT pid FROM pg_stat_activity
WHERE datname = current_database() AND query LIKE 'SELECT pg_sleep%'
"""


@pytest.mark.native
async def test_backends_of_a_killed_run_are_terminated(native_ends: Ends, tmp_path: Path) -> None:
    """Where one backend serves every connection there are none."""
    async with (
        step_context(tmp_path, native_ends.source, native_ends.target) as run,
        connected(native_ends.target) as stale,
        connected(native_ends.target) as other,
    ):
        await stale.execute(f"SET application_name = '{SCHEMA_APPLICATION}'".encode())
        asleep = asyncio.create_task(stale.execute("SELECT pg_sleep(600)"))
        while not await rows(other, _ASLEEP):
            await asyncio.sleep(0.01)
        async with schema_session(run.ctx) as target:
            assert await rows(target, _ASLEEP) == []
        with pytest.raises(AdminShutdown):
            await asleep


async def test_killed_in_both_restores_it_ends_the_same(fresh_ends: Ends, tmp_path: Path) -> None:
    target_end = fresh_ends.target
    async with step_context(tmp_path, fresh_ends.source, target_end) as run:
        await run_all(run, until="hypertables")
        async with connected(target_end) as target:
            await write_restore_state(target, run.ctx.run_folder.record.id, "pre-data", "begun")
            await target.execute("DROP VIEW hard.by_hyper_key")
            await target.execute("INSERT INTO hard.lines VALUES ('x')")
        with pytest.raises(StepFailed, match=r"hard\.lines is not empty"):
            await restore_pre_data(run.ctx)
        async with connected(target_end) as target:
            await target.execute("DELETE FROM hard.lines")
    for line in ("creating TABLE", "creating INDEX"):
        await _killed_when(line, fresh_ends, tmp_path)
    async with step_context(tmp_path, fresh_ends.source, target_end) as run:
        await run_all(run, schemas=SCHEMAS)
        assert run.troubles == []
        assert await differing(await Comparer.of(run), target_end) == set()


async def _killed_when(line: str, ends: Ends, folder: Path) -> None:
    """Start the steps in a process of their own, and kill it as soon as its log says this."""
    passfile = folder / "pgpass"
    passfile.write_text(
        "".join(
            f"{end.host}:{end.get('port')}:*:{end.get('user')}:{end.password}\n"
            for end in (ends.source, ends.target)
        )
    )
    passfile.chmod(0o600)
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.support.schema_steps",
        ends.source.conninfo,
        ends.target.conninfo,
        str(folder),
        *SCHEMAS,
        env={**os.environ, "PGPASSFILE": str(passfile)},
        start_new_session=True,
    )
    seen = sum(path.read_text().count(line) for path in folder.glob("runs/*/log.txt"))
    try:
        async with asyncio.timeout(600):
            while not any(
                path.read_text().count(line) > seen for path in folder.glob("runs/*/log.txt")
            ):
                assert process.returncode is None, f"it ended before it said {line!r}"
                await asyncio.sleep(0.005)
    finally:
        if process.returncode is None:
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()
