"""How fast the split method copies, against psql and pgcopydb, in one run on one machine.

    TSWIZARD_TEST_SOURCE=… TSWIZARD_TEST_TARGET=… python -m tests.bench.split_speed [ROUNDS]

Makes databases of its own on the two servers (as a role that may; a superuser for pgcopydb's
sake), fills the source with 4.32 million rows of 13 columns, lets every way copy them in turn,
and prints a table of medians for the docs. Ends with 1 when a limit is missed.
"""

import asyncio
import json
import os
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

from tests.support.native import database
from tests.support.processes import children
from tests.support.split_ends import Ends, described, job, run
from tswizard.core.db.connection import connected, value
from tswizard.core.db.endpoint import Endpoint

COLUMNS = (
    "time",
    "tags_id",
    "hostname",
    *(
        f"usage_{name}"
        for name in (
            "user system idle nice iowait irq softirq steal guest guest_nice".split()  # noqa: SIM905
        )
    ),
)
ROWS = 4_320_000
MEMORY = 200 << 20

_TABLE = (
    "CREATE TABLE cpu (time timestamptz NOT NULL, tags_id int, hostname text, "
    + ", ".join(f"{column} float8" for column in COLUMNS[3:])
    + ")",
    "SELECT create_hypertable('cpu', 'time', chunk_time_interval => interval '12 hours', "
    "create_default_indexes => false)",
)
_ROWS = (
    "INSERT INTO cpu SELECT t, h, 'host_' || h, "
    + ", ".join(f"r * {n}" for n in range(1, 11))
    + " FROM generate_series('2024-01-01 00:00+00'::timestamptz, '2024-01-05 23:59:50+00',"
    " '10 seconds') t, generate_series(1, 100) h,"
    " LATERAL (SELECT ((extract(epoch FROM t)::bigint * 7919 + h * 104729) % 1000003)"
    " / 1000.0::float8 AS r) x"
)


@dataclass
class Way:
    """One way to copy."""

    name: str
    copy: Callable[[Ends], Awaitable[tuple[float, int]]]
    """Copies into a fresh target; seconds, and bytes of memory at most (0: nobody looked)."""
    plain: bool = False
    """The target has no schema beforehand."""
    seconds: list[float] = field(default_factory=list)
    memory: int = 0

    @property
    def median(self) -> float:
        return statistics.median(self.seconds)


async def _psql(ends: Ends) -> tuple[float, int]:
    """`psql -c "COPY … TO STDOUT" | psql -c "COPY … FROM STDIN"`, as by hand."""
    started = time.monotonic()
    columns = ", ".join(COLUMNS)
    read, write = os.pipe()
    out = await _tool(
        ends.source, f"COPY (SELECT {columns} FROM cpu) TO STDOUT (FORMAT binary)", stdout=write
    )
    os.close(write)
    into = await _tool(ends.target, f"COPY cpu ({columns}) FROM STDIN (FORMAT binary)", stdin=read)
    os.close(read)
    assert (await out.wait(), await into.wait()) == (0, 0)
    return time.monotonic() - started, 0


async def _tool(end: Endpoint, command: str, **given: int) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        job(Ends(end, end), Path()).psql,
        "--no-psqlrc",
        "--quiet",
        f"--dbname={end.conninfo}",
        f"--command={command}",
        env={**os.environ, "PGPASSWORD": end.password or ""},
        **given,  # type: ignore[arg-type]
    )


async def _pgcopydb(ends: Ends) -> tuple[float, int]:
    """`pgcopydb clone --table-jobs 4`: schema, rows, indexes, statistics.

    Old versions stumble over the sequences of TimescaleDB's own catalog and end with an error
    after all rows are copied: what counts here are the rows, which are counted afterward.
    """
    started = time.monotonic()
    folder = tempfile.mkdtemp()
    urls = [_url(end) for end in (ends.source, ends.target)]
    process = await asyncio.create_subprocess_exec(
        "pgcopydb",
        "clone",
        "--table-jobs",
        "4",
        f"--source={urls[0]}",
        f"--target={urls[1]}",
        f"--dir={folder}/work",
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
        start_new_session=True,  # when it gives up it ends its whole process group
    )
    _, said = await process.communicate()
    shutil.rmtree(folder)
    if process.returncode:
        last = said.decode(errors="replace").strip().splitlines()[-1:]
        print(f"pgcopydb ended with {process.returncode}: {last}", file=sys.stderr)
    return time.monotonic() - started, 0


