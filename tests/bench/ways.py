"""The ways to migrate that are compared: by hand, by pgcopydb, by tswizard."""

import asyncio
import os
import re
import shlex
import shutil
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from tests.bench.data_sets import DataSet
from tests.bench.measured import Watched
from tests.support.program import Program
from tswizard.core.db.client_tools import ClientTools, choose, find_tools
from tswizard.core.db.connection import connected, rows, value
from tswizard.core.db.endpoint import Endpoint
from tswizard.core.full.dump import compression
from tswizard.core.full.restore import Phase

_TABLES = """
SELECT pg_catalog.format('%I.%I', n.nspname, c.relname)
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind = 'r' AND n.nspname = 'public' ORDER BY pg_catalog.pg_table_size(c.oid) DESC
"""

_STORED = """
SELECT sum(pg_catalog.pg_table_size(c.oid))
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'm') AND n.nspname IN ('public', '_timescaledb_internal')
"""


@dataclass(frozen=True, slots=True)
class Job:
    """What a way is given."""

    data: DataSet
    source: Endpoint
    target: Endpoint
    folder: Path
    jobs: int
    watched: Watched
    tools: ClientTools


@dataclass(frozen=True, slots=True)
class Way:
    """One way; `go` returns what it has to say about itself, or nothing."""

    name: str
    title: str
    go: Callable[[Job], Awaitable[str]]
    missing: str = ""
    """Why it cannot be measured here."""


def client_tools(major: int) -> ClientTools:
    """Those that tswizard would take as well."""
    tools = choose(find_tools(), major, need_tls=False)
    assert tools is not None, "no pg_dump here serves this server"
    return tools


async def full_by_hand(job: Job) -> str:
    """pg_dump and pg_restore with the flags and the jobs of tswizard."""
    return await _dumped_and_restored(job, f"--compress={compression(job.tools)}")


async def full_by_hand_as_it_comes(job: Job) -> str:
    """The same with what pg_dump does when nobody says how to compress: gzip at its level 6."""
    return await _dumped_and_restored(job)


async def _dumped_and_restored(job: Job, *compress: str) -> str:
    """Restored in the order that TimescaleDB's catalog needs: all at once, several jobs break it
    (timescale/timescaledb#698), and the migration has to be made again."""
    dump = job.folder / "dump"
    flags = ("--no-password", "--verbose", "--format=directory")
    await _tool(
        job,
        job.tools.pg_dump,
        *flags,
        f"--jobs={job.jobs}",
        *compress,
        f"--file={dump}",
        f"--dbname={job.source.conninfo}",
    )
    await _on_target(job, "SELECT public.timescaledb_pre_restore()")
    errors = 0
    for phase in Phase:
        errors += await _restored(
            job,
            *flags,
            "--no-owner",
            f"--jobs={job.jobs if phase.parallel else 1}",
            *phase.selection,
            f"--dbname={job.target.conninfo}",
            dump,
        )
    await _on_target(job, "SELECT public.timescaledb_post_restore()")
    await _on_target(job, "ANALYZE")
    return f"{errors} errors to judge" if errors else ""


async def split_by_hand(job: Job) -> str:
    """The schema, then `\\copy` into and out of a file for each table, `jobs` at a time."""
    errors = await _schema(job, "pre-data")
    for table, column, interval in job.data.hypertables:
        await _on_target(
            job,
            f"SELECT public.create_hypertable('{table}', '{column}', "
            f"chunk_time_interval => interval '{interval}')",
        )
    async with connected(job.source) as source:
        tables = [name for (name,) in await rows(source, _TABLES)]
    hypertables = {table for table, _, _ in job.data.hypertables}
    ours = asyncio.Semaphore(job.jobs)

    async def copy(number: int, table: str) -> None:
        file = shlex.quote(str(job.folder / f"{number}.binary"))
        rows_of = f"(SELECT * FROM {table})" if table in hypertables else table
        async with ours:
            await _psql(job, job.source, f"\\copy {rows_of} TO {file} BINARY")
            await _psql(job, job.target, f"\\copy {table} FROM {file} WITH (FORMAT binary)")

    await asyncio.gather(*(copy(number, table) for number, table in enumerate(tables)))
    errors += await _schema(job, "post-data")
    await _on_target(job, "ANALYZE")
    return f"{errors} errors to judge" if errors else ""


async def _schema(job: Job, section: str) -> int:
    file = job.folder / f"{section}.bak"
    await _tool(
        job,
        job.tools.pg_dump,
        "--no-password",
        "--verbose",
        "--format=custom",
        f"--section={section}",
        "--exclude-schema=_timescaledb*",
        f"--file={file}",
        f"--dbname={job.source.conninfo}",
    )
    return await _restored(
        job,
        "--no-password",
        "--verbose",
        "--no-owner",
        f"--dbname={job.target.conninfo}",
        file,
    )


