"""Connections to an endpoint, set up the same way everywhere."""

import asyncio
from collections.abc import AsyncIterator, Coroutine, Iterable, Sequence
from contextlib import asynccontextmanager, nullcontext, suppress
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
from psycopg.pq import PipelineStatus, TransactionStatus

from tswizard.core.db.endpoint import Endpoint
from tswizard.core.db.errors import explain_connect, is_connection_lost, name_server
from tswizard.core.db.ignored_passfile import NO_PASSFILE, ignored_passfile
from tswizard.core.db.kept_connections import kept_connections
from tswizard.core.db.session_settings import (
    ROW_SECURITY_OFF,
    set_where_known,
    startup_options,
)

Connection = AsyncConnection[tuple[Any, ...]]


class _NamedConnection(AsyncConnection[tuple[Any, ...]]):
    """Its errors know which server they are of; everything that it asks goes through `wait`."""

    label = ""

    async def wait(self, *args: Any, **options: Any) -> Any:
        try:
            return await super().wait(*args, **options)
        except Error as error:
            name_server(error, self.label)
            raise


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
    if ignored_passfile(endpoint) is not None:  # else libpq says so in the middle of a screen
        extra["passfile"] = NO_PASSFILE
    text = make_conninfo(
        endpoint.lasting_conninfo,
        application_name="tswizard",
        connect_timeout=endpoint.get("connect_timeout") or CONNECT_TIMEOUT,
        **extra,
    )
    try:
        # Nothing is prepared: after a DROP or ALTER psycopg deallocates all prepared statements,
        # which on a server with one backend for all are everybody's.
        connection = await _NamedConnection.connect(
            text, autocommit=True, password=endpoint.password, prepare_threshold=None
        )
    except (OperationalError, ProgrammingError, ValueError) as error:
        # A ValueError: a host that cannot be written as DNS has names, or what cannot be encoded.
        raise explain_connect(error, endpoint) from None
    connection.label = endpoint.label
    return connection


@asynccontextmanager
async def connected(
    endpoint: Endpoint, *, row_security: bool = True, fresh: bool = False
) -> AsyncIterator[Connection]:
    """A connection (see `connect`), closed at the end or kept for the next one (see
    `keeping_connections`).

    A `fresh` one is new: sessions that began earlier are out of date for what follows, and not used
    again either. Raises CannotConnect.
    """
    kept = kept_connections()
    if kept is not None and fresh:
        kept.forget(endpoint)
    connection = await borrow(endpoint, row_security=row_security)
    try:
        yield connection
        if connection.info.transaction_status == TransactionStatus.INTRANS:
            await connection.commit()
    except BaseException:
        await _leave(connection)
        raise
    await give_back(connection, endpoint, row_security=row_security)


async def borrow(
    endpoint: Endpoint, *, row_security: bool = True, then: Sequence["Statement"] = ()
) -> Connection:
    """A connection as `connect` gives it, maybe one that was kept. Close it, or give it back.

    Raises CannotConnect, psycopg.Error.
    """
    kept = kept_connections()
    found = None if kept is None else await kept.take(endpoint, row_security=row_security)
    if found is None:
        return await connect(endpoint, row_security=row_security, then=then)
    try:
        await batch(found, then)
    except BaseException:
        await found.close()
        raise
    return found


async def give_back(
    connection: Connection, endpoint: Endpoint, *, row_security: bool = True
) -> None:
    """Done with one that was borrowed: it is kept, or closed. What it has begun is rolled back."""
    kept = kept_connections()
    if kept is None:
        await connection.close()
    else:
        kept.give_back(connection, endpoint, row_security=row_security)


async def _leave(connection: Connection) -> None:
    """Close it; what was begun on it is rolled back."""
    with suppress(Error):
        if connection.info.transaction_status in (
            TransactionStatus.INTRANS,
            TransactionStatus.INERROR,
        ):
            await connection.rollback()
    await connection.close()


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
    work, nor open a transaction of its own. A reader may do the same on its part. Raises the first
    error at the end of the block.
    https://www.postgresql.org/docs/current/libpq-pipeline-mode.html
    """
    pipeline = Pipeline()
    outermost = connection.info.pipeline_status == PipelineStatus.OFF
    async with connection.pipeline() if outermost else nullcontext():
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
    connection: Connection, statements: Iterable[Statement | str | sql.Composable]
) -> list[list[tuple[Any, ...]]]:
    """The rows of several statements that are sent at once: one round trip for all of them.

    The server carries them out in order, in one transaction unless one of them says otherwise, and
    none after one that fails, whose error is raised. They go by the simple protocol, which every
    server has: the arguments are written into the SQL. Within a pipeline they are part
    of it, and have to be queries.
    https://www.postgresql.org/docs/current/protocol-flow.html#PROTOCOL-FLOW-MULTI-STATEMENT
    """
    given = [item if isinstance(item, tuple) else (item, None) for item in statements]
    if not given:
        return []
    if connection.info.pipeline_status != PipelineStatus.OFF:
        async with pipelined(connection) as pipeline:
            parts = [pipeline.start(rows(connection, *statement)) for statement in given]
        return [part.result() for part in parts]
    cursor = AsyncClientCursor(connection)
    texts = [cursor.mogrify(_query(query), args) for query, args in given]
    found = []
    async with connection.cursor() as all_of_them:
        await all_of_them.execute(sql.SQL(";\n").join(map(sql.SQL, texts)))
        while True:
            some = all_of_them.description is not None
            found.append(await all_of_them.fetchall() if some else [])
            if not all_of_them.nextset():
                return found


async def atomically(
    connection: Connection, statements: Iterable[Statement | str | sql.Composable]
) -> list[list[tuple[Any, ...]]]:
    """The same, all or nothing also within a transaction, which goes on after an error. None of
    them may end a transaction."""
    if connection.info.transaction_status == TransactionStatus.IDLE:
        return await batch(connection, statements)
    try:
        found = await batch(connection, ("SAVEPOINT tswizard", *statements, "RELEASE tswizard"))
    except Error:
        if not connection.closed:
            await connection.execute("ROLLBACK TO tswizard")
        raise
    return found[1:-1]


def _query(query: str | sql.Composable) -> Any:
    return sql.SQL(query) if isinstance(query, str) else query
