"""No password in any file a run leaves, in any child's argv or environment, in any event."""

import asyncio
import os
from contextlib import suppress
from pathlib import Path

import pytest

from tests.e2e.program import children
from tswizard.core.answers import Answers
from tswizard.core.catalog.read import read_inventory
from tswizard.core.endpoint import Endpoint
from tswizard.core.finding import Level
from tswizard.core.pgtools import choose, find_tools
from tswizard.core.run import start
from tswizard.core.task import Task
from tswizard.demo import EmbeddedPair

pytestmark = pytest.mark.e2e


async def test_passwords_stay_in_memory(
    pair: EmbeddedPair, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TSWIZARD_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    passwords = (pair.source_password, pair.target_password)
    monkeypatch.setenv("PGPASSWORD", pair.source_password)
    source = Endpoint.parse(pair.source_conninfo)
    target = Endpoint.parse(pair.target_conninfo, password=pair.target_password)
    assert (source.password, target.password) == passwords

    held, there = await read_inventory(source), await read_inventory(target)
    tools = choose(find_tools(), held.server.major, need_tls=False)
    assert tools is not None
    task = Task(source, target, held, there.server, Answers(keep_dumps=True), tools, tmp_path)
    run = start(task, ())
    seen: set[bytes] = set()
    modes: set[int] = set()
    watcher = asyncio.create_task(_watch(seen, modes, tmp_path))
    said = [repr(event) async for event in run.events()]
    watcher.cancel()

    assert run.outcome is not None
    assert run.outcome.result is Level.PASS
    assert any(b"pg_dump" in text for text in seen)
    assert any(b"pg_restore" in text for text in seen)
    assert modes == {0o600}
    texts = [*seen, *(event.encode() for event in said), repr(task).encode()]
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert any(path.name == "run.json" for path in files)
    assert not any(path.name == "passfile" for path in files)
    for password in passwords:
        for text in texts:
            assert password.encode() not in text
        for path in files:
            assert password.encode() not in path.read_bytes(), path


async def _watch(seen: set[bytes], modes: set[int], folder: Path) -> None:
    """Collect what /proc shows of the client tools, and the mode of their passfiles."""
    while True:
        for pid in children(os.getpid()):
            with suppress(OSError):
                proc = Path(f"/proc/{pid}")
                argv = (proc / "cmdline").read_bytes()
                if b"pg_dump" in argv or b"pg_restore" in argv:
                    seen |= {argv, (proc / "environ").read_bytes()}
        for path in folder.glob("tswizard-secret-*/passfile"):
            with suppress(OSError):
                modes.add(path.stat().st_mode & 0o777)
        await asyncio.sleep(0.05)