async def pgcopydb(job: Job) -> str:
    """`pgcopydb clone` as a person would call it first; what it ends with is told."""
    process = await asyncio.create_subprocess_exec(
        "pgcopydb",
        "clone",
        "--skip-extensions",
        "--table-jobs",
        str(job.jobs),
        "--index-jobs",
        str(job.jobs),
        f"--source={_url(job.source)}",
        f"--target={_url(job.target)}",
        f"--dir={job.folder}/pgcopydb",
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
        start_new_session=True,  # when it gives up it ends its whole process group
    )
    _, said = await process.communicate()
    if not process.returncode:
        return ""
    last = said.decode(errors="replace").strip().splitlines()[-1:]
    return f"ended with {process.returncode}: {' '.join(last)}"


def _url(end: Endpoint) -> str:
    """The only form that every version of pgcopydb reads."""
    user, password = quote(end.get("user"), safe=""), quote(end.password or "", safe="")
    place = f"{end.get('host')}:{end.get('port', '5432')}"
    return f"postgresql://{user}:{password}@{place}/{quote(end.get('dbname'), safe='')}"


def tswizard(method: str) -> Callable[[Job], Awaitable[str]]:
    """The whole program: preflight, the migration, the check of every object and row."""

    async def migrate(job: Job) -> str:
        ends = [(end.conninfo, end.password or "") for end in (job.source, job.target)]
        program = Program.between(job.folder, *ends)
        answers = program.answers_for(
            ends[0][0],
            ends[1][0],
            confirm=job.target.get("dbname"),
            method=method,
            jobs=job.jobs,
            probe=False,
        )
        async with program.started("--answers", answers) as process:
            job.watched.pids.append(process.pid)
            _, err = await process.communicate()
        if process.returncode not in (0, 1):
            last = err.decode(errors="replace").strip().splitlines()[-1:]
            return f"ended with {process.returncode}: {' '.join(last)}"
        report = program.report()
        check = sum(step["seconds"] for step in report["steps"] if step["name"] == "check")
        job.watched.usage.check = check
        return "" if report["result"] == "pass" else f"its result is {report['result']}"

    return migrate


WAYS = (
    Way("full-by-hand", "by hand, full", full_by_hand),
    Way("full-by-hand-gzip6", "by hand, full, gzip 6", full_by_hand_as_it_comes),
    Way("full", "tswizard full", tswizard("full")),
    Way("split-by-hand", "by hand, split", split_by_hand),
    Way("split", "tswizard split", tswizard("split")),
    Way(
        "pgcopydb",
        "pgcopydb clone",
        pgcopydb,
        "" if shutil.which("pgcopydb") else "pgcopydb is not installed",
    ),
)

AGAINST = {"full": "full-by-hand", "split": "split-by-hand"}
"""What a way is divided by."""


async def _on_target(job: Job, command: str) -> None:
    async with connected(job.target) as target:
        await target.execute(command.encode())


async def _psql(job: Job, end: Endpoint, command: str) -> None:
    assert job.tools.psql is not None, "no psql here"
    await _tool(
        job,
        job.tools.psql,
        "--no-password",
        "--no-psqlrc",
        "--quiet",
        "--set=ON_ERROR_STOP=1",
        f"--dbname={end.conninfo}",
        f"--command={command}",
    )


async def _restored(job: Job, *args: str | Path) -> int:
    """Run pg_restore; the errors that it passed over, as it counts them."""
    code, said = await _called(job, job.tools.pg_restore, *args)
    found = _IGNORED.search(said)
    if code != 0 and found is None:
        raise RuntimeError(f"pg_restore ended with {code}: {said[-2000:]}")
    return int(found[1]) if found else 0


_IGNORED = re.compile(r"errors ignored on restore: (\d+)")


async def _tool(job: Job, *argv: str | Path) -> None:
    code, said = await _called(job, *argv)
    if code != 0:
        raise RuntimeError(f"{argv[0]} ended with {code}: {said[-2000:]}")


async def _called(job: Job, *argv: str | Path) -> tuple[int, str]:
    """Run it as a person would, its messages in a file; its exit code and the last of them."""
    said = job.folder / "said"
    with said.open("a+b") as file:
        process = await asyncio.create_subprocess_exec(
            *map(str, argv),
            env={**os.environ, "PGPASSWORD": job.source.password or "", "LC_MESSAGES": "C"},
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=file,
        )
        code = await process.wait()
        file.seek(max(0, file.tell() - 4000))
        return code, file.read().decode(errors="replace")


async def stored_bytes(end: Endpoint) -> int:
    """What the tables of a database take, chunks and compressed chunks as well; no indexes."""
    async with connected(end) as connection:
        return int(await value(connection, _STORED))


async def contents(end: Endpoint) -> tuple[int, int]:
    """Rows of all tables of a database, and its large objects: what a way has to bring."""
    async with connected(end) as connection:
        tables = [name for (name,) in await rows(connection, _TABLES)]
        counted = [int(await value(connection, f"SELECT count(*) FROM {name}")) for name in tables]
        objects = int(await value(connection, "SELECT count(*) FROM pg_largeobject_metadata"))
    return sum(counted), objects
