"""Connections to an endpoint, set up the same way everywhere."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from psycopg import AsyncConnection, Error, OperationalError, ProgrammingError, sql
from psycopg.conninfo import make_conninfo

from tswizard.core.db.endpoint import Endpoint
from tswizard.core.db.errors import explain_connect, is_connection_lost
from tswizard.core.db.session_settings import (
    KEEPALIVES,
    ROW_SECURITY_OFF,
    set_where_known,
    startup_options,
)

Connection = AsyncConnection[tuple[Any, ...]]

CONNECT_TIMEOUT = 15
"""Seconds until a host that does not answer is given up."""


async def connect(endpoint: Endpoint, *, row_security: bool = True) -> Connection:
    """Open an autocommit connection with our session settings: no time limits, nothing but
    pg_catalog in its search_path.

    Without `row_security` a table whose policies would hide rows is an error. Raises CannotConnect;
    also for a pooler, which refuses session settings.
    """
    extra = {} if row_security else ROW_SECURITY_OFF
    connection = await _open(
        endpoint, options=startup_options(endpoint.get("options"), extra), client_encoding="UTF8"
    )
    try:
        await connection.execute(set_where_known().encode())
    except Error as error:
        await connection.close()
        raise explain_connect(error, endpoint) from None
    return connection


async def connect_plainly(endpoint: Endpoint) -> Connection:
    """Open an autocommit connection that sets nothing in its session, so that even a pooler
    grants it and nothing stays behind in one. For finding out what is at the other end.

    Raises CannotConnect.
    """
    return await _open(endpoint)


async def _open(endpoint: Endpoint, **extra: str) -> Connection:
    text = make_conninfo(
        endpoint.conninfo,
        application_name="tswizard",
        connect_timeout=endpoint.get("connect_timeout") or CONNECT_TIMEOUT,
        **KEEPALIVES,
        **extra,
    )
    try:
        # Nothing is prepared: after a DROP or ALTER psycopg deallocates all prepared statements,
        # which on a server with one backend for all are everybody's.
        return await AsyncConnection.connect(
            text, autocommit=True, password=endpoint.password, prepare_threshold=None
        )
    except (OperationalError, ProgrammingError) as error:
        raise explain_connect(error, endpoint) from None


@asynccontextmanager
async def connected(endpoint: Endpoint, *, row_security: bool = True) -> AsyncIterator[Connection]:
    """A connection (see `connect`) that is closed at the end. Raises CannotConnect."""
    async with await connect(endpoint, row_security=row_security) as connection:
        yield connection


async def is_alive(connection: Connection) -> bool:
    """Does the server still answer on this connection? Raises psycopg.Error."""
    try:
        await connection.execute("SELECT 1")
    except Error as error:
        if not is_connection_lost(error):
            raise
        return False
    return True


async def rows(
    connection: Connection, query: str | sql.Composable, args: Any = None
) -> list[tuple[Any, ...]]:
    """All rows of a catalog query."""
    cursor = await connection.execute(_query(query), args)
    return await cursor.fetchall()


async def value(connection: Connection, query: str | sql.Composable, args: Any = None) -> Any:
    """The first column of the first row; None when there is no row."""
    cursor = await connection.execute(_query(query), args)
    row = await cursor.fetchone()
    return row[0] if row else None


def _query(query: str | sql.Composable) -> Any:
    return sql.SQL(query) if isinstance(query, str) else query
