"""One run with answers unlike the defaults: all of it is done as asked for, and no password is in
any file that it leaves, in any child's argv or environment, in any event."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import pytest_asyncio

from tests.support.begun_run import begun
from tests.support.processes import children
from tswizard.core.db.connection import connected, value
from tswizard.core.db.endpoint import Endpoint
from tswizard.core.model.answers import Answers
from tswizard.core.model.finding import Level
from tswizard.core.run.runner import Run
from tswizard.demo import EmbeddedPair

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="module")]

_COMPRESSED = "SELECT count(*) FROM timescaledb_information.chunks WHERE is_compressed"


@dataclass
class Ended:
    """A run in this process, and what could be seen of it."""

    source: Endpoint
    target: Endpoint
    folder: Path
    """Of everything that it writes."""
    staging: Path
    run: Run
    compressed_before: int
    said: list[str] = field(default_factory=list)
    seen: set[bytes] = field(default_factory=set)
    """What /proc showed of the client tools."""
    modes: set[int] = field(default_factory=set)
    """Of their passfiles."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def ended(
    module_pair: EmbeddedPair, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Ended]:
    folder = tmp_path_factory.mktemp("asked-for")
    staging = folder / "staging folder"
    staging.mkdir()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TSWIZARD_STATE_DIR", str(folder / "state"))
        patch.setattr("tempfile.tempdir", str(folder))
        patch.setenv("PGPASSWORD", module_pair.source_password)
        source = Endpoint.parse(module_pair.source_conninfo)
        target = Endpoint.parse(module_pair.target_conninfo, password=module_pair.target_password)
        async with connected(source) as connection:
            before = int(await value(connection, _COMPRESSED))
        answers = Answers(
            compress_first=True,
            enable_jobs=False,
            keep_dumps=True,
            staging=str(staging),
            verify="count",
        )
        run = await begun(source, target, answers)
        found = Ended(source, target, folder, staging, run, before)
        watcher = asyncio.create_task(_watch(found))
        found.said += [repr(event) async for event in run.events()]
        watcher.cancel()
        yield found


async def _watch(ended: Ended) -> None:
    while True:
        for pid in children(os.getpid()):
            with suppress(OSError):
                proc = Path(f"/proc/{pid}")
                argv = (proc / "cmdline").read_bytes()
                if b"pg_dump" in argv or b"pg_restore" in argv:
                    ended.seen |= {argv, (proc / "environ").read_bytes()}
        for path in ended.folder.glob("tswizard-secret-*/passfile"):
            with suppress(OSError):
                ended.modes.add(path.stat().st_mode & 0o777)
        await asyncio.sleep(0.05)


async def test_chunks_compressed_first_jobs_left_paused_the_dump_kept(ended: Ended) -> None:
    assert ended.run.outcome is not None
    assert ended.run.outcome.result is Level.PASS
    assert list(ended.staging.glob("*/toc.dat"))
    async with connected(ended.source) as connection:
        after = int(await value(connection, _COMPRESSED))
    compressed = after - ended.compressed_before
    assert compressed > 0
    log = (ended.run.run_folder.path / "log.txt").read_text()
    assert f"compressed {compressed} chunks: " in log
    async with connected(ended.target) as target:
        assert await value(target, _COMPRESSED) == after
        on = "SELECT count(*) FROM timescaledb_information.jobs WHERE scheduled AND job_id >= 1000"
        assert await value(target, on) == 0


async def test_passwords_stay_in_memory(ended: Ended) -> None:
    passwords = (ended.source.password, ended.target.password)
    assert all(passwords)
    assert len(set(passwords)) == 2
    assert any(b"pg_dump" in text for text in ended.seen)
    assert any(b"pg_restore" in text for text in ended.seen)
    assert ended.modes == {0o600}
    texts = [*ended.seen, *map(str.encode, ended.said), repr(ended.run.task).encode()]
    files = [path for path in ended.folder.rglob("*") if path.is_file()]
    assert any(path.name == "run.json" for path in files)
    assert any(path.name == "toc.dat" for path in files)
    assert not any(path.name == "passfile" for path in files)
    for password in map(str, passwords):
        for text in texts:
            assert password.encode() not in text
        for path in files:
            assert password.encode() not in path.read_bytes(), path
