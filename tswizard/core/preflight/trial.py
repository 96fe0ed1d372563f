"""Trying a statement inside a transaction that will be rolled back."""

from psycopg import Error, sql

from tswizard.core.db.connection import Connection, atomically
from tswizard.core.db.errors import message_of

Refused = tuple[str, str]
"""What was tried, and what the server said."""


async def attempt(
    connection: Connection,
    what: str,
    statement: sql.SQL | sql.Composed,
    refused: list[Refused],
) -> bool:
    """Run it in a savepoint; where the server refuses it, note that in `refused`.

    Raises psycopg.Error when the connection is lost.
    """
    try:
        await atomically(connection, (statement,))
    except Error as error:
        if connection.closed:
            raise
        refused.append((what, message_of(error)))
        return False
    return True
