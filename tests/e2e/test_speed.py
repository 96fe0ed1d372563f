"""A full migration costs little more than its pg_dump and pg_restore by hand."""

import asyncio
import os
import time
from pathlib import Path

import pytest

from tests.e2e.program import Program
from tswizard.core.connection import connected
from tswizard.core.endpoint import Endpoint
from tswizard.core.pgtools import ClientTools, choose, find_tools
from tswizard.demo import EmbeddedPair

pytestmark = [pytest.mark.e2e, pytest.mark.timing]

MOVING = ("dump", "prepare", "restore-schema", "restore-catalog", "restore-rows", "restore-rest")
LIMIT = 1.3


async def test_at_most_a_third_more_than_by_hand(
    prepared_demo: None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tools = choose(find_tools(), 17, need_tls=False)
    assert tools is not None
    async with EmbeddedPair.prepare_and_start() as pair:
        by_hand = await _by_hand(pair, tools, tmp_path)
    async with EmbeddedPair.prepare_and_start() as pair:
        program = Program.make(tmp_path, pair)
        started = time.monotonic()
        ended = await program.call("--answers", program.answers(pair))
        whole = time.monotonic() - started
    assert ended.code == 0, ended.err
    steps = {step["name"]: step["seconds"] for step in program.report()["steps"]}
    moving = sum(steps[name] for name in (*MOVING, "finish"))
    with capsys.disabled():
        print(
            f"\nfull migration of the sample: by hand {by_hand:.1f} s, tswizard {moving:.1f} s "
            f"({moving / by_hand:.2f}x); with preflight and check {whole:.1f} s"
        )
    assert moving <= LIMIT * by_hand


async def _by_hand(pair: EmbeddedPair, tools: ClientTools, folder: Path) -> float:
    """Seconds for pg_dump, pre_restore, pg_restore and post_restore with the same flags."""
    dump = folder / "by-hand"
    target = Endpoint.parse(pair.target_conninfo, password=pair.target_password)
    flags = ("--verbose", "--format=directory", "--jobs=1")
    started = time.monotonic()
    await _tool(
        pair.source_password,
        tools.pg_dump,
        *flags,
        "--compress=1",
        f"--file={dump}",
        f"--dbname={pair.source_conninfo}",
    )
    async with connected(target) as connection:
        await connection.execute("SELECT public.timescaledb_pre_restore()")
    await _tool(
        pair.target_password,
        tools.pg_restore,
        *flags,
        "--no-owner",
        f"--dbname={pair.target_conninfo}",
        dump,
    )
    async with connected(target) as connection:
        await connection.execute("SELECT public.timescaledb_post_restore()")
    return time.monotonic() - started


async def _tool(password: str, *argv: str | Path) -> None:
    process = await asyncio.create_subprocess_exec(
        *map(str, argv),
        env={**os.environ, "PGPASSWORD": password},
        stdin=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    assert await process.wait() == 0
