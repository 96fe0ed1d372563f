"""Where compressed rows cannot simply be copied: each test shows what a copy without looking gives,
and that the migration gives the source's rows."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.support import native
from tests.support.naive_stored import naive_copy
from tests.support.native import database, databases, named
from tests.support.split_ends import Ends, content, job, migrate, run
from tswizard.core.db.connection import connected, rows, value
from tswizard.core.db.endpoint import Endpoint
from tswizard.core.split.ledger import queue
from tswizard.core.split.plan.packed import Way
from tswizard.core.split.plan.packed_chunks import ADDED_WITH_DEFAULT, OBJECT_IDS
from tswizard.core.split.stored.counts import WayCount, count_ways
from tswizard.core.split.stored.layout import Version, read_version
from tswizard.core.split.stored.shells import MERGES

pytestmark = pytest.mark.native

_TABLE = """
CREATE TABLE readings (t timestamptz NOT NULL, d int NOT NULL, v float8{more});
SELECT public.create_hypertable('readings', 't', chunk_time_interval => interval '1 day',
  create_default_indexes => false)
"""
_SETTINGS = """
ALTER TABLE readings SET (timescaledb.compress, timescaledb.compress_segmentby = 'd',
  timescaledb.compress_orderby = 't DESC')
"""
_ROWS = """
INSERT INTO readings SELECT '2025-03-01 00:00:00+00'::timestamptz + i * interval '5 minutes', d,
  i % 97 + d{more} FROM pg_catalog.generate_series(0, 863) i, pg_catalog.generate_series(1, 4) d
