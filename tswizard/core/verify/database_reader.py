"""A connection for reading one end: equal settings, one moment, repaired when it breaks."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, Literal, TypeVar

from psycopg import Error, sql
from tenacity import RetryCallState

from tswizard.core.db.connection import Connection, connect, rows
from tswizard.core.db.endpoint import Endpoint
from tswizard.core.db.errors import CannotConnect, is_transient, message_of
from tswizard.core.db.retry import READING
from tswizard.core.model.finding import Finding, Level
from tswizard.core.verify.request import VerifyStopped

_Result = TypeVar("_Result")


class DatabaseReader:
    """One end, read through one connection that is opened again when it breaks.

    With `snapshot` every query sees the source at the moment of the dump.
    """

    def __init__(
        self,
        name: Literal["source", "target"],
        endpoint: Endpoint,
        snapshot: str | None = None,
    ) -> None:
        self.name = name
        self.endpoint = endpoint
        self._snapshot = snapshot
        self._connection: Connection | None = None

    async def connection(self) -> Connection:
        """The open connection. Raises CannotConnect, VerifyStopped when the snapshot is gone."""
        if self._connection is None or self._connection.closed:
            self._connection = await connect(self.endpoint, row_security=False)
            if self._snapshot is not None:
                await self._enter_snapshot(self._connection)
        return self._connection

    async def run(self, action: Callable[[Connection], Awaitable[_Result]]) -> _Result:
        """The result of some reading, done again after a transient error with growing pauses.

        Raises psycopg.Error for any other, VerifyStopped when the attempts are used up.
        """
        try:
            return await READING.attempting(self._drop)(self._run, action)
        except (CannotConnect, Error) as error:
            if not is_transient(error):
                raise
            raise self._gave_up(error) from error

    async def _run(self, action: Callable[[Connection], Awaitable[_Result]]) -> _Result:
        connection = await self.connection()
        if self._snapshot is None:
            return await action(connection)
        async with connection.transaction():  # a savepoint: an error must not end the snapshot
            return await action(connection)

    async def fetch(self, query: sql.Composable | str) -> list[tuple[Any, ...]]:
        """All rows of a query; see `run`."""
        return await self.run(lambda connection: rows(connection, query))

    async def _enter_snapshot(self, connection: Connection) -> None:
        try:
            await connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
            await connection.execute(
                sql.SQL("SET TRANSACTION SNAPSHOT {}").format(sql.Literal(self._snapshot))
            )
        except Error as error:
            await self.close()
            if is_transient(error):
                raise
            raise VerifyStopped(
                Finding(
                    Level.FAIL,
                    "snapshot-lost",
                    "The snapshot of the source that the dump was taken from is gone.",
                    where=self.endpoint.label,
                    why=message_of(error),
                    todo="Check again without it: what was written since the dump then shows as "
                    "a difference.",
                )
            ) from error

    def _gave_up(self, error: BaseException) -> VerifyStopped:
        return VerifyStopped(
            Finding(
                Level.FAIL,
                "verify-stopped",
                f"The {self.name} could not be read to the end: {message_of(error)}.",
                where=self.endpoint.label,
                why=f"It was tried {READING.attempts} times.",
                todo="When the server answers again, resume the run; the check starts again.",
            )
        )

    async def _drop(self, _state: RetryCallState) -> None:
        """After an error that may come from the connection, the next attempt opens a new one."""
        await self.close()

    async def close(self) -> None:
        """Close it, if it is open."""
        if self._connection is not None:
            await asyncio.shield(self._connection.close())
            self._connection = None


@asynccontextmanager
async def open_reader(
    name: Literal["source", "target"], endpoint: Endpoint, snapshot: str | None = None
) -> AsyncIterator[DatabaseReader]:
    """A side that is closed at the end."""
    side = DatabaseReader(name, endpoint, snapshot)
    try:
        yield side
    finally:
        await side.close()
