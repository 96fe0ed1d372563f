"""A password file that libpq does not use, because others may read it.

https://www.postgresql.org/docs/current/libpq-pgpass.html
"""

import os
import stat
from pathlib import Path

from tswizard.core.db.endpoint import Endpoint

NO_PASSFILE = "/dev/null/none"
"""A path at which nothing can be: libpq looks no further and says nothing."""


def ignored_passfile(endpoint: Endpoint) -> Path | None:
    """The password file of this endpoint, if libpq will ignore it and say so on stderr, in the
    middle of the screens. None where it is used, or is not there, or is not asked for."""
    if endpoint.password:
        return None
    try:
        named = endpoint.get("passfile") or os.environ.get("PGPASSFILE")
        path = Path(named) if named else Path.home() / ".pgpass"
        mode = path.stat().st_mode
    except (OSError, RuntimeError, ValueError):  # not there, no home, no path
        return None
    used = stat.S_ISREG(mode) and not mode & (stat.S_IRWXG | stat.S_IRWXO)
    return None if used else path
