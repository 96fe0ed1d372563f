"""What runs on this machine, by process id (Linux)."""

import asyncio
from pathlib import Path


def is_alive(pid: int) -> bool:
    """Whether a process runs; a zombie does not."""
    return _state(pid) not in ("", "Z")


def _state(pid: int) -> str:
    """As in proc_pid_stat(5); empty when there is no such process."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return ""


async def idle(pid: int) -> None:
    """Wait until a process waits itself, twice in a row: it has read what it had been sent."""
    looks = 0
    async with asyncio.timeout(600):
        while looks < 2:
            looks = looks + 1 if _state(pid) in ("S", "Z", "") else 0
            await asyncio.sleep(0.02)


def name(pid: int) -> str:
    """What a process runs; empty when there is no such process."""
    try:
        return Path(f"/proc/{pid}/comm").read_text().strip()
    except (FileNotFoundError, ProcessLookupError):
        return ""


def command_line(pid: int) -> str:
    """Its arguments, or the title that it has given itself; empty when there is no such process."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_text(errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return ""


async def gone(pid: int) -> None:
    """Wait until a process is no more."""
    async with asyncio.timeout(600):
        while is_alive(pid):
            await asyncio.sleep(0.01)


def children(pid: int) -> list[int]:
    """Every descendant of a process."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[1]) == pid:
            child = int(path.parent.name)
            found += [child, *children(child)]
    return found
