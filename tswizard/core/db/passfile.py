"""The one place where a password touches a disk: a 0600 passfile that lives as long as its child.

https://www.postgresql.org/docs/current/libpq-pgpass.html
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager

from tswizard.core.db.endpoint import Endpoint, passfile_line
from tswizard.core.db.private_folder import private_folder, remove_abandoned

_PREFIX = "tswizard-secret-"


@contextmanager
def passfile(endpoint: Endpoint) -> Iterator[str | None]:
    """A passfile for this endpoint's password; None when libpq has to find it by itself.

    It is in a private folder of the system's temporary directory, never in a run's folder.
    """
    if not endpoint.password:
        remove_abandoned(_PREFIX)
        yield None
        return
    with private_folder(_PREFIX) as folder:
        path = folder / "passfile"
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(passfile_line(endpoint.password))
        yield str(path)
