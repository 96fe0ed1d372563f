"""Two ends with the same schema, rows on one of them, and what must be equal afterwards."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from psycopg import sql
from pydantic import TypeAdapter

from tests.support.native import community
from tswizard.core.db.client_tools import choose, find_tools
from tswizard.core.db.connection import Connection, connected, rows, value
from tswizard.core.db.endpoint import Endpoint
from tswizard.core.db.retry import RetryPolicy
from tswizard.core.model.events import Event
from tswizard.core.model.finding import Finding
from tswizard.core.split import reconcile
from tswizard.core.split.coordinator import Coordinator
from tswizard.core.split.copy.copy_job import CopyJob
from tswizard.core.split.copy.reporter import CopyReporter
from tswizard.core.split.ledger.plan_store import Options
from tswizard.core.split.ledger.queue import CopyMode
from tswizard.core.split.plan.piece import Stage
from tswizard.core.verify.database_reader import prepare

_HERE = Path(__file__).parent
_JOB = TypeAdapter(CopyJob)


@dataclass(frozen=True)
class Ends:
    """A source with rows, and a target that has only the schema."""

    source: Endpoint
    target: Endpoint
    concurrent: bool = True


@dataclass
class Heard:
    """What a copy said."""

    lines: list[str] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)

    def reporter(self) -> CopyReporter:
        going = asyncio.Event()
        going.set()
        return CopyReporter(
            self.lines.append,
            self.findings.append,
            lambda _done, _total, _what: None,
            self.events.append,
            going=going,
        )


def statements(name: str) -> Iterator[str]:
    """The statements of a file."""
    for block in (_HERE / name).read_text(encoding="utf-8").split("\n\n"):
        text = "\n".join(line for line in block.splitlines() if not line.startswith("--"))
        if text.strip():
            yield text.strip()


async def fill(ends: Ends) -> None:
    """The schema on both, the rows on the source; nothing compressed where no server can."""
    can = await community(ends.source, ends.target)
    tables, filling = (
        [s for s in statements(name) if can or "compress" not in s]
        for name in ("tables.sql", "rows.sql")
    )
    for end in (ends.source, ends.target):
        await run(end, *tables)
    await run(ends.source, *filling, "ANALYZE")


async def superuser(end: Endpoint) -> bool:
    """Is the role one?"""
    async with connected(end) as connection:
        return bool(await value(connection, "SHOW is_superuser") == "on")


async def routing(target: Endpoint) -> list[str]:
    """What a copy finds on a target that cannot make a chunk with given slices: the Apache
    edition. Nothing on others."""
    return [] if await community(target) else ["chunks-routed"]


async def run(end: Endpoint, *commands: str) -> None:
    """Statements on one end."""
    async with connected(end) as connection:
        await connection.execute("SET search_path = public, pg_catalog")
        await connection.execute("SET client_min_messages = error")
        for command in commands:
            await connection.execute(sql.SQL(command))


def job(ends: Ends, folder: Path, run_id: str = "run-1", **given: Any) -> CopyJob:
    """A copy of these ends; `options` are made of what Options knows."""
    tools = choose(find_tools(), 15, need_tls=False)
    assert tools is not None
    options = Options(
        **{name: given.pop(name) for name in ("via", "width", "snapshot") if name in given}
    )
    return CopyJob(
        ends.source,
        ends.target,
        run_id,
        tools.folder / "psql",
        options,
        concurrent=ends.concurrent,
        staging=folder / "staging",
        retry=RetryPolicy(attempts=8, first_pause=0.05, longest_pause=1.0),
        **given,
    )


async def copy_everything(coordinator: Coordinator, *, reconcile_rows: bool = True) -> None:
    """The whole data phase."""
    if coordinator.job.options.via == "files":
        for stage in (Stage.TABLES, Stage.CHUNKS):
            await coordinator.run_pass(stage, CopyMode.EXPORT)
    await coordinator.copy_stage(Stage.TABLES)
    await coordinator.create_chunks()
    await coordinator.copy_stage(Stage.CHUNKS)
    if reconcile_rows:
        await reconcile.reconcile(coordinator)


def rebuilt(text: str) -> CopyJob:
    """A job that another process described by `described`."""
    return _JOB.validate_json(text)


def described(work: CopyJob) -> str:
    """A job with its passwords, for a process of a test's own."""
    return _JOB.dump_json(work).decode()


async def migrate(work: CopyJob, heard: Heard | None = None) -> Heard:
    """Begin, or take up, and copy everything."""
    heard = heard or Heard()
    coordinator = await Coordinator.start(work, heard.reporter())
    try:
        await copy_everything(coordinator)
    finally:
        await coordinator.close()
    return heard


async def content(end: Endpoint) -> dict[str, Any]:
    """Every row of every table of the user, large objects, chunks and what is compressed."""
    async with connected(end) as connection:
        await prepare(connection)
        found: dict[str, Any] = {}
        for schema, name in await rows(connection, _TABLES):
            found[f"{schema}.{name}"] = await _rows(connection, sql.Identifier(schema, name))
        found["large objects"] = await rows(connection, _OBJECTS)
        # The Apache edition has no create_chunk: there the rows themselves make the chunks.
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
