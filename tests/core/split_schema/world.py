"""A run's surroundings without a runner: steps are called one by one, by hand."""

import asyncio
import os
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from psycopg import sql

from tswizard.core.catalog.inventory import Hypertable, TableKind
from tswizard.core.catalog.read import read_inventory, read_server
from tswizard.core.classify.target import TargetProver
from tswizard.core.db.client_tools import choose, find_tools
from tswizard.core.db.connection import connect, connected, value
from tswizard.core.db.endpoint import Endpoint
from tswizard.core.db.identifiers import qualified
from tswizard.core.model.answers import Answers
from tswizard.core.model.events import Event
from tswizard.core.model.finding import Finding
from tswizard.core.model.judged import JudgedMessage
from tswizard.core.model.plan import Task
from tswizard.core.model.verdict import Verdict
from tswizard.core.run.context import Context
from tswizard.core.run.run_folder import RunFolder, all_runs
from tswizard.core.split.schema.constraints import read_compressed_last


@dataclass
class World:
    """A context, and all that its steps said."""

    ctx: Context
    events: list[Event] = field(default_factory=list)

    @property
    def task(self) -> Task:
        return self.ctx.task

    @property
    def findings(self) -> list[Finding]:
        return self.ctx.findings

    def finding(self, id: str) -> Finding:
        """The one finding with this id."""
        (found,) = [f for f in self.ctx.findings if f.id == id]
        return found

    @property
    def troubles(self) -> list[JudgedMessage]:
        """Messages of the tools that nobody can call harmless."""
        return [j for j in self.ctx.judged if j.verdict in (Verdict.LOOK, Verdict.LOST)]


@asynccontextmanager
async def surroundings(
    folder: Path, source: Endpoint, target: Endpoint, jobs: int = 4
) -> AsyncIterator[World]:
    """A context with a ledger in `folder`; the run that is there already goes on."""
    os.environ["TSWIZARD_STATE_DIR"] = str(folder)
    inventory = await read_inventory(source)
    server = await read_server(target)
    tools = choose(find_tools(), inventory.server.major, need_tls=False)
    assert tools is not None
    answers = Answers(jobs=jobs)
    earlier = all_runs()
    run_folder = earlier[0] if earlier else RunFolder.create(source, target, answers, (), ())
    task = Task(source, target, inventory, server, answers, tools, run_folder.dump_path)
    events: list[Event] = []

    async def room() -> None:
        return

    prover = TargetProver(lambda: connect(target), lambda: connect(source))
    going = asyncio.Event()
    going.set()
    with run_folder.log_path.open("a", encoding="utf-8", buffering=1) as log:
        ctx = Context(task, run_folder, log, events.append, room, prover=prover, going=going)
        try:
            yield World(ctx, events)
        finally:
            await prover.close()


async def copy_tables(task: Task, schemas: Collection[str] = ()) -> None:
    """Every plain table's rows, the simple way; of these schemas only, where some are given."""
    kinds = (TableKind.PLAIN, TableKind.PARTITION)
    for table in task.inventory.tables:
        if table.kind in kinds and (not schemas or table.schema in schemas):
            await _copy(task, table.schema, table.name, only=True)


async def copy_hypertables(task: Task, schemas: Collection[str] = ()) -> None:
    """Every hypertable's rows; what was compressed is compressed again, where it may be."""
    async with connected(task.source) as source:
        last = await read_compressed_last(source)
    for table in task.inventory.hypertables:
        if table.cagg or (schemas and table.schema not in schemas):
            continue
        await _copy(task, table.schema, table.name, only=False)
        if (table.schema, table.name) not in last:
            await _compress(task, table)


async def compress_last(task: Task) -> None:
    """What had to wait for constraints that are not valid."""
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
        # Chunks are made in the order of time then, so that compression merges the same ones.
        order = "" if only else " ORDER BY 1"
        read = f"COPY (SELECT {columns} FROM {word}{relation}{order}) TO STDOUT"
        async with source.cursor() as cursor, cursor.copy(read.encode()) as out:
            async for block in out:
                statements_by_entry.append(bytes(block))
        write = f"COPY {relation} ({columns}) FROM STDIN"
        async with target.cursor() as cursor, cursor.copy(write.encode()) as into:
            for start in range(0, len(statements_by_entry), 5000):
                await into.write(b"".join(statements_by_entry[start : start + 5000]))
