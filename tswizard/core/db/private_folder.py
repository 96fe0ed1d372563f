"""Folders of one process alone, removed when it ends; after a kill the next process does it.

Whoever has one holds a lock in it. The system lets the lock go with the process, so that a folder
whose lock is free is nobody's anymore.
"""

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

_LOCK = "owner.lock"


@contextmanager
def private_folder(prefix: str = "", parent: Path | None = None) -> Iterator[Path]:
    """A new folder that only this user may enter, by default in the system's temporary directory.

    Folders of ended processes with this prefix are removed first. Raises OSError.
    """
    parent = parent or Path(tempfile.gettempdir())
    parent.mkdir(parents=True, exist_ok=True)
    remove_abandoned(prefix, parent)
    path, lock = _create(prefix, parent)
    with lock:
        try:
            yield path
        finally:
            shutil.rmtree(path, ignore_errors=True)


def remove_abandoned(prefix: str = "", parent: Path | None = None) -> None:
    """Remove what ended processes of this user left behind."""
    for folder in (parent or Path(tempfile.gettempdir())).glob(f"{prefix}*"):
        with suppress(OSError):  # another's, or another process has just removed it
            if folder.lstat().st_uid != os.getuid():
                continue
            with (folder / _LOCK).open("r+") as lock:
                if _try_lock(lock):
                    shutil.rmtree(folder, ignore_errors=True)


def _create(prefix: str, parent: Path) -> tuple[Path, IO[str]]:
    while True:
        path = Path(tempfile.mkdtemp(prefix=prefix, dir=parent))
        lock = (path / _LOCK).open("w")
        # Between open and lock the folder may have been taken for an abandoned one.
        if _try_lock(lock) and (path / _LOCK).exists():
            return path, lock
        lock.close()


def _try_lock(file: IO[str]) -> bool:
    try:
        fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
