"""How much memory and processor time a program takes, and the servers it works on (Linux)."""

import asyncio
import os
import re
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.support.processes import children
from tswizard.core.db.connection import connected, value
from tswizard.core.db.endpoint import Endpoint

_EVERY = 0.25
_TICK = os.sysconf("SC_CLK_TCK")


@dataclass(slots=True)
class Usage:
    """Of one way to migrate, in bytes and seconds; 0 where nobody could look."""

    seconds: float = 0.0
    check: float = 0.0
    """Seconds of them for comparing every object and every row, which nobody does by hand."""
    memory: int = 0
    """Of tswizard's largest process, at most (VmHWM)."""
    processor: float = 0.0
    """Of tswizard's own process, without the tools that it calls."""
    server: int = 0
    """Of the largest process of either server, without what all share (RssAnon)."""
    server_processor: float = 0.0
    """Of all processes of both servers that ended meanwhile."""


@dataclass(slots=True)
class Watched:
    """What is looked at while a way is under way."""

    postmasters: tuple[int, ...]
    pids: list[int] = field(default_factory=list)
    """Processes of tswizard."""
    usage: Usage = field(default_factory=Usage)


async def postmaster(server: Endpoint) -> int | None:
    """The server's first process, if it runs on this machine."""
    async with connected(server) as connection:
        backend = int(await value(connection, "SELECT pg_backend_pid()"))
        stat = _read(backend, "stat")
        if not stat or "postgres" not in _read(backend, "cmdline"):
            return None
        return int(stat.rpartition(")")[2].split()[1])


@asynccontextmanager
async def watched(postmasters: tuple[int, ...]) -> AsyncIterator[Watched]:
    """Measures until the block ends; what is added to `pids` counts as tswizard."""
    seen = Watched(postmasters)
    looking = asyncio.create_task(_look(seen))
    before = sum(map(_of_children, postmasters))
    started = time.monotonic()
    try:
        yield seen
    finally:
        seen.usage.seconds = time.monotonic() - started
        looking.cancel()
        await asyncio.sleep(1)  # backends end after their clients
        seen.usage.server_processor = sum(map(_of_children, postmasters)) - before


async def _look(seen: Watched) -> None:
    turn = 0
    while True:
        for pid in seen.pids:
            seen.usage.memory = max(seen.usage.memory, _kilobytes(pid, "VmHWM") << 10)
            seen.usage.processor = max(seen.usage.processor, _processor(pid))
        if turn % 8 == 0:  # it reads the state of every process of the machine
            servers = [pid for first in seen.postmasters for pid in children(first)]
            most = max((_kilobytes(pid, "RssAnon") for pid in servers), default=0)
            seen.usage.server = max(seen.usage.server, most << 10)
        turn += 1
        await asyncio.sleep(_EVERY)


def _processor(pid: int) -> float:
    stat = _read(pid, "stat").rpartition(")")[2].split()
    return (int(stat[11]) + int(stat[12])) / _TICK if stat else 0.0


def process_memory(pid: int) -> int:
    """The most memory that a process had, in bytes, shared memory that it touched included; 0
    where nobody can look."""
    return _kilobytes(pid, "VmHWM") << 10


def process_time(pid: int) -> float:
    """Seconds of processor time that a process took."""
    return _processor(pid)


def _of_children(pid: int) -> float:
    """Processor time of the processes that it has seen end."""
    stat = _read(pid, "stat").rpartition(")")[2].split()
    return (int(stat[13]) + int(stat[14])) / _TICK if stat else 0.0


def _kilobytes(pid: int, what: str) -> int:
    found = re.search(rf"{what}:\s+(\d+) kB", _read(pid, "status"))
    return int(found[1]) if found else 0


def _read(pid: int, name: str) -> str:
    try:
        return Path(f"/proc/{pid}/{name}").read_text(errors="replace")
    except OSError:
        return ""
