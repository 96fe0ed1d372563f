"""A server crashes while a migration runs, either one, at any instant, more than once: no
traceback, everything is put back once it answers, and after a resume nothing differs.

`TSWIZARD_TEST_SEEDS` is how many runs are tried by each method, or a range of seeds such as `3-9`.
"""

import asyncio
import os
import random
import signal
from asyncio.subprocess import Process
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.support.cloudlike import cloudlike_pair, filled_template
from tests.support.migrated_cloudlike import finished, jobs
from tests.support.native import SOURCE, TARGET, named
from tests.support.processes import command_line
from tests.support.program import Program
from tests.support.seeds import seeds
from tswizard.core.db.connection import connected, rows
from tswizard.core.db.endpoint import Endpoint
from tswizard.core.db.errors import CannotConnect
from tswizard.core.model.answers import METHOD_NAMES

pytestmark = [pytest.mark.native, pytest.mark.alone, pytest.mark.asyncio(loop_scope="module")]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def template() -> AsyncIterator[str]:
    async with filled_template() as name:
        yield name


async def crash(server: Endpoint) -> None:
    """Kill a backend: the server ends all others, recovers, and answers again."""
    await answers(server)
    async with connected(server) as superuser:
        ((pid, port),) = await rows(superuser, "SELECT pg_backend_pid(), inet_client_port()")
        # Where the servers see other process ids, this one is somebody else's here.
        client = f"({port})" if port else "[local]"
        if client not in command_line(pid):
            pytest.skip("the servers run where no test can kill them")
        try:
            os.kill(pid, signal.SIGKILL)
        except PermissionError:
            pytest.skip("the servers run where no test may kill them")


async def answers(server: Endpoint) -> None:
    async with asyncio.timeout(600):
        while True:
            try:
                async with connected(server):
                    return
            except CannotConnect:
                await asyncio.sleep(0.1)


async def crashing(process: Process, chance: random.Random) -> str:
    """Crash servers while it runs; all that it said."""
    reading = asyncio.create_task(process.communicate())
    for _ in range(chance.choice((1, 1, 2))):
        done, _ = await asyncio.wait([reading], timeout=chance.uniform(0, 9))
        if done:
            break
        await crash(named(chance.choice((SOURCE, TARGET))))
    return (await reading)[1].decode()


@pytest.mark.parametrize("seed", seeds())
@pytest.mark.parametrize("method", METHOD_NAMES)
async def test_crashed_and_resumed(method: str, seed: int, template: str, tmp_path: Path) -> None:
    chance = random.Random(f"{method} {seed}")
    for server in (SOURCE, TARGET):
        await answers(named(server))
    async with cloudlike_pair(template) as (source, target):
        before = await jobs(source)
        ends = [(end.conninfo, end.password or "") for end in (source, target)]
        program = Program.between(tmp_path, *ends)
        name = dict(target.params)["dbname"]
        begun = program.answers_for(source.conninfo, target.conninfo, name, method=method)
        args: tuple[str | Path, ...] = ("--answers", begun)
        for _ in range(chance.choice((1, 2, 3))):
            async with program.started(*args) as process:
                said = await crashing(process, chance)
            assert "Traceback" not in said, said[-6000:]
            assert process.returncode in (0, 3, 4), said[-6000:]
            if process.returncode == 0:
                break
            for server in (SOURCE, TARGET):
                await answers(named(server))
            if process.returncode == 3 and "left-open" not in said:
                assert await jobs(source) == before
            if process.returncode == 3 and program.runs:
                args = ("resume", "--unattended", "--confirm", name)
        if process.returncode != 0:
            ended = await program.call(*args)
            assert ended.code == 0, ended.err[-6000:]
        assert not any("Traceback" in log.read_text() for log in program.logs())
        await finished(program, source, target)
        assert await jobs(source) == before
