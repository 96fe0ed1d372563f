"""The one place where a password touches a disk: a 0600 passfile that lives as long as its child.

https://www.postgresql.org/docs/current/libpq-pgpass.html
"""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tswizard.core.db.endpoint import Endpoint, passfile_line

_PREFIX = "tswizard-secret-"


@contextmanager
def passfile(endpoint: Endpoint) -> Iterator[str | None]:
    """A passfile for this endpoint's password; None when libpq has to find it by itself.

    It stands in a private folder of the system's temporary directory, never in a run's folder.
    """
    sweep()
    if not endpoint.password:
        yield None
        return
    folder = Path(tempfile.mkdtemp(prefix=f"{_PREFIX}{os.getpid()}-"))
    try:
        path = folder / "passfile"
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:  # noqa: PTH123
            file.write(passfile_line(endpoint.password))
        yield str(path)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def sweep() -> None:
    """Remove what a killed tswizard left behind."""
    for folder in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):
        with suppress(OSError, ValueError):
            owner = int(folder.name.removeprefix(_PREFIX).split("-")[0])
            if folder.stat().st_uid == os.getuid() and not _alive(owner):
                shutil.rmtree(folder, ignore_errors=True)


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
