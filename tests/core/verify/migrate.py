"""A full migration by the tools themselves, so that the check has something to compare."""

import asyncio
import os
from pathlib import Path

from tswizard.core.db.client_tools import choose, find_tools
from tswizard.core.db.connection import connected
from tswizard.core.db.endpoint import Endpoint, child_environment
from tswizard.core.db.passfile import passfile


async def migrate(source: Endpoint, target: Endpoint, folder: Path) -> None:
    """Dump, timescaledb_pre_restore, restore, timescaledb_post_restore."""
    tools = choose(find_tools(), 17, need_tls=False)
    assert tools is not None
    dump = folder / "dump"
    await _run(
        source, tools.pg_dump, "--format=custom", "--compress=0", f"--file={dump}", source.conninfo
    )
    async with connected(target) as connection:
        await connection.execute("SELECT public.timescaledb_pre_restore()")
    await _run(target, tools.pg_restore, "--no-owner", f"--dbname={target.conninfo}", str(dump))
    async with connected(target) as connection:
        await connection.execute("SELECT public.timescaledb_post_restore()")


async def _run(endpoint: Endpoint, tool: Path, *args: str) -> None:
    with passfile(endpoint) as path:
        process = await asyncio.create_subprocess_exec(
            tool,
            "--no-password",
            *args,
            env=child_environment(os.environ, path),
            stdin=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
        )
        _, stderr = await process.communicate()
    assert process.returncode == 0, stderr.decode()
