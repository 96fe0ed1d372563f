"""A slow link in a process of its own, so that it takes no time from what is measured.

    python -m tests.bench.link HOST PORT DELAY

prints the port that it listens on and, when its input ends, the bytes to the server and from it.
"""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace

from tests.support.slow_link import slow_link
from tswizard.core.db.endpoint import Endpoint


@dataclass(slots=True)
class Wire:
    """What went over a link; known when it is closed."""

    there: int = 0
    back: int = 0


@asynccontextmanager
async def far(end: Endpoint, round_trip: float) -> AsyncIterator[tuple[Endpoint, Wire]]:
    """The same server, `round_trip` seconds away."""
    host, port = end.get("hostaddr") or end.get("host"), end.get("port") or "5432"
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.bench.link",
        host,
        port,
        str(round_trip / 2),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdin is not None and process.stdout is not None
    wire = Wire()
    try:
        listens = (await process.stdout.readline()).decode().strip()
        params = {**dict(end.params), "host": "127.0.0.1", "port": listens}
        params.pop("hostaddr", None)
        yield replace(end, params=tuple(sorted(params.items()))), wire
    finally:
        process.stdin.close()
        said = (await process.stdout.readline()).split()
        if len(said) == 2:
            wire.there, wire.back = map(int, said)
        await process.wait()


async def _main(host: str, port: str, delay: str) -> None:
    async with slow_link(host, int(port), delay=float(delay), rate=None) as link:
        print(link.port, flush=True)
        await asyncio.to_thread(sys.stdin.read)
        print(*link.moved, flush=True)


if __name__ == "__main__":
    asyncio.run(_main(*sys.argv[1:]))