def _url(end: Endpoint) -> str:
    """The only form that every version of pgcopydb reads."""
    user, password = quote(end.get("user"), safe=""), quote(end.password or "", safe="")
    place = f"{end.get('host')}:{end.get('port', '5432')}"
    return f"postgresql://{user}:{password}@{place}/{quote(end.get('dbname'), safe='')}"


def _tswizard(jobs: int, via: str = "stream") -> Callable[[Ends], Awaitable[tuple[float, int]]]:
    async def copy(ends: Ends) -> tuple[float, int]:
        """The whole data phase: plan, chunks, rows, ledger. Python's own start does not count."""
        with tempfile.TemporaryDirectory() as folder:
            work = job(ends, Path(folder), jobs=jobs, via=via)
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "tests.bench.copying",
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
            )
            assert process.stdin is not None
            process.stdin.write(described(work).encode() + b"\n")
            watching = asyncio.create_task(_watch(process.pid))
            out, _ = await process.communicate()
            assert process.returncode == 0
            return float(out), await watching

    return copy


async def _watch(pid: int) -> int:
    """The most memory that a process and its children took together, in bytes."""
    most = 0
    while Path(f"/proc/{pid}/statm").exists():
        now = 0
        for one in [pid, *children(pid)]:
            try:
                now += int(Path(f"/proc/{one}/statm").read_text().split()[1])
            except (OSError, IndexError):
                continue
        most = max(most, now * os.sysconf("SC_PAGE_SIZE"))
        await asyncio.sleep(0.2)
    return most


async def _round(ways: list[Way], source: Endpoint, server: Endpoint) -> None:
    for way in ways:
        async with database(server) as target:
            if not way.plain:
                await run(target, *_TABLE)
            seconds, memory = await way.copy(Ends(source, target))
            way.seconds.append(seconds)
            way.memory = max(way.memory, memory)
            async with connected(target) as connection:
                assert await value(connection, "SELECT count(*) FROM public.cpu") == ROWS
        print(f"{way.name}: {way.seconds[-1]:.1f} s", file=sys.stderr, flush=True)


async def main(rounds: int) -> int:
    """All ways, `rounds` times in turn."""
    ends = [Endpoint.parse(os.environ[f"TSWIZARD_TEST_{name}"]) for name in ("SOURCE", "TARGET")]
    psql = Way("`psql \\| psql`", _psql)
    one = Way("tswizard, jobs = 1", _tswizard(1))
    four = Way("tswizard, jobs = 4", _tswizard(4))
    files = Way('tswizard, jobs = 4, via = "files"', _tswizard(4, "files"))
    ways = [psql, one, four, files]
    clone = Way("`pgcopydb clone --table-jobs 4`", _pgcopydb, plain=True)
    if shutil.which("pgcopydb"):
        ways.insert(2, clone)
    async with database(ends[0]) as source:
        await run(source, *_TABLE, _ROWS, "VACUUM (ANALYZE) cpu")
        for _ in range(rounds):
            await _round(ways, source, ends[1])
    limits = [(one, psql, 1.15)] + ([(four, clone, 1.1)] if clone in ways else [])
    _print(ways, limits)
    missed = [one for one, other, limit in limits if one.median > limit * other.median]
    return int(bool(missed) or any(way.memory > MEMORY for way in ways))


def _print(ways: list[Way], limits: list[tuple[Way, Way, float]]) -> None:
    compared = {id(one): (other, limit) for one, other, limit in limits}
    rounds, load = len(ways[0].seconds), os.getloadavg()[0]
    print(f"{ROWS:,} rows, {len(COLUMNS)} columns; medians of {rounds}; load {load:.1f}\n")
    print("| way | seconds | all | against | limit | memory |\n|---|---|---|---|---|---|")
    for way in ways:
        against, limit = "", ""
        if id(way) in compared:
            other, most = compared[id(way)]
            against = f"{way.median / other.median:.2f} of {other.name}"
            limit = f"{most:.2f}"
        every = ", ".join(f"{seconds:.1f}" for seconds in way.seconds)
        memory = f"{way.memory >> 20} MiB" if way.memory else ""
        print(f"| {way.name} | {way.median:.1f} | {every} | {against} | {limit} | {memory} |")
    print(f"\n{json.dumps({way.name: way.seconds for way in ways})}", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else 3)))
