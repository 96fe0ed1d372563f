"""Connections to an endpoint, set up the same way everywhere."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from psycopg import AsyncConnection, OperationalError, ProgrammingError, sql
from psycopg.conninfo import make_conninfo

from tswizard.core.db.endpoint import Endpoint, redact

Connection = AsyncConnection[tuple[Any, ...]]

CONNECT_TIMEOUT = 15
"""Seconds until a host that does not answer is given up."""

# A night's run must outlive idle firewalls (keepalives) and the roles' own limits (timeouts).
_KEEPALIVE = {"keepalives": 1, "keepalives_idle": 30, "keepalives_interval": 10}

# Asked for with the connection itself, never by SET: behind a pooler a SET would stay in a
# session that other programs use. (pg_catalog alone is as good as an empty search_path, and
# cannot be lost in quoting.)
_SESSION = (
    ("statement_timeout", "0"),
    ("lock_timeout", "0"),
    ("idle_in_transaction_session_timeout", "0"),
    ("search_path", "pg_catalog"),
)


class CannotConnect(Exception):
    """No connection: one sentence of what, and what to do. Holds no secret."""

    def __init__(self, what: str, todo: str) -> None:
        super().__init__(f"{what} {todo}")
        self.what = what
        self.todo = todo


async def connect(endpoint: Endpoint) -> Connection:
    """Open an autocommit connection without time limits and with nothing but pg_catalog in its
    search_path.

    Raises CannotConnect; also for a pooler, which refuses session settings.
    """
    options = " ".join(f"-c {name}={value}" for name, value in _SESSION)
    return await _open(endpoint, options=f"{endpoint.get('options')} {options}".strip())


async def connect_plainly(endpoint: Endpoint) -> Connection:
    """Open an autocommit connection that asks nothing of its session, so that even a pooler
    grants it and nothing stays behind in one. For finding out what is at the other end.

    Raises CannotConnect.
    """
    return await _open(endpoint)


async def _open(endpoint: Endpoint, **extra: str) -> Connection:
    text = make_conninfo(
        endpoint.conninfo,
        application_name="tswizard",
        connect_timeout=endpoint.get("connect_timeout") or CONNECT_TIMEOUT,
        **_KEEPALIVE,
        **extra,
    )
    try:
        return await AsyncConnection.connect(text, autocommit=True, password=endpoint.password)
    except (OperationalError, ProgrammingError) as error:
        raise _explain(error, endpoint) from None


@asynccontextmanager
async def closing(connection: Connection) -> AsyncIterator[Connection]:
    """The connection, closed at the end."""
    try:
        yield connection
    finally:
        await connection.close()


@asynccontextmanager
async def connected(endpoint: Endpoint) -> AsyncIterator[Connection]:
    """A connection that is closed at the end. Raises CannotConnect."""
    async with closing(await connect(endpoint)) as connection:
        yield connection


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


_CAUSES = (
    (
        r"unsupported startup parameter",
        "{label} is a connection pool, not the server itself.",
        "Give the service's own host and port; a dump cannot be taken through a pool.",
    ),
    (
        r"no pg_hba\.conf entry",
        "{label} does not let {user} in from here: {message}.",
        "Check the service's IP allow-list, the user, the database and sslmode.",
    ),
    (
        r"no password supplied",
        "{label} asks for a password of {user}, and none was found.",
        "Give it, or put it into ~/.pgpass.",
    ),
    (
        r"password authentication failed|SASL|SCRAM",
        "{label} refuses the password of {user}.",
        "Give the right one, or put it into ~/.pgpass.",
    ),
    (
        r"could not translate host name|Name or service not known|nodename nor servname|"
        r"failed to resolve host",
        "The host of {label} is not known.",
        "Check its name, and that this machine resolves it.",
    ),
    (
        r"Connection refused",
        "Nothing listens at {label}.",
        "Check host and port, and that the service runs.",
    ),
    (
        r"timeout expired|timed out|No route to host|Network is unreachable",
        "{label} does not answer.",
        "Check host, port, firewall and the service's IP allow-list.",
    ),
    (
        r'database ".*" does not exist',
        "{label}: there is no such database on that server.",
        "On MST it is called defaultdb, on Timescale Cloud tsdb.",
    ),
    (r'role ".*" does not exist', "{label}: there is no role {user}.", "Check the user's name."),
    (
        r"SSL|TLS|certificate",
        "{label}: no encrypted connection: {message}.",
        "Check sslmode and the certificate files.",
    ),
    (
        r"too many (connections|clients)|remaining connection slots",
        "{label} has no free connection.",
        "Close others or raise its limit, then try again.",
    ),
    (r"definition of service", "{message}.", "Check ~/.pg_service.conf or PGSERVICEFILE."),
    (
        r"server closed the connection|Connection reset|starting up|shutting down",
        "{label} closed the connection: {message}.",
        "See whether the service restarts, then try again.",
    ),
)


# What psycopg and libpq put before the server's own words.
_LEAD = re.compile(
    r"^(?:connection is bad: |connection failed: |connection to server (?:at|on) .*? failed: "
    r"|FATAL: +|ERROR: +)"
)


def _explain(error: OperationalError | ProgrammingError, endpoint: Endpoint) -> CannotConnect:
    text = redact(" ".join(str(error).split()), [endpoint])
    message = text
    while lead := _LEAD.match(message):
        message = message[lead.end() :]
    message = message.rstrip(".") or text
    facts = {"label": endpoint.label, "user": endpoint.get("user"), "message": message}
    for pattern, what, todo in _CAUSES:
        if re.search(pattern, text):
            return CannotConnect(what.format(**facts), todo)
    return CannotConnect(f"{endpoint.label}: {message}.", "Check the connection's parts.")
