"""Finding the client tools, choosing one, and running children that end with us."""

import asyncio
import os
import signal
import sys
from pathlib import Path

import pytest

from tests.support.processes import children, gone
from tswizard.core.db.client_tools import Child, ClientTools, choose, find_tools, inspect_tools


def tools(major: int, *, tls: bool = True) -> ClientTools:
    return ClientTools(Path(f"/opt/{major}"), f"{major}.1", major, "system", tls, ("gzip",))


def test_the_smallest_major_that_serves() -> None:
    found = [tools(18), tools(14), tools(16), tools(15, tls=False)]
    assert choose(found, 15, need_tls=False) == tools(15, tls=False)
    assert choose(found, 15, need_tls=True) == tools(16)
    assert choose(found, 17, need_tls=True) == tools(18)
    assert choose(found, 19, need_tls=False) is None


def test_the_wheel_is_found_and_understood() -> None:
    wheel = next(t for t in find_tools() if t.origin == "wheel")
    assert wheel.major >= 18
    assert wheel.pg_restore.exists()
    assert "gzip" in wheel.compressions


def test_a_folder_without_tools(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert inspect_tools(tmp_path, "PATH") is None
    broken = tmp_path / "pg_dump"
    for path in (broken, tmp_path / "pg_restore"):
        path.write_text("#!/bin/sh\nexit 1\n")
        path.chmod(0o755)
    assert inspect_tools(tmp_path, "PATH") is None
    monkeypatch.setenv("TSWIZARD_PG_BIN", str(tmp_path))
    assert find_tools() == ()


async def run(*argv: str) -> tuple[int, list[str]]:
    lines: list[str] = []

    async def take(line: str) -> None:
        lines.append(line)

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

    async def take(_line: str) -> None:
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

    async def take(_line: str) -> None:
        started.set()

    child = await Child.start(("sh", "-c", "echo up; sleep 60"), dict(os.environ))
    reading = asyncio.create_task(child.lines(take))
    await started.wait()
    child.pause(True)
    await child.end()
    assert await reading != 0


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel's own promise, on Linux")
async def test_a_child_dies_with_a_killed_parent(tmp_path: Path) -> None:
    code = (
        "import asyncio, os\n"
        "from tswizard.core.db.client_tools import Child\n"
        "async def main():\n"
        "    child = await Child.start(('sleep', '60'), dict(os.environ))\n"
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
