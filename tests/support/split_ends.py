"""Two databases with the same schema, rows in one of them, and what must be equal in the end."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from psycopg import sql
from pydantic import TypeAdapter

from tests.support.native import community
from tswizard.core.db.client_tools import choose, find_tools
from tswizard.core.db.connection import Connection, connected, rows, value
from tswizard.core.db.endpoint import Endpoint
from tswizard.core.db.retry import RetryPolicy
from tswizard.core.model.events import Event
from tswizard.core.model.finding import Finding
from tswizard.core.run.context import StepFailed
from tswizard.core.split import reconcile
from tswizard.core.split.coordinator import Coordinator
from tswizard.core.split.copy.copy_job import CopyJob
from tswizard.core.split.copy.reporter import CopyReporter
from tswizard.core.split.ledger.plan_store import Options
from tswizard.core.split.ledger.queue import CopyMode
from tswizard.core.split.lost_connections import retrying
from tswizard.core.split.plan.piece import (
    Piece,
    PieceKind,
    SourceColumn,
    SourceTable,
    Stage,
)

_HERE = Path(__file__).parent
_JOB = TypeAdapter(CopyJob)

TABLE = SourceTable(
    label="app.odd",
    schema="app",
    name='o"dd',
    columns=(SourceColumn('a "b"', "integer"), SourceColumn("c", "app.kind")),
)


PIECE = Piece(
    id=1,
    table_index=0,
    kind=PieceKind.TABLE,
    stage=Stage.TABLES,
    schema="app",
    name='o"dd',
    bytes=100,
    only=True,
)


@dataclass(frozen=True)
class Ends:
    """A source with rows, and a target that has only the schema."""

    source: Endpoint
    target: Endpoint
    concurrent: bool = True


@dataclass
class Heard:
    """What a copy reported."""

    lines: list[str] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)

    def reporter(self) -> CopyReporter:
        going = asyncio.Event()
        going.set()
        return CopyReporter(
            say=self.lines.append,
            found=self.findings.append,
            progress=lambda _done, _total, _what, _unit: None,
            put=self.events.append,
            going=going,
        )


def statements(name: str) -> Iterator[str]:
    """The statements of a file."""
    for block in (_HERE / name).read_text(encoding="utf-8").split("\n\n"):
        text = "\n".join(line for line in block.splitlines() if not line.startswith("--"))
        if text.strip():
            yield text.strip()


async def fill(ends: Ends) -> None:
    """The schema on both, the rows on the source; nothing compressed if a server cannot."""
    can = await community(ends.source, ends.target)
    tables, filling = (
        [s for s in statements(name) if can or "compress" not in s]
        for name in ("split_tables.sql", "split_rows.sql")
    )
    for end in (ends.source, ends.target):
        await run(end, *tables)
    await run(ends.source, *filling, "ANALYZE")


async def superuser(end: Endpoint) -> bool:
    """Is the role a superuser?"""
    async with connected(end) as connection:
        return bool(await value(connection, "SHOW is_superuser") == "on")


async def routing(target: Endpoint) -> list[str]:
    """Findings of a copy into a target that cannot create a chunk with given slices (the Apache
    edition); none on others."""
    return [] if await community(target) else ["chunks-routed"]


async def run(end: Endpoint, *commands: str) -> None:
    """Statements on one end."""
    async with connected(end) as connection:
        await connection.execute("SET search_path = public, pg_catalog")
        await connection.execute("SET client_min_messages = error")
        for command in commands:
            await connection.execute(sql.SQL(command))


_OPTIONS = ("via", "width", "snapshot", "compressed")


def job(ends: Ends, folder: Path, run_id: str = "run-1", **given: Any) -> CopyJob:
    """A copy of these ends. Arguments of Options go there, others to the job."""
    tools = choose(find_tools(), 15, need_tls=False)
    assert tools is not None
    options = Options(**{name: given.pop(name) for name in _OPTIONS if name in given})
    return CopyJob(
        source=ends.source,
        target=ends.target,
        run=run_id,
        psql=tools.folder / "psql",
        options=options,
        concurrent=ends.concurrent,
        staging=folder / "staging",
        retry=RetryPolicy(attempts=8, first_pause=0.05, longest_pause=1.0),
        **given,
    )


async def copy_everything(coordinator: Coordinator, *, reconcile_rows: bool = True) -> None:
    """The whole data phase."""
    works: list[Callable[[], Awaitable[object]]] = []
    if coordinator.job.options.via == "files":
        works += [
            partial(coordinator.run_pass, stage, CopyMode.EXPORT)
            for stage in (Stage.TABLES, Stage.CHUNKS)
        ]
    works += [
        partial(coordinator.copy_stage, Stage.TABLES),
        coordinator.create_chunks,
        coordinator.make_shells,
        partial(coordinator.copy_stage, Stage.CHUNKS),
    ]
    if reconcile_rows:
        works.append(partial(reconcile.reconcile, coordinator))
    for work in works:
        await retrying(coordinator, work)


def rebuilt(text: str) -> CopyJob:
    """A job from what `described` made of it."""
    return _JOB.validate_json(text)


def described(work: CopyJob) -> str:
    """A job with its passwords, for another process of a test."""
    return _JOB.dump_json(work).decode()


async def migrate(work: CopyJob, heard: Heard | None = None) -> Heard:
    """Start or resume, and copy everything."""
    heard = heard or Heard()
    coordinator = await Coordinator.start(work, heard.reporter())
    try:
        await copy_everything(coordinator)
    finally:
        await coordinator.close()
    return heard


async def content(end: Endpoint) -> dict[str, Any]:
    """All rows of the user's tables, large objects, chunks and what is compressed."""
    async with connected(end, row_security=False) as connection:
        found: dict[str, Any] = {}
        for schema, name in await rows(connection, _TABLES):
            found[f"{schema}.{name}"] = await _rows(connection, sql.Identifier(schema, name))
        found["large objects"] = await rows(connection, _OBJECTS)
        # The Apache edition has no create_chunk(): there the rows themselves create chunks.
        found["chunks"] = await rows(connection, _CHUNKS) if await community(end) else []
    return found


