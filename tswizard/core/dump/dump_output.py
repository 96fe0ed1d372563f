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
            f"The dump cannot be read: {_text(done.stderr).strip()}",
            where=str(dump),
            todo="Remove it and resume; it is then created again.",
        )
    return _text(done.stdout)


def _capture(argv: list[str]) -> "subprocess.CompletedProcess[bytes]":
    return subprocess.run(argv, capture_output=True, stdin=subprocess.DEVNULL)


def _text(output: bytes) -> str:
    """As it is: read as text, a carriage return in a function's body would become a line end."""
    return output.decode("utf-8", "replace")
