"""Connections to an endpoint, set up the same way everywhere."""

import asyncio
from collections.abc import AsyncIterator, Coroutine, Iterable, Sequence
from contextlib import asynccontextmanager
from typing import Any, TypeVar

from psycopg import (
    AsyncClientCursor,
    AsyncConnection,
    Error,
    OperationalError,
    ProgrammingError,
    sql,
)
from psycopg.conninfo import make_conninfo
from psycopg.errors import PipelineAborted

from tswizard.core.db.endpoint import Endpoint
from tswizard.core.db.errors import explain_connect, is_connection_lost
from tswizard.core.db.session_settings import (
    ROW_SECURITY_OFF,
    set_where_known,
    startup_options,
)

Connection = AsyncConnection[tuple[Any, ...]]

CONNECT_TIMEOUT = 15
"""Seconds until a host that does not answer is given up."""


async def connect(
    endpoint: Endpoint, *, row_security: bool = True, then: Sequence["Statement"] = ()
) -> Connection:
    """Open an autocommit connection with our session settings: no time limits, nothing but
    pg_catalog in its search_path.

    Without `row_security` a table whose policies would hide rows is an error. `then` are statements
    to begin with, in the same round trip as what is set here. Raises CannotConnect; also for a
    pooler, which refuses session settings.
    """
    extra = {} if row_security else ROW_SECURITY_OFF
    connection = await _open(
        endpoint, options=startup_options(endpoint.get("options"), extra), client_encoding="UTF8"
    )
    try:
        # By SET: what a database sets of an extension wins over what a connection asks for.
        await batch(connection, [(set_where_known(), None), *then])
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
        endpoint.lasting_conninfo,
        application_name="tswizard",
        connect_timeout=endpoint.get("connect_timeout") or CONNECT_TIMEOUT,
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


_Result = TypeVar("_Result")


class Pipeline:
    """Work of several readers on one connection at once."""

    def __init__(self) -> None:
        self.tasks: list[asyncio.Task[Any]] = []

    def start(self, work: Coroutine[Any, Any, _Result]) -> "asyncio.Task[_Result]":
        """Begin it. Its result is there when the pipeline has ended."""
        task = asyncio.create_task(work)
        self.tasks.append(task)
        return task


@asynccontextmanager
async def pipelined(connection: Connection) -> AsyncIterator[Pipeline]:
    """What is started in the block shares its round trips: statements are sent without waiting for
    each other's answers. So it lasts as many of them as the longest reader has statements.

    All that has begun belongs to one transaction. For reading only: none may depend on another's
    work, nor open a transaction of its own. Raises the first error at the end of the block.
    https://www.postgresql.org/docs/current/libpq-pipeline-mode.html
    """
    pipeline = Pipeline()
    async with connection.pipeline():
        yield pipeline
        try:
            await asyncio.gather(*pipeline.tasks, return_exceptions=True)
        finally:
            for task in pipeline.tasks:
                task.cancel()
    errors = [error for task in pipeline.tasks if (error := task.exception()) is not None]
    if errors:
        # After an error the server skips what was sent behind it.
        raise next((e for e in errors if not isinstance(e, PipelineAborted)), errors[0])


async def is_alive(connection: Connection) -> bool:
    """Does the server still answer on this connection? Raises psycopg.Error."""
    try:
        await connection.execute("SELECT 1")
    except Error as error:
        if not is_connection_lost(error):
            raise
        return False
    return True


async def enter_snapshot(connection: Connection, name: str | None) -> None:
    """Begin a transaction that reads under an exported snapshot, or as the database is now."""
    statements: list[Statement] = [("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", None)]
    if name is not None:
        statements.append((sql.SQL("SET TRANSACTION SNAPSHOT {}").format(sql.Literal(name)), None))
    await batch(connection, statements)


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


Statement = tuple[str | sql.Composable, Any]
"""SQL and its arguments, None for none."""


async def batch(
    connection: Connection, statements: Iterable[Statement]
) -> list[list[tuple[Any, ...]]]:
    """The rows of several statements that are sent at once: one round trip for all of them.

    The server carries them out in order, in one transaction unless one of them says otherwise, and
    none after one that fails, whose error is raised. They go by the simple protocol, which every
    server has: the arguments are written into the SQL.
    https://www.postgresql.org/docs/current/protocol-flow.html#PROTOCOL-FLOW-MULTI-STATEMENT
    """
    cursor = AsyncClientCursor(connection)
    texts = [cursor.mogrify(_query(query), args) for query, args in statements]
    if not texts:
        return []
    found = []
    async with connection.cursor() as all_of_them:
        await all_of_them.execute(sql.SQL(";\n").join(map(sql.SQL, texts)))
        while True:
            some = all_of_them.description is not None
            found.append(await all_of_them.fetchall() if some else [])
            if not all_of_them.nextset():
                return found


def _query(query: str | sql.Composable) -> Any:
    return sql.SQL(query) if isinstance(query, str) else query
