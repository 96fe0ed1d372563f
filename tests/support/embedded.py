"""Embedded servers for tests, on a sample with a tenth of the demo's rows."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

from psycopg import AsyncConnection
from psycopg.conninfo import make_conninfo

from tswizard.demo import EmbeddedPair
from tswizard.demo.node import find_node
from tswizard.demo.package import ensure_package
from tswizard.demo.progress import ignore_progress
from tswizard.demo.server import USER, EmbeddedServer, Runtime
from tswizard.demo.template import TARGET, Sample, copy_template, templates

Connect = Callable[..., Awaitable[AsyncConnection]]


async def new_runtime() -> Runtime:
    node = find_node()
    return Runtime(node, await ensure_package(node, ignore_progress))


SUPERUSER = "boss"

_FEWER_ROWS = {
    "'15 minutes') AS t": "'2 hours') AS t",
    "'5 minutes') AS t": "'50 minutes') AS t",
    "'1 hour') AS t": "'8 hours') AS t",
    "interval '5 minutes'": "interval '1 hour'",
    "(0, 11999) AS g": "(0, 999) AS g",
    "(1, 40000) AS g": "(1, 4000) AS g",
    "g * 20,": "g * 200,",
}
"""Longer steps of time over the same span, so that every chunk is there."""


def _with_fewer_rows(text: str) -> str:
    for part, instead in _FEWER_ROWS.items():
        assert part in text, f"40-rows.sql has no more {part}"
        text = text.replace(part, instead)
    return text


SMALL = Sample("small-templates", {"source/40-rows.sql": _with_fewer_rows})
"""The demo's sample, every object and chunk of it, with a tenth of the rows."""


def small_pair() -> AbstractAsyncContextManager[EmbeddedPair]:
    """A source filled with few rows, and an empty target."""
    return EmbeddedPair.prepare_and_start(sample=SMALL)


@asynccontextmanager
async def pair_of_superusers(sample: Sample = SMALL) -> AsyncIterator[EmbeddedPair]:
    """A pair whose usual role is a superuser, for what the cloud's role may not do."""
    async with EmbeddedPair.prepare_and_start(superuser=SUPERUSER, sample=sample) as pair:
        for server in (pair.source, pair.target):
            conninfo = make_conninfo(server.conninfo, user=SUPERUSER)
            async with await AsyncConnection.connect(conninfo, password=server.password) as one:
                await one.execute(f"ALTER ROLE {USER} SUPERUSER")
        yield pair


async def empty_server(folder: Path, *, wait_timeout: float = 15) -> EmbeddedServer:
    """A server, not started yet, on a copy of the empty target; SUPERUSER has USER's password."""
    runtime = await new_runtime()
    async with templates(runtime, ignore_progress, SMALL) as ready:
        data_dir = await copy_template(ready, TARGET, folder)
    return EmbeddedServer(runtime, data_dir, "tsdb", wait_timeout=wait_timeout, superuser=SUPERUSER)
