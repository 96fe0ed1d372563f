"""Children that are read line by line, and end with us."""

import asyncio
import os
import signal
import sys
from pathlib import Path

import pytest

from tests.support.processes import children, gone
from tswizard.core.db import exec_child
from tswizard.core.db.child_process import Child


async def run(*argv: str) -> tuple[int, list[str]]:
    lines: list[str] = []

    async def take(some: list[str]) -> None:
        lines.extend(some)

    child = await Child.start(argv, dict(os.environ))
    return await child.lines(take), lines


async def test_lines_of_both_streams_and_the_exit_code() -> None:
    code, lines = await run("sh", "-c", "echo out; echo err >&2; printf 'no end'; exit 3")
    assert code == 3
    assert sorted(lines) == ["err", "no end", "out"]


async def test_a_line_without_an_end_does_not_fill_the_memory() -> None:
    code, lines = await run(sys.executable, "-c", "print('x' * 5_000_000)")
    assert code == 0
    assert sum(map(len, lines)) == 5_000_000
    assert max(map(len, lines)) <= 1 << 20


async def test_cancelling_ends_the_whole_group() -> None:
    started = asyncio.Event()

    async def take(_lines: list[str]) -> None:
        started.set()

    child = await Child.start(("sh", "-c", "sleep 60 & echo up; wait"), dict(os.environ))
    reading = asyncio.create_task(child.lines(take))
    await started.wait()
    (sleeper,) = children(child.pid)
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading
    await gone(sleeper)


async def test_a_paused_child_can_be_ended() -> None:
    started = asyncio.Event()

    async def take(_lines: list[str]) -> None:
        started.set()

    child = await Child.start(("sh", "-c", "echo up; sleep 60"), dict(os.environ))
    reading = asyncio.create_task(child.lines(take))
    await started.wait()
    child.pause(True)
    await child.end()
    assert await reading != 0


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel's own promise, on Linux")
@pytest.mark.parametrize("paused", ["", "    child.pause(True)\n"], ids=["running", "paused"])
async def test_a_child_dies_with_a_killed_parent(paused: str) -> None:
    code = (
        "import asyncio, os\n"
        "from tswizard.core.db.child_process import Child\n"
        "async def main():\n"
        "    child = await Child.start(('sleep', '60'), dict(os.environ))\n"
        f"{paused}"
        "    print(child.pid, flush=True)\n"
        "    await asyncio.sleep(60)\n"
        "asyncio.run(main())\n"
    )
    parent = await asyncio.create_subprocess_exec(
        sys.executable, "-c", code, stdout=asyncio.subprocess.PIPE
    )
    assert parent.stdout is not None
    pid = int(await parent.stdout.readline())
    assert Path(f"/proc/{pid}").exists()
    parent.send_signal(signal.SIGKILL)
    await parent.wait()
    await gone(pid)


async def test_a_paused_child_continues() -> None:
    started = asyncio.Event()

    async def take(_lines: list[str]) -> None:
        started.set()

    child = await Child.start(("sh", "-c", "echo up; sleep 0.1; echo over"), dict(os.environ))
    reading = asyncio.create_task(child.lines(take))
    await started.wait()
    child.pause(True)
    child.pause(False)
    assert await reading == 0
    assert children(os.getpid()) == []


async def test_a_command_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="no-such-tool"):
        await run("no-such-tool")
    with pytest.raises(FileNotFoundError):
        await run(str(tmp_path / "pg_dump"))


@pytest.mark.skipif(sys.platform != "linux", reason="signals as the kernel lists them")
async def test_a_child_ignores_no_signal_that_python_does() -> None:
    _, lines = await run("sh", "-c", "grep SigIgn /proc/$$/status")
    (ignored,) = lines
    assert int(ignored.split()[1], 16) & 1 << signal.SIGPIPE - 1 == 0


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel's own promise, on Linux")
async def test_nothing_is_started_for_a_parent_that_died_meanwhile(tmp_path: Path) -> None:
    made = tmp_path / "made"
    process = await asyncio.create_subprocess_exec(
        sys.executable, exec_child.__file__, "1", "/usr/bin/touch", str(made)
    )
    assert await process.wait() == 1
    assert not made.exists()


async def test_what_was_said_meanwhile_is_read_at_once(tmp_path: Path) -> None:
    """A tool that writes line by line wakes nobody up for each of them."""
    code = "import os\nfor n in range(2000): os.write(1, b'a line of some length %d\\n' % n)"
    batches: list[list[str]] = []

    async def take(some: list[str]) -> None:
        batches.append(some)

    child = await Child.start((sys.executable, "-c", code), dict(os.environ))
    await gone(child.pid)
    assert await child.lines(take) == 0
    assert len(batches) == 1
    assert len(batches[0]) == 2000
