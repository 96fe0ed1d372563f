"""Killed (-9) in each step of either method, in a resume and in the check, by a role that has what
the managed cloud gives and no more; then resumed: nothing differs, and no job stays paused.

`TSWIZARD_TEST_SEEDS` is how many kills are tried in each step, or a range of seeds such as `3-9`.
"""

import asyncio
import os
import random
import signal
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

import pytest
import pytest_asyncio

from tests.support.cloudlike import cloudlike_pair, filled_template
from tests.support.migrated_cloudlike import finished, jobs
from tests.support.processes import children, gone
from tests.support.program import Program
from tests.support.seeds import seeds
from tswizard.core.methods import METHODS

pytestmark = [pytest.mark.native, pytest.mark.asyncio(loop_scope="module")]

_NOT_BY_DEFAULT = {"recreate-extension", "compress-chunks", "export", "cagg-refresh"}
"""Steps that only other answers have."""

STEPS = [
    pytest.param(method.name, step.title, id=f"{method.name}-{step.id}")
    for method in METHODS
    for step in method.steps
    if step.id not in _NOT_BY_DEFAULT
]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def template() -> AsyncIterator[str]:
    async with filled_template() as name:
        yield name


async def killed(program: Program, said: str, delay: float, *args: str | Path) -> bool:
    """Start it and kill it so many seconds after it said a line that begins so; False where it had
    ended by then. Its tools have ended as well."""
    async with program.started(*args) as process:
        assert process.stderr is not None
        async for line in process.stderr:
            if line.decode().startswith(said):
                break
        else:
            # It never came to that step.
            await process.wait()
            return False
        drained = asyncio.create_task(process.stderr.read())
        try:
            await asyncio.wait_for(process.wait(), delay)
        except TimeoutError:
            tools = children(process.pid)
            with suppress(ProcessLookupError):
                os.kill(process.pid, signal.SIGKILL)
            if await process.wait() != -signal.SIGKILL:
                return False
        else:
            return False
        finally:
            await drained
    for pid in tools:
        await gone(pid)
    return True


@pytest.mark.parametrize("seed", seeds())
@pytest.mark.parametrize(("method", "title"), STEPS)
async def test_killed_and_resumed(
    method: str, title: str, seed: int, template: str, tmp_path: Path
) -> None:
    chance = random.Random(f"{method} {title} {seed}")
    async with cloudlike_pair(template) as (source, target):
        before = await jobs(source)
        ends = [(end.conninfo, end.password or "") for end in (source, target)]
        program = Program.between(tmp_path, *ends)
        name = dict(target.params)["dbname"]
        answers = program.answers_for(source.conninfo, target.conninfo, name, method=method)
        resume = ("resume", "--unattended", "--confirm", name)
        delay = chance.choice((0.0, chance.uniform(0, 0.2), chance.uniform(0, 1.5)))
        alive = not await killed(program, f"▸ {title}", delay, "--answers", answers)
        for _ in range(chance.choice((0, 1, 1, 2))):
            if not alive:
                delay = chance.uniform(0.0, 5.0)
                alive = not await killed(program, "run ", delay, *resume)
        if not alive:
            ended = await program.call(*resume)
            # Killed when its record was closed already, and only its last words were to be said.
            over = "There is no run to resume" in ended.err
            assert ended.code == 0 or over, ended.err[-6000:]
            assert "Traceback" not in ended.err
        await finished(program, source, target)
        assert await jobs(source) == before
