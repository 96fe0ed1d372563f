"""Rows copied the simplest way, table by table, for tests of the steps around the copy."""

from collections.abc import Collection

from psycopg import sql

from tswizard.core.catalog.hypertable_model import Hypertable
from tswizard.core.catalog.inventory import TableKind
from tswizard.core.db.connection import connected, value
from tswizard.core.db.identifiers import qualified
from tswizard.core.model.plan import Task
from tswizard.core.split.schema.constraints import read_compressed_last


async def copy_tables(task: Task, schemas: Collection[str] = ()) -> None:
    """Every plain table's rows, the simple way; of these schemas only, where some are given."""
    kinds = (TableKind.PLAIN, TableKind.PARTITION)
    for table in task.inventory.tables:
        if table.kind in kinds and (not schemas or table.schema in schemas):
            await _copy(task, table.schema, table.name, only=True)


async def copy_hypertables(task: Task, schemas: Collection[str] = ()) -> None:
    """Every hypertable's rows; compressed chunks are compressed again where that may come first."""
    async with connected(task.source) as source:
        last = await read_compressed_last(source)
    for table in task.inventory.hypertables:
        if table.cagg or (schemas and table.schema not in schemas):
            continue
        await _copy(task, table.schema, table.name, only=False)
        if (table.schema, table.name) not in last:
            await _compress(task, table)


async def compress_last(task: Task) -> None:
    """Compress hypertables with constraints that are NOT VALID."""
    async with connected(task.source) as source:
        last = await read_compressed_last(source)
    for table in task.inventory.hypertables:
        if (table.schema, table.name) in last:
            await _compress(task, table)


async def _compress(task: Task, table: Hypertable) -> None:
    """Chunks up to the last one that is compressed on the source."""
    ends = [chunk.range_end for chunk in table.chunks if chunk.compressed]
    if not ends:
        return
    query = sql.SQL(
        "SELECT {schema}.compress_chunk(c, true) FROM {schema}.show_chunks({table}, "
        "older_than => {end}::{kind}) c"
    ).format(
        schema=sql.Identifier(task.target_server.timescaledb_schema or "public"),
        table=sql.Literal(table.sql),
        end=sql.Literal(max(end for end in ends if end)),
        kind=sql.SQL("timestamptz"),
    )
    async with connected(task.target) as target:
        await target.execute("SET timezone = 'UTC'")
        await target.execute(query)


async def _copy(task: Task, schema: str, name: str, *, only: bool) -> None:
    """All rows in one transaction; what has rows already is left alone."""
    word = "ONLY " if only else ""
    relation = qualified(schema, name)
    async with connected(task.target) as target:
        if await value(target, f"SELECT EXISTS (SELECT FROM {word}{relation})"):
            return
    async with connected(task.source) as source, connected(task.target) as target:
        found = await source.execute(
            "SELECT quote_ident(attname) FROM pg_attribute WHERE attrelid = %s::regclass "
            "AND attnum > 0 AND NOT attisdropped AND attgenerated = '' ORDER BY attnum",
            (qualified(schema, name),),
        )
        columns = ", ".join(column for (column,) in await found.fetchall())
        statements_by_entry: list[bytes] = []
        # Chunks are created in the order of time, so that compression merges the same ones.
        order = "" if only else " ORDER BY 1"
        read = f"COPY (SELECT {columns} FROM {word}{relation}{order}) TO STDOUT"
        async with source.cursor() as cursor, cursor.copy(read.encode()) as out:
            async for block in out:
                statements_by_entry.append(bytes(block))
        write = f"COPY {relation} ({columns}) FROM STDIN"
        async with target.cursor() as cursor, cursor.copy(write.encode()) as into:
            for start in range(0, len(statements_by_entry), 5000):
                await into.write(b"".join(statements_by_entry[start : start + 5000]))
