"""Materialized rows are pieces like all others: another process helps, files carry them."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.support.caggs import cagg_ends, program_for, stored_caggs
from tests.support.program import Program
from tswizard.core.db.connection import connected, value
from tswizard.core.db.endpoint import Endpoint

pytestmark = pytest.mark.native

Ends = tuple[Endpoint, Endpoint]


@pytest.fixture
async def ends() -> AsyncIterator[Ends]:
    async with cagg_ends() as found:
        yield found


async def until(end: Endpoint, question: str) -> None:
    async with connected(end) as connection, asyncio.timeout(600):
        while not await value(connection, question):
            await asyncio.sleep(0.02)


_LEDGER = "SELECT to_regclass('_tswizard.ledger') IS NOT NULL"
_OPEN = "SELECT open_pass LIKE 'chunks %' FROM _tswizard.ledger"
_COPIED = "SELECT count(*) >= 3 FROM _tswizard.piece WHERE label LIKE 'm.%ly' AND state = 'done'"


async def test_another_process_copies_materialized_rows(ends: Ends, tmp_path: Path) -> None:
    source, target = ends
    program = program_for(tmp_path, source, target, jobs=1)
    helper = Program(tmp_path, program.env)
    async with program.started("--answers", tmp_path / "answers.toml") as leader:
        await until(target, _LEDGER)
        await until(target, _OPEN)
        os.kill(leader.pid, signal.SIGSTOP)  # so that the other one does the work
        try:
            async with helper.started("join", target.conninfo) as joined:
                await until(target, _COPIED)
                os.kill(leader.pid, signal.SIGCONT)
                _, err = await joined.communicate()
                assert joined.returncode == 0, err.decode()
        finally:
            os.kill(leader.pid, signal.SIGCONT)
        _, err = await leader.communicate()
    assert leader.returncode == 0, err.decode()
    assert program.report()["result"] == "pass"
    assert await stored_caggs(target) == await stored_caggs(source)


async def test_files_carry_materialized_rows_over_a_kill(ends: Ends, tmp_path: Path) -> None:
    source, target = ends
    program = program_for(tmp_path, source, target, via="files")
    await program.killed_at("▸ Copy plain tables", "--answers", tmp_path / "answers.toml")
    ended = await program.call("resume")
    assert ended.code == 0, f"{ended.out}\n{ended.err}"
    assert await stored_caggs(target) == await stored_caggs(source)
