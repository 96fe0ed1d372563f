"""A database whose own settings are others is read, dumped and copied just the same."""

import asyncio
import os
from dataclasses import replace
from pathlib import Path

import pytest

from tests.support.odd_settings import set_oddly
from tests.support.split_ends import Ends, content, job, migrate
from tswizard.core.catalog.inventory import Inventory
from tswizard.core.catalog.read import read_inventory
from tswizard.core.db.client_tools import choose, find_tools
from tswizard.core.db.endpoint import Endpoint, child_environment
from tswizard.core.db.passfile import passfile

pytestmark = pytest.mark.native


async def test_an_inventory_is_the_same(native_ends: Ends) -> None:
    before = await _inventory(native_ends.source)
    await set_oddly(native_ends.source)
    after = await _inventory(native_ends.source)
    assert after.hypertables == before.hypertables
    assert after == before


async def _inventory(end: Endpoint) -> Inventory:
    """Without what is another at each reading, and without the settings themselves."""
    inventory = await read_inventory(end)
    return replace(
        inventory,
        server=replace(inventory.server, latency_s=0, size_bytes=0),
        extras=replace(inventory.extras, settings=()),
    )


async def test_a_copy_is_the_same(native_ends: Ends, folder: Path) -> None:
    before = await content(native_ends.source)
    await set_oddly(native_ends.source, native_ends.target)
    await migrate(job(native_ends, folder))
    assert await content(native_ends.source) == before
    assert await content(native_ends.target) == before


async def test_a_dump_is_the_same(native_ends: Ends) -> None:
    before = await _dump(native_ends.source)
    await set_oddly(native_ends.source)
    assert await _dump(native_ends.source) == before
    assert "CREATE TABLE public.metrics (" in before


async def _dump(end: Endpoint) -> list[str]:
    tools = choose(find_tools(), 17, need_tls=False)
    assert tools is not None
    with passfile(end) as path:
        process = await asyncio.create_subprocess_exec(
            tools.pg_dump,
            "--schema-only",
            "--no-password",
            f"--dbname={end.conninfo}",
            env=child_environment(os.environ, path),
            stdout=asyncio.subprocess.PIPE,
        )
        text, _ = await process.communicate()
    assert process.returncode == 0
    # \restrict has a key that is another in each dump.
    return [line for line in text.decode().splitlines() if not line.startswith("\\")]
