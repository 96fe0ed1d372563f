"""Reading one database: the same settings on both, one snapshot, reconnecting when needed."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, Literal, TypeVar

from psycopg import Error, sql
from psycopg.pq import TransactionStatus
from tenacity import RetryCallState

from tswizard.core.db.connection import (
    Connection,
    borrow,
    enter_snapshot,
    give_back,
    rows,
)
from tswizard.core.db.endpoint import Endpoint
from tswizard.core.db.errors import CannotConnect, is_transient, message_of
from tswizard.core.db.retry import READING
from tswizard.core.model.finding import Finding, Level
from tswizard.core.verify.request import VerifyStopped

_Result = TypeVar("_Result")


class DatabaseReader:
    """One database, read through one connection that is reopened when it is lost.

    With `snapshot` every query sees the source as the dump saw it.
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
            self._connection = await borrow(self.endpoint, row_security=False)
            if self._snapshot is not None:
                await self._enter_snapshot(self._connection)
        return self._connection

    async def run(self, action: Callable[[Connection], Awaitable[_Result]]) -> _Result:
        """The result of reading something, retried after transient errors with growing pauses.

        Raises psycopg.Error for any other error, VerifyStopped when the last attempt failed.
        """
        try:
            return await READING.attempting(self._drop)(self._run, action)
        except (CannotConnect, Error) as error:
            if not is_transient(error):
                raise
            raise self._gave_up(error) from error

    async def _run(self, action: Callable[[Connection], Awaitable[_Result]]) -> _Result:
        connection = await self.connection()
        try:
            return await action(connection)
        finally:
            # An error has ended the snapshot's transaction. They are rare: a new session then costs
            # less than a savepoint around each query.
            if self._snapshot is not None and not _in_transaction(connection):
                await self.close()

    async def fetch(self, query: sql.Composable | str) -> list[tuple[Any, ...]]:
        """All rows of a query; see `run`."""
        return await self.run(lambda connection: rows(connection, query))

    async def _enter_snapshot(self, connection: Connection) -> None:
        try:
            await enter_snapshot(connection, self._snapshot)
        except Error as error:
            await self.close()
            if is_transient(error):
                raise
            raise VerifyStopped(
                Finding(
                    Level.FAIL,
                    "snapshot-lost",
                    "The source snapshot that the dump was taken from no longer exists.",
                    where=self.endpoint.label,
                    why=message_of(error),
                    todo="Check again without it: rows written since copying began then show up as "
                    "differences.",
                )
            ) from error

    def _gave_up(self, error: BaseException) -> VerifyStopped:
        return VerifyStopped(
            Finding(
                Level.FAIL,
                "verify-stopped",
                f"Reading the {self.name} failed: {message_of(error)}.",
                where=self.endpoint.label,
                why=f"{READING.attempts} attempts failed.",
                todo="Resume the run when the server is reachable again; the check starts over.",
            )
        )

    async def _drop(self, _state: RetryCallState) -> None:
        """Before the next attempt: it opens a new connection."""
        await self.close()

    async def release(self) -> None:
        """Be done with it: others may use its connection."""
        connection, self._connection = self._connection, None
        if connection is not None:
            await give_back(connection, self.endpoint, row_security=False)

    async def close(self) -> None:
        """Close it, if it is open."""
        if self._connection is not None:
            await asyncio.shield(self._connection.close())
            self._connection = None


def _in_transaction(connection: Connection) -> bool:
    return connection.info.transaction_status == TransactionStatus.INTRANS


@asynccontextmanager
async def open_reader(
    name: Literal["source", "target"], endpoint: Endpoint, snapshot: str | None = None
) -> AsyncIterator[DatabaseReader]:
    """A reader, closed at the end."""
    reader = DatabaseReader(name, endpoint, snapshot)
    try:
        yield reader
    except BaseException:
        await reader.close()
        raise
    await reader.release()
