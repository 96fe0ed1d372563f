"""How long a probe times something, how much of it, and how it says that it cannot."""

from collections.abc import Callable

from psycopg import Error

from tswizard.core.db.connection import Connection, batch
from tswizard.core.db.errors import ServerError, is_connection_lost, message_of

OnBytes = Callable[[int, float], None]
"""Bytes so far, and seconds since the first."""

LONGEST = 60.0
"""Seconds after which a dump is ended; what it has done until then counts."""
COPY_LONGEST = 15.0
"""Seconds after which a copy is ended."""
SHORTEST = 5.0
"""Seconds that are enough for a rate."""
MOST_BYTES = 256 << 20
"""Bytes of COPY that are enough, however fast they came."""
STATEMENT_TIMEOUT = "90s"
"""For every statement of a probe: a server ends what a lost machine left behind."""
LOCK_TIMEOUT = "10s"
"""Longer it waits for nobody who works on a table."""
TICK = 0.25
"""Seconds between two looks at how far something is."""


class TimingRefused(Exception):
    """Something cannot be timed; one sentence. `lost` where a server is gone, and all else with
    it."""

    def __init__(self, what: str, *, lost: bool = False) -> None:
        super().__init__(what)
        self.lost = lost


async def limit_statements(connection: Connection) -> None:
    """No statement of this session lasts long, and none waits long for a lock. Raises
    psycopg.Error."""
    await batch(
        connection,
        [
            f"SET statement_timeout = '{STATEMENT_TIMEOUT}'",
            f"SET lock_timeout = '{LOCK_TIMEOUT}'",
        ],
    )


def refused(what: str, error: Error | ServerError) -> TimingRefused:
    """`what`, and what the server says."""
    return TimingRefused(f"{what}: {message_of(error)}.", lost=is_connection_lost(error))
