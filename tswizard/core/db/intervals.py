"""Spans of time in PostgreSQL's own words, judged by a server."""

from psycopg import DataError

from tswizard.core.db.connection import Connection, value
from tswizard.core.db.errors import message_of

_POSITIVE = "SELECT %s::pg_catalog.interval > '0'::pg_catalog.interval"


async def why_no_span(connection: Connection, text: str) -> str:
    """Why this is no interval, or none that leads anywhere; empty when it is fine.

    Within a transaction it is tried behind a savepoint. Raises psycopg.Error.
    """
    try:
        async with connection.transaction():
            good = await value(connection, _POSITIVE, (text,))
    except DataError as error:
        return message_of(error)
    return "" if good else "it must be longer than nothing"
