"""The demo's folder in the user's cache directory: where it is, and who may change it when."""

import asyncio
import fcntl
import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

from platformdirs import user_cache_path

from tswizard.demo.progress import DemoError

_POLL_SECONDS = 0.2
_MIB = 1024 * 1024


def cache_dir() -> Path:
    """The cache directory, or `TSWIZARD_CACHE_DIR`. Raises DemoError if it cannot be created."""
    named = os.environ.get("TSWIZARD_CACHE_DIR")
    path = Path(named) if named else user_cache_path("tswizard")
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DemoError(
            f"The demo's cache directory {path} cannot be created ({error.strerror}); "
            "set TSWIZARD_CACHE_DIR to a directory that can be written."
        ) from error
    return path


@asynccontextmanager
async def locked(name: str, *, shared: bool = False) -> AsyncIterator[None]:
    """Hold a lock among all tswizard processes of this cache; it ends with the process.

    Waits without blocking the event loop, so that a waiting demo can still be left.
    """
    how = fcntl.LOCK_SH if shared else fcntl.LOCK_EX
    with (cache_dir() / f"{name}.lock").open("w") as file:
        while not _try_lock(file.fileno(), how):  # noqa: ASYNC110 - another process holds it
            await asyncio.sleep(_POLL_SECONDS)
        yield


def _try_lock(fd: int, how: int) -> bool:
    try:
        fcntl.flock(fd, how | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


@contextmanager
def unfinished(parent: Path) -> Iterator[Path]:
    """A folder in `parent` that is removed at the end, unless it was renamed into its place.

    Call it under a lock: what an interrupted process left there is removed first.
    """
    parent.mkdir(parents=True, exist_ok=True)
    for left in parent.glob("unfinished-*"):
        shutil.rmtree(left, ignore_errors=True)
    path = Path(tempfile.mkdtemp(prefix="unfinished-", dir=parent))
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


def need_room(path: Path, mib: int) -> None:
    """Raise DemoError unless `mib` MiB are free where `path` is."""
    free = shutil.disk_usage(path).free // _MIB
    if free < mib:
        raise DemoError(
            f"The demo needs {mib} MiB in {path} and {free} MiB are free; free up space or set "
            "TSWIZARD_CACHE_DIR to another disk."
        )