"""
_COMPRESS = "SELECT public.compress_chunk(c, true) FROM public.show_chunks('readings') c"


class Three:
    """A source, the target of the migration, and one for the copy without looking."""

    def __init__(self, source: Endpoint, target: Endpoint, naive: Endpoint) -> None:
        self.source, self.target, self.naive = source, target, naive
        self.ends = Ends(source, target)

    async def everywhere(self, *commands: str) -> None:
        for end in (self.source, self.target, self.naive):
            await run(end, *commands)

    async def targets(self, *commands: str) -> None:
        for end in (self.target, self.naive):
            await run(end, *commands)

    async def version(self) -> tuple[Version, Version]:
        """Of source and target."""
        async with connected(self.source) as ours, connected(self.target) as theirs:
            return await read_version(ours), await read_version(theirs)

    async def same(self, query: str) -> dict[str, bool]:
        """Does a query give on both targets what it gives on the source?"""
        wanted = await _ask(self.source, query)
        return {
            "migrated": await _ask(self.target, query) == wanted,
            "naive": await _ask(self.naive, query) == wanted,
        }

    async def ways(self) -> list[WayCount]:
        async with connected(self.target) as target:
            return list(count_ways(await queue.read_pieces(target)))


async def _ask(end: Endpoint, query: str) -> list[tuple[Any, ...]]:
    async with connected(end) as connection:
        await connection.execute("SET search_path = public, pg_catalog")
        return await rows(connection, query)


@asynccontextmanager
async def _three() -> AsyncIterator[Three]:
    async with (
        databases(community=True) as (source, target),
        database(named(native.TARGET)) as naive,
    ):
        yield Three(source, target, naive)


@pytest.fixture
async def three() -> AsyncIterator[Three]:
    async with _three() as found:
        yield found


async def _setup(three: Three, more: str = "", *, values: str = "") -> None:
    """The same empty hypertable everywhere, and compressed rows on the source."""
    for statement in (*_TABLE.format(more=more).split(";"), _SETTINGS):
        await three.everywhere(statement)
    await run(three.source, _ROWS.format(more=values), _COMPRESS)


async def _migrate(three: Three, folder: Path, **given: Any) -> None:
    await migrate(job(three.ends, folder, **given))
    wanted = await content(three.source)
    assert wanted["public.readings"][0] > 3000
    assert await content(three.target) == wanted


async def test_plain_chunks_arrive_as_stored(three: Three, folder: Path) -> None:
    await _setup(three)
    await _migrate(three, folder)
    assert await three.ways() == [WayCount(Way.STORED, "", 3)]
    for query in (
        "SELECT t, d, v FROM readings WHERE v = 50 ORDER BY t, d",
        "SELECT t FROM readings WHERE d = 2 ORDER BY t LIMIT 100",
        "SELECT t FROM readings WHERE d = 2 ORDER BY t DESC LIMIT 100",
        "SELECT min(t), max(t), count(*) FROM readings WHERE t >= '2025-03-02 12:00:00+00'",
    ):
        assert (await three.same(query))["migrated"]
    await run(three.target, "UPDATE readings SET v = v + 1", "DELETE FROM readings WHERE d = 1")
    await run(three.source, "UPDATE readings SET v = v + 1", "DELETE FROM readings WHERE d = 1")
    assert await content(three.target) == await content(three.source)


async def test_a_column_that_was_added_with_a_default(three: Three, folder: Path) -> None:
    await _setup(three)
    add = "ALTER TABLE readings ADD COLUMN extra int NOT NULL DEFAULT 7"
    await run(three.source, add)
    # As a dump creates it: with the column in its place, and no value kept for older rows.
    for end in (three.target, three.naive):
        await run(end, "DROP TABLE readings")
        columns = ", extra int NOT NULL DEFAULT 7"
        for statement in (*_TABLE.format(more=columns).split(";"), _SETTINGS):
            await run(end, statement)
    await naive_copy(three.source, three.naive)
    await _migrate(three, folder)
    assert await three.same("SELECT count(*), sum(extra) FROM readings") == {
        "migrated": True,
        "naive": False,
    }
    assert await three.ways() == [WayCount(Way.DECOMPRESSED, ADDED_WITH_DEFAULT, 3)]


async def test_minimum_and_maximum_that_only_the_target_keeps(three: Three, folder: Path) -> None:
    if min(await three.version()) < (2, 15):
        pytest.skip("before 2.15 there are no sparse indexes")
    more, index = ", x float8", "CREATE INDEX ON readings (x)"
    await _setup(three, more, values=", i % 97")
    await three.targets(index)
    await naive_copy(three.source, three.naive)
    await _migrate(three, folder)
    assert await three.same("SELECT count(*) FROM readings WHERE x = 50") == {
        "migrated": True,
        "naive": False,
    }
    (ways,) = await three.ways()
    assert (ways.way, ways.chunks) == (Way.STORED, 3)


async def test_first_and_last_values_that_cannot_be_derived(three: Three, folder: Path) -> None:
    here, there = await three.version()
    if not here < (2, 28) <= there:
        pytest.skip("2.28 keeps first and last values, earlier versions do not")
    for statement in _TABLE.format(more="").split(";"):
        await three.everywhere(statement)
    await three.everywhere(_SETTINGS.replace("'t DESC'", "'v, t DESC'"))
    await run(three.source, _ROWS.format(more=""), _COMPRESS)
    await _migrate(three, folder)
    for direction in ("v DESC, t", "v, t DESC"):
        query = f"SELECT v, t FROM readings WHERE d = 2 ORDER BY {direction} LIMIT 500"
        assert (await three.same(query))["migrated"]
    (ways,) = await three.ways()
    assert (ways.way, ways.chunks) == (Way.REBUILT, 3)


async def test_rows_that_are_not_compressed(three: Three, folder: Path) -> None:
    await _setup(three)
    late = """INSERT INTO readings SELECT '2025-03-01 00:00:30+00'::timestamptz +
      i * interval '7 minutes', 9, -i FROM pg_catalog.generate_series(1, 50) i"""
    await run(three.source, late)
    await naive_copy(three.source, three.naive, loose=True)
    await _migrate(three, folder)
    seen = await three.same("SELECT count(*), sum(v) FROM readings")
    _, there = await three.version()
    assert seen == {"migrated": True, "naive": there >= (2, 28)}
    assert await three.ways() == [WayCount(Way.STORED, "", 3)]
    status = "SELECT status FROM _timescaledb_catalog.chunk WHERE status > 0 ORDER BY 1"
    assert (await three.same(status))["migrated"]


async def test_batches_that_overlap(three: Three, folder: Path) -> None:
    for statement in (*_TABLE.format(more="").split(";"), _SETTINGS):
        await three.everywhere(statement)
    async with connected(three.source) as source:
        known = await rows(
            source,
            "SELECT 1 FROM pg_catalog.pg_settings "
            "WHERE name = 'timescaledb.enable_direct_compress_insert'",
        )
        if not known:
            pytest.skip("this version compresses no rows as they are inserted")
        await source.execute("SET search_path = public, pg_catalog")
        await source.execute("SET timescaledb.enable_direct_compress_insert = on")
        for order in ("i", "-i", "i % 10, i"):
            query = _ROWS.format(more="") + f" ORDER BY {order}"
            await source.execute(query.encode())
        unordered = await value(
            source, "SELECT count(*) FROM _timescaledb_catalog.chunk WHERE status & 2 = 2"
        )
    assert unordered == 3
    await naive_copy(three.source, three.naive)
    await _migrate(three, folder)
    seen = await three.same("SELECT t FROM readings WHERE d = 2 ORDER BY t DESC LIMIT 900")
    assert seen == {"migrated": True, "naive": False}
    (ways,) = await three.ways()
    assert (ways.way, ways.chunks) == (Way.REBUILT, 3)


async def test_chunks_that_merge(three: Three, folder: Path) -> None:
    await _setup(three)
    merging = "ALTER TABLE readings SET (timescaledb.compress_chunk_time_interval = '3 days')"
    await three.targets(f"{_SETTINGS.strip()[:-1]}, {merging.partition('(')[2]}")
    returned = await naive_copy(three.source, three.naive)
    assert len(set(returned)) == 1, "all merged into the first"
    await migrate(job(three.ends, folder))
    seen = await three.same("SELECT count(*), sum(v) FROM readings")
    assert seen == {"migrated": True, "naive": False}
    assert await three.ways() == [WayCount(Way.DECOMPRESSED, MERGES, 3)]


async def test_object_ids_inside_compressed_values(three: Three, folder: Path) -> None:
    # Tables that are there on the source alone: the same names have other ids on the targets.
    await run(three.source, *(f"CREATE TABLE before_{n} (i int)" for n in range(3)))
    await three.everywhere(*(f"CREATE TABLE named_{n} (i int)" for n in range(4)))
    await run(three.source, *(f"DROP TABLE before_{n}" for n in range(3)))
    await _setup(three, ", r regclass", values=", ('named_' || i % 4)::regclass")
    await naive_copy(three.source, three.naive)
    await _migrate(three, folder)
    seen = await three.same("SELECT r::text, count(*) FROM readings GROUP BY 1 ORDER BY 1")
    assert seen == {"migrated": True, "naive": False}
    assert await three.ways() == [WayCount(Way.DECOMPRESSED, OBJECT_IDS, 3)]


@pytest.mark.parametrize("via", ["stream", "files"])
async def test_blocks_of_nothing_but_null(three: Three, folder: Path, via: str) -> None:
    """2.19 stores them as a block of its own kind, which it cannot receive."""
    await _setup(three, ", n text", values=", NULL")
    await _migrate(three, folder, via=via)
    assert (await three.same("SELECT count(*), count(n) FROM readings"))["migrated"]
    assert await three.ways() == [WayCount(Way.STORED, "", 3)]
