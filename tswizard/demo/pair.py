"""The embedded pair: a filled source and an empty target on free ports of 127.0.0.1."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

from tswizard.core.db.concurrency import together
from tswizard.core.db.private_folder import private_folder
from tswizard.demo.cache import cache_dir
from tswizard.demo.node import find_node
from tswizard.demo.package import ensure_package
from tswizard.demo.progress import OnProgress, Prepared, ignore_progress
from tswizard.demo.server import EmbeddedServer, Runtime
from tswizard.demo.template import (
    DATABASES,
    DEMO,
    SOURCE,
    TARGET,
    Sample,
    copy_template,
    ensure_templates,
    templates,
)


class EmbeddedPair:
    """Two running servers. `async with EmbeddedPair.prepare_and_start() as pair: …`"""

    def __init__(self, source: EmbeddedServer, target: EmbeddedServer) -> None:
        self.source = source
        self.target = target

    @classmethod
    async def prepare(
        cls, *, on_progress: OnProgress = ignore_progress, sample: Sample = DEMO
    ) -> None:
        """Fill the cache, so that the next pair starts in seconds. Raises DemoError."""
        await ensure_templates(await _runtime(on_progress), on_progress, sample)

    @classmethod
    @asynccontextmanager
    async def prepare_and_start(
        cls,
        *,
        on_progress: OnProgress = ignore_progress,
        superuser: str = "",
        sample: Sample = DEMO,
    ) -> AsyncIterator["EmbeddedPair"]:
        """Prepare what the cache lacks, copy the templates and run both servers.

        `superuser` may log in beside the usual role, with the same password.
        `on_progress` is called in the event loop. Everything but the cache is gone at the end.
        Raises DemoError with one sentence when the pair cannot be had.
        """
        runtime = await _runtime(on_progress)
        with private_folder(parent=cache_dir() / "pairs") as folder:
            servers = {
                name: EmbeddedServer(runtime, folder / name, database, superuser=superuser)
                for name, database in DATABASES.items()
            }
            try:
                async with templates(runtime, on_progress, sample) as ready:
                    await _bring_up(servers, ready, folder, on_progress)
                yield cls(servers[SOURCE], servers[TARGET])
            finally:
                # The directories go away: nothing is gained by an orderly end.
                for server in servers.values():
                    server.kill()

    @property
    def source_conninfo(self) -> str:
        return self.source.conninfo

    @property
    def source_password(self) -> str:
        return self.source.password

    @property
    def target_conninfo(self) -> str:
        return self.target.conninfo

    @property
    def target_password(self) -> str:
        return self.target.password


async def _runtime(on_progress: OnProgress) -> Runtime:
    node = await asyncio.to_thread(find_node)
    return Runtime(node, await ensure_package(node, on_progress))


async def _bring_up(
    servers: Mapping[str, EmbeddedServer], ready: Path, folder: Path, on_progress: OnProgress
) -> None:
    """Copy each server's template and start the server as soon as its copy is there."""
    done = -1

    async def one(name: str, server: EmbeddedServer) -> None:
        await copy_template(ready, name, folder)
        step(f"Starting the {name}")
        await server.start()
        step(f"The {name} is running")

    def step(text: str) -> None:
        nonlocal done
        done += 1
        on_progress(Prepared("start", done, 2 * len(servers), text))

    step("Copying the sample data")
    await together(one(name, server) for name, server in servers.items())
