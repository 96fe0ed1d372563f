"""What pg_restore tells of a dump without any server: its TOC, the SQL of an entry."""

import asyncio
import subprocess
from pathlib import Path

from tswizard.core.db.client_tools import ClientTools
from tswizard.core.run.context import failed


async def dump_output(tools: ClientTools, dump: Path, *args: str) -> str:
    """What pg_restore prints about a dump. Raises StepFailed when the dump cannot be read."""
    done = await asyncio.to_thread(_capture, [str(tools.pg_restore), *args, str(dump)])
    if done.returncode != 0:
        raise failed(
            "dump-unreadable",
            f"The dump cannot be read: {done.stderr.strip()}",
            where=str(dump),
            todo="Remove it and resume; it is then created again.",
        )
    return done.stdout


def _capture(argv: list[str]) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        argv,
        capture_output=True,
        text=True,
        encoding="utf-8",
        errors="replace",
        stdin=subprocess.DEVNULL,
    )