async def _rows(connection: Connection, table: sql.Identifier) -> tuple[int, str]:
    query = sql.SQL(
        "SELECT count(*), md5(string_agg(md5(t::text), ',' ORDER BY md5(t::text))) FROM ONLY {} t"
    )
    hypertable = sql.SQL(
        "SELECT count(*), md5(string_agg(md5(t::text), ',' ORDER BY md5(t::text))) FROM {} t"
    )
    name = table.as_string(None).split(".")[-1].strip('"')
    is_hypertable = await rows(
        connection,
        "SELECT 1 FROM timescaledb_information.hypertables WHERE hypertable_name = %s",
        (name,),
    )
    found = await rows(connection, (hypertable if is_hypertable else query).format(table))
    return found[0][0], found[0][1]


_TABLES = """
SELECT n.nspname, c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind = 'r' AND n.nspname IN ('public', 'Odd Schema') ORDER BY 1, 2
"""
_OBJECTS = "SELECT oid, md5(lo_get(oid)) FROM pg_largeobject_metadata ORDER BY oid"
_CHUNKS = """
SELECT hypertable_name, range_start, range_end, range_start_integer, range_end_integer,
  is_compressed
FROM timescaledb_information.chunks ORDER BY 1, 2, 3, 4, 5, 6
"""


@asynccontextmanager
async def leading(work: CopyJob, heard: Heard | None = None) -> AsyncIterator[Coordinator]:
    """A coordinator that is closed at the end."""
    coordinator = await Coordinator.start(work, (heard or Heard()).reporter())
    try:
        yield coordinator
    finally:
        await coordinator.close()


async def refused(work: CopyJob, *between: tuple[Endpoint, str]) -> Finding:
    """The finding that ends a copy, when this happens between plan and copy."""
    async with leading(work) as coordinator:
        for end, statement in between:
            await run(end, statement)
        with pytest.raises(StepFailed) as failed:
            await copy_everything(coordinator)
    return failed.value.finding


async def states(end: Endpoint) -> dict[str, set[str]]:
    """States of the pieces of each table."""
    async with connected(end) as target:
        found: dict[str, set[str]] = {}
        for label, state in await rows(target, "SELECT label, state FROM _tswizard.piece"):
            found.setdefault(label, set()).add(state)
    return found


async def resumed_equals_source(ends: Ends, work: CopyJob) -> None:
    """Resume the copy: everything is on the target."""
    await migrate(work)
    assert await content(ends.target) == await content(ends.source)


async def pieces_of(end: Endpoint, label: str) -> list[str]:
    """States of a table's pieces."""
    async with connected(end) as target:
        query = "SELECT state FROM _tswizard.piece WHERE label = %s"
        return [state for (state,) in await rows(target, query, (label,))]
