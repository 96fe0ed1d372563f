"""A scratch table on the target, in a transaction that is never committed.

So nothing has to be dropped: whatever ends this process, the server rolls back, and no other
session ever sees the table. TimescaleDB's own catalog rows of a scratch hypertable go with it.
"""

import asyncio
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

from psycopg import Error, sql

from tswizard.core.db.connection import Connection, connected
from tswizard.core.db.identifiers import identifier
from tswizard.core.model.prepared import Prepared
from tswizard.core.probe.limits import STATEMENT_TIMEOUT, refused
from tswizard.core.split.copy.pump import Sink, TargetSink
from tswizard.core.split.plan.piece import SourceColumn, SourceTable

SCRATCH = "_tswizard_probe_"
"""Prefix of the schemas of scratch tables."""


@dataclass(frozen=True, slots=True)
class ScratchTable:
    """A table in a transaction of its own."""

    connection: Connection
    schema: str
    columns: tuple[SourceColumn, ...]

    @property
    def sql(self) -> sql.Identifier:
        return sql.Identifier(self.schema, "sample")

    @property
    def name(self) -> str:
        """For an argument of type regclass."""
        return self.sql.as_string(None)

    @asynccontextmanager
    async def copying(self, format: str) -> AsyncIterator[Sink]:
        """A COPY into it, which ends with the block. Raises psycopg.Error."""
        columns = sql.SQL(", ").join(sql.Identifier(column.name) for column in self.columns)
        statement = sql.SQL("COPY {} ({}) FROM STDIN (FORMAT {})").format(
            self.sql, columns, sql.Identifier(format)
        )
        async with self.connection.cursor() as cursor, cursor.copy(statement) as copy:
            await copy.write(b"")
            yield TargetSink(self.connection.pgconn)


@asynccontextmanager
async def scratch_table(
    prepared: Prepared, table: SourceTable, format: str, *, exact: bool = True
) -> AsyncIterator[ScratchTable]:
    """An empty one with the sample's columns, for COPY in this format; only with PostgreSQL's own
    types where it need not be `exact`.

    Raises TimingRefused, CannotConnect.
    """
    extension = exact and prepared.target_inventory.server.timescaledb is not None
    columns = ", ".join(
        f"{identifier(c.name)} {_type(c.type, format, extension=extension)}" for c in table.columns
    )
    async with connected(prepared.target) as connection:
        scratch = ScratchTable(connection, f"{SCRATCH}{secrets.token_hex(4)}", table.columns)
        try:
            for statement in (
                sql.SQL("BEGIN"),
                sql.SQL("SET LOCAL statement_timeout = {}").format(STATEMENT_TIMEOUT),
                sql.SQL("SET LOCAL lock_timeout = '5s'"),
                sql.SQL("CREATE SCHEMA {}").format(sql.Identifier(scratch.schema)),
                sql.SQL("CREATE TABLE {} ({})").format(scratch.sql, sql.SQL(columns)),
            ):
                await connection.execute(statement)
        except Error as error:
            where = prepared.target.label
            raise refused(f"A scratch table on {where} cannot be created", error) from error
        try:
            yield scratch
        finally:
            with suppress(Error):
                await asyncio.shield(connection.execute("ROLLBACK"))


def _type(name: str, format: str, *, extension: bool) -> str:
    """Types that the target need not have take the same bytes as they come."""
    built_in = "." not in name
    if built_in or (extension and name.startswith("_timescaledb_internal.")):
        return name
    return "bytea" if format == "binary" else "text"
