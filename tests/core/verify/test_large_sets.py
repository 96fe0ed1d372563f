"""Large tables and chunks are compared in parts."""

from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest

from tests.support.native import databases
from tests.support.split_ends import run
from tswizard.core.catalog import even_points
from tswizard.core.catalog.catalog_shape import read_shape
from tswizard.core.catalog.read import read_inventory, read_server
from tswizard.core.db.connection import connected
from tswizard.core.db.endpoint import Endpoint
from tswizard.core.verify.request import VerifyJob
from tswizard.core.verify.rows import ranges
from tswizard.core.verify.rows.compare import RowComparison, SetResult, no_pause
from tswizard.core.verify.rows.large_sets import cut_large
from tswizard.core.verify.rows.ranges import Range, cut_further
from tswizard.core.verify.rows.row_sets import read_sets

_FILLED = (
    "CREATE TABLE plain (id int PRIMARY KEY, v text)",
    "INSERT INTO plain SELECT i, 'v' || i FROM pg_catalog.generate_series(1, 20000) i",
    "CREATE TABLE keyless AS SELECT * FROM plain",
    "CREATE TABLE big (t timestamptz NOT NULL, v int)",
    "SELECT public.create_hypertable('big', 't', chunk_time_interval => interval '1 year')",
    "INSERT INTO big SELECT '2024-12-20 00:00:00+00'::timestamptz + i * interval '1 minute', i "
    "FROM pg_catalog.generate_series(1, 40000) i",
    "CREATE TABLE numbers (n bigint NOT NULL, v int)",
    "SELECT public.create_hypertable('numbers', 'n', chunk_time_interval => 1000000)",
    "INSERT INTO numbers SELECT i, i FROM pg_catalog.generate_series(1, 20000) i",
    "ANALYZE",
)


@dataclass(frozen=True)
class Pair:
    """Two databases with the same rows."""

    source: Endpoint
    target: Endpoint

    async def results(self) -> dict[str, SetResult]:
        async with connected(self.source) as connection:
            found = await read_sets(connection, await read_shape(connection))
            sets = await cut_large(connection, found)
        work = VerifyJob(
            source=self.source,
            target=self.target,
            inventory=await read_inventory(self.source),
            target_server=await read_server(self.target),
            counters_before=None,
        )
        comparison = RowComparison(work, sets, lambda _progress: None, no_pause)
        await comparison.run()
        return {result.rows.name: result for result in comparison.results}


@pytest.fixture
async def pair(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Pair]:
    monkeypatch.setattr(even_points, "BIG", 1 << 18)
    monkeypatch.setattr(even_points, "PART", 1 << 17)
    monkeypatch.setattr(ranges, "GROUP_BYTES", 1 << 16)
    async with databases() as (source, target):
        for end in (source, target):
            await run(end, *_FILLED)
        yield Pair(source, target)


@pytest.mark.native
async def test_parts_hold_every_row_once_and_name_what_differs(pair: Pair) -> None:
    equal = await pair.results()
    assert all(result.equal for result in equal.values())
    rows = {name: (result.source_rows, result.target_rows) for name, result in equal.items()}
    assert rows["public.plain"] == rows["public.keyless"] == (20000, 20000)
    assert rows["public.big"] == (40000, 40000)
    assert rows["public.numbers"] == (20000, 20000)
    assert equal["public.keyless"].parts == 1
    for name in ("public.plain", "public.big", "public.numbers"):
        assert equal[name].parts > 4, name
    await run(
        pair.target,
        "UPDATE plain SET v = 'other' WHERE id = 7001",
        "DELETE FROM big WHERE v = 30000",
        "INSERT INTO numbers VALUES (-5, 1), (900000, 1)",
    )
    found = await pair.results()
    (part,) = found["public.plain"].differing
    assert part.range.startswith("id [")
    assert part.source_rows == part.target_rows
    (part,) = found["public.big"].differing
    assert part.source_rows - part.target_rows == 1
    assert len(part.chunks) == 1
    assert sum(p.target_rows - p.source_rows for p in found["public.numbers"].differing) == 2
    assert len(found["public.numbers"].differing) == 2


@pytest.mark.native
async def test_what_cannot_be_read_any_more_is_compared_as_a_whole(pair: Pair) -> None:
    async with connected(pair.source) as connection:
        found = await read_sets(connection, await read_shape(connection))
        await connection.execute("DROP TABLE public.plain")
        sets = {one.name: one for one in await cut_large(connection, found)}
    assert sets["public.plain"].points == ()
    assert sets["public.big"].points


def test_parts_share_the_bytes_of_what_they_are_of() -> None:
    whole = Range(None, None, share=1000)
    parts = cut_further([whole], {None: ("10", "20", "30")})
    assert [part.text for part in parts] == [
        "(-∞, 10)",
        "[10, 20)",
        "[20, 30)",
        "[30, +∞)",
    ]
    assert sum(part.bytes for part in parts) == 1000
    assert cut_further([whole], {}) == [whole]
