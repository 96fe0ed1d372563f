"""How long a server takes to answer: a question that costs it nothing, and one that costs it always
the same, by which servers can be compared."""

import time
from statistics import median

from psycopg import Error

from tswizard.core.db.connection import Connection, connected, value
from tswizard.core.db.endpoint import Endpoint
from tswizard.core.probe.limits import STATEMENT_TIMEOUT, refused

_TIMES = 9
_YARDSTICK = """
SELECT pg_catalog.sum(pg_catalog.hashtext(g::text)) FROM pg_catalog.generate_series(1, 300000) g
"""
_YARDSTICKS = 3


async def time_answers(endpoint: Endpoint) -> tuple[float, float]:
    """Seconds of a round trip and of the yardstick, of a few.

    A round trip is the least of them: whatever else a busy machine adds is no property of the link,
    and is not paid where answers overlap. The yardstick is the median: it says
    how busy a server is.

    Raises TimingRefused, CannotConnect.
    """
    async with connected(endpoint) as connection:
        try:
            await connection.execute(f"SET statement_timeout = '{STATEMENT_TIMEOUT}'".encode())
            trip = min(await _times(connection, "SELECT 1", _TIMES))
            work = median(await _times(connection, _YARDSTICK, _YARDSTICKS))
        except Error as error:
            raise refused(f"The answers of {endpoint.label} cannot be timed", error) from error
    return trip, max(0.0, work - trip)


async def _times(connection: Connection, query: str, times: int) -> list[float]:
    taken = []
    for _ in range(times):
        began = time.monotonic()
        await value(connection, query)
        taken.append(time.monotonic() - began)
    return taken
