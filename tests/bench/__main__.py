"""Measures whole migrations, by hand and by tswizard; see the README here."""

import argparse
import asyncio
import os
import shutil
import sys
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from tests.bench.data_sets import DATA_SETS, DataSet
from tests.bench.link import Wire, far
from tests.bench.measured import Usage, postmaster, watched
from tests.bench.results import Result, Table, machine, not_better, rendered
from tests.bench.ways import WAYS, Job, Way, client_tools, contents, stored_bytes
from tests.support.cloudlike import cloudlike_database
from tswizard.core.catalog.server import read_server
from tswizard.core.db.connection import connected
from tswizard.core.db.endpoint import Endpoint
from tswizard.core.model.wording import size

_DEFAULT = ("rows", "chunks", "compressed")

_HEAD = (Path(__file__).parent / "head.md").read_text(encoding="utf-8")
"""What the page says before any figure."""


@dataclass(frozen=True, slots=True)
class Options:
    """What is to be measured."""

    sets: tuple[tuple[DataSet, int], ...]
    """Each with its size."""
    ways: tuple[Way, ...]
    round_trips: tuple[float, ...]
    rounds: int
    jobs: int


@dataclass(frozen=True, slots=True)
class Servers:
    """The two that the environment names, as a role that may create databases."""

    source: Endpoint
    target: Endpoint
    postmasters: tuple[int, ...]


async def measure(options: Options, servers: Servers) -> AsyncIterator[Table]:
    """A table for each data set and link, as soon as it is complete."""
    for data, amount in options.sets:
        async with cloudlike_database(servers.source) as source:
            _say(f"{data.name}: filling the source with {amount:,} {data.unit}")
            await _fill(source, data, amount)
            expected, stored = await contents(source), await stored_bytes(source)
            for round_trip in options.round_trips:
                results = tuple(Result(way) for way in options.ways)
                for number in range(options.rounds):
                    for result in results:
                        said = f"{data.name}, {round_trip * 1000:.0f} ms, round {number + 1}"
                        _say(f"{said}: {result.way.title}")
                        await _once(result, data, source, expected, round_trip, options, servers)
                what = f"{amount:,} {data.unit}; {expected[0]:,} rows in {size(stored)} of tables"
                if expected[1]:
                    what += f", {expected[1]:,} large objects"
                yield Table(data.title, f"{what}; jobs = {options.jobs}.", round_trip, results)


async def _fill(source: Endpoint, data: DataSet, amount: int) -> None:
    async with connected(source) as owner:
        for statement in data.statements(amount):
            await owner.execute(statement.encode())


async def _once(
    result: Result,
    data: DataSet,
    source: Endpoint,
    expected: tuple[int, int],
    round_trip: float,
    options: Options,
    servers: Servers,
) -> None:
    """One way, one time, into a database of its own."""
    if result.way.missing:
        result.notes[result.way.missing] = None
        return
    folder = Path(tempfile.mkdtemp(prefix="tswizard-bench-"))
    async with cloudlike_database(servers.target) as target:
        try:
            async with _linked(source, target, round_trip) as (here, there, wires):
                tools = client_tools((await read_server(source)).major)
                async with watched(servers.postmasters) as seen:
                    job = Job(data, here, there, folder, options.jobs, seen, tools)
                    note = await result.way.go(job)
            found = await contents(target)
        except RuntimeError as error:
            result.notes[" ".join(str(error).split())[-200:]] = None
            return
        finally:
            shutil.rmtree(folder)
    if note:
        result.notes[note] = None
    for name, want, got in zip(("rows", "large objects"), expected, found, strict=True):
        if want != got:
            result.notes[f"**{got:,} of {want:,} {name} arrived**"] = None
    _keep(result, seen.usage, wires)


def _keep(result: Result, usage: Usage, wires: Sequence[Wire]) -> None:
    result.used.append(usage)
    if wires:
        result.wire.append(sum(wire.there + wire.back for wire in wires))
    _say(
        f"  {usage.seconds:.1f} s, own {usage.processor:.1f} s, servers "
        f"{usage.server_processor:.1f} s, {usage.memory >> 20} MiB"
    )


@asynccontextmanager
async def _linked(
    source: Endpoint, target: Endpoint, round_trip: float
) -> AsyncIterator[tuple[Endpoint, Endpoint, tuple[Wire, ...]]]:
    """Both ends as far away as is asked for; what went over the links is known afterward."""
    if not round_trip:
        yield source, target, ()
        return
    async with AsyncExitStack() as stack:
        here, one = await stack.enter_async_context(far(source, round_trip))
        there, other = await stack.enter_async_context(far(target, round_trip))
        yield here, there, (one, other)


def _say(text: str) -> None:
    print(f"{datetime.now().astimezone():%H:%M:%S} {text}", file=sys.stderr, flush=True)


async def _main(options: Options, path: Path | None) -> None:
    ends = [Endpoint.parse(os.environ[f"TSWIZARD_TEST_{name}"]) for name in ("SOURCE", "TARGET")]
    found = [await postmaster(end) for end in ends]
    servers = Servers(ends[0], ends[1], tuple(pid for pid in found if pid))
    tables: list[Table] = []
    async for table in measure(options, servers):
        tables.append(table)
        print(rendered([table]), flush=True)
        if path:
            path.write_text(_page(tables), encoding="utf-8")


def _page(tables: Sequence[Table]) -> str:
    worse = not_better(tables)
    said = "\n".join(worse) or "Nowhere in these tables."
    return (
        f"{_HEAD}\nMeasured {datetime.now(UTC):%Y-%m-%d} by "
        f"`python -m tests.bench {shown_arguments()}` on {machine()}.\n\n"
        f"## What takes longer than by hand\n\n{said}\n\n## Tables\n\n{rendered(tables)}"
    )


def shown_arguments() -> str:
    """The command's arguments, but for where the page goes."""
    args = sys.argv[1:]
    return " ".join(args[: args.index("--write")] if "--write" in args else args)


def _options(given: argparse.Namespace) -> Options:
    sizes = dict(named.split("=") for named in given.size)
    by_name = {data.name: data for data in DATA_SETS}
    sets = tuple((by_name[name], int(sizes.get(name, by_name[name].size))) for name in given.sets)
    return Options(
        sets=sets,
        ways=tuple(way for way in WAYS if way.name in given.ways),
        round_trips=tuple(milliseconds / 1000 for milliseconds in given.round_trips),
        rounds=given.rounds,
        jobs=given.jobs,
    )


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    names, ways = [data.name for data in DATA_SETS], [way.name for way in WAYS]
    parser.add_argument("--sets", nargs="+", choices=names, default=_DEFAULT)
    parser.add_argument("--size", nargs="+", default=[], metavar="SET=NUMBER")
    parser.add_argument("--ways", nargs="+", choices=ways, default=ways)
    parser.add_argument("--round-trips", nargs="+", type=float, default=[0, 40], metavar="MS")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--jobs", type=int, default=4)
    parser.add_argument("--write", type=Path, metavar="FILE", help="also write a page")
    return parser.parse_args()


if __name__ == "__main__":
    arguments = _arguments()
    asyncio.run(_main(_options(arguments), arguments.write))
