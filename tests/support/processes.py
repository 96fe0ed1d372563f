"""What runs on this machine, by process id (Linux)."""

import asyncio
from pathlib import Path


def is_alive(pid: int) -> bool:
    """Whether a process runs; a zombie does not."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"


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
