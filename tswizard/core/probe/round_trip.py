"""How long a server takes to answer a question that costs it nothing."""

import time
from statistics import median

from psycopg import Error

from tswizard.core.db.connection import connected
from tswizard.core.db.endpoint import Endpoint
from tswizard.core.probe.limits import refused

_TIMES = 9


async def time_round_trip(endpoint: Endpoint) -> float:
    """Seconds, the median of a few. Raises TimingRefused, CannotConnect."""
    async with connected(endpoint) as connection:
        taken = []
        try:
            for _ in range(_TIMES):
                began = time.monotonic()
                await connection.execute("SELECT 1")
                taken.append(time.monotonic() - began)
        except Error as error:
            raise refused(f"The round trip to {endpoint.label} cannot be timed", error) from error
    return median(taken)
