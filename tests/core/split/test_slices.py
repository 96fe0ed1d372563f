"""Big tables in slices, and their second copy."""

import asyncio
from pathlib import Path

import pytest

from tests.support.sample_schema import chunk, dimension
from tests.support.split_ends import (
    Ends,
    content,
    copy_everything,
    job,
    leading,
    migrate,
    pieces_of,
    refused,
    resumed_equals_source,
    run,
    states,
)
from tswizard.core.catalog import even_points
from tswizard.core.catalog.time_literals import time_argument
from tswizard.core.db.connection import connected, rows, value
from tswizard.core.split.plan import slices
from tswizard.core.split.plan.piece import PieceKind, Stage

pytestmark = pytest.mark.native

_SMALL = (
    "CREATE TABLE small (t smallint NOT NULL, v int)",
    "SELECT public.create_hypertable('small', 't', chunk_time_interval => 3000)",
)


async def test_a_big_table_in_slices(
    native_ends: Ends, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(even_points, "BIG", 1 << 16)
    monkeypatch.setattr(even_points, "PART", 1 << 15)
    ends, work = native_ends, job(native_ends, folder)
    finding = await refused(work, (ends.source, "VACUUM FULL plain"))
    assert finding.id == "pieces-refused"
    assert len(finding.details) > 5
    assert all("public.plain was altered" in detail for detail in finding.details)
    assert await states(ends.target) != {}
    # Half of it under one snapshot, the rest under the next, with changes in between.
    async with leading(work) as coordinator:
        assert sum(p.kind is PieceKind.SLICE for p in coordinator.plan.pieces) > 5
        coordinator.reporter.stopping.set()
        with pytest.raises(asyncio.CancelledError):
            await coordinator.copy_stage(Stage.TABLES)
    async with leading(work) as coordinator:
        await coordinator.copy_stage(Stage.TABLES)
    await run(ends.source, "UPDATE plain SET note = 'moved' WHERE id % 3 = 0")
    await resumed_equals_source(ends, work)


async def test_slices_by_key(
    native_ends: Ends, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(even_points, "BIG", 1 << 16)
    monkeypatch.setattr(even_points, "PART", 1 << 15)
    monkeypatch.setattr(slices, "_PAGES_SCAN", "a plan that no server has")
    await run(native_ends.source, "ALTER TABLE plain ADD PRIMARY KEY (id)")
    work = job(native_ends, folder)
    async with leading(work) as coordinator:
        cut = [p for p in coordinator.plan.pieces if p.kind is PieceKind.SLICE]
        assert len(cut) > 5
        assert not any(piece.by_ctid for piece in cut)
        await copy_everything(coordinator)
    await run(native_ends.source, "UPDATE plain SET note = 'changed' WHERE id = 2500")
    heard = await migrate(work)
    assert any("changed on the source" in line for line in heard.lines)
    assert await content(native_ends.target) == await content(native_ends.source)


@pytest.mark.parametrize("cut", ["whole", "pages", "pages of another file", "key"])
async def test_a_second_copy_into_a_referenced_table(
    native_ends: Ends, folder: Path, monkeypatch: pytest.MonkeyPatch, cut: str
) -> None:
    if cut != "whole":
        monkeypatch.setattr(even_points, "BIG", 1 << 16)
        monkeypatch.setattr(even_points, "PART", 1 << 15)
    if cut == "key":
        monkeypatch.setattr(slices, "_PAGES_SCAN", "a plan that no server has")
    ends, work = native_ends, job(native_ends, folder)
    key = "ALTER TABLE plain ADD PRIMARY KEY (id)"
    await run(ends.source, "UPDATE plain SET id = id + 100000 WHERE id = 17", key)
    await migrate(work)
    assert (len(await pieces_of(ends.target, "public.plain")) > 5) == (cut != "whole")
    await run(
        ends.target,
        key,
        "CREATE TABLE refers (id int REFERENCES plain)",
        "INSERT INTO refers VALUES (1), (2)",
    )
    await run(
        ends.source,
        "UPDATE plain SET note = 'changed' WHERE id = 1",
        "DELETE FROM plain WHERE id = 3",
        "INSERT INTO plain (id, note) VALUES (17, 'new')",
    )
    if cut == "pages of another file":
        await run(ends.source, "VACUUM FULL plain")
    for _ in range(2):  # slices that became one piece stay one
        await migrate(work)
        there = await content(ends.target)
        del there["public.refers"]
        assert there == await content(ends.source)
        whole = len(await pieces_of(ends.target, "public.plain")) == 1
        assert whole == (cut != "key")


_CHUNK = (
    "CREATE TABLE big (t timestamptz NOT NULL, v int)",
    "SELECT public.create_hypertable('big', 't', chunk_time_interval => interval '1 year')",
)
_CHUNK_ROWS = (
    "INSERT INTO big SELECT '2025-01-02 00:00:00+00'::timestamptz + i * interval '1 minute', i "
    "FROM pg_catalog.generate_series(1, 20000) i",
    "ANALYZE big",
)


async def test_a_large_chunk_in_slices_of_time(
    bare_ends: Ends, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(even_points, "BIG", 1 << 18)
    monkeypatch.setattr(even_points, "PART", 1 << 17)
    for end in (bare_ends.source, bare_ends.target):
        await run(end, *_CHUNK)
    await run(bare_ends.source, *_CHUNK_ROWS)
    work = job(bare_ends, folder)
    # Half of it under one snapshot, the rest under the next, with changes in between.
    async with leading(work) as coordinator:
        found = [p for p in coordinator.plan.pieces if p.kind is PieceKind.CHUNK]
        assert len(found) > 5
        await coordinator.create_chunks()
        coordinator.reporter.stopping.set()
        with pytest.raises(asyncio.CancelledError):
            await coordinator.copy_stage(Stage.CHUNKS)
    await run(
        bare_ends.source,
        "UPDATE big SET v = 0 WHERE v % 3 = 0",
        "DELETE FROM big WHERE v = 5",
        "INSERT INTO big VALUES ('2025-12-01', 1), ('2025-01-01 00:00:01+00', 2)",
    )
    await resumed_equals_source(bare_ends, work)


@pytest.mark.parametrize(
    "otherwise",
    [
        "DROP INDEX big_t_idx",  # each slice would read all of it
        "UPDATE big SET t = t + (hashint4(v) % 10000) * interval '1 minute'; VACUUM ANALYZE big",
    ],
    ids=["no index", "rows in no order"],
)
async def test_a_chunk_that_cannot_be_read_in_parts_stays_whole(
    bare_ends: Ends, folder: Path, monkeypatch: pytest.MonkeyPatch, otherwise: str
) -> None:
    monkeypatch.setattr(even_points, "BIG", 1 << 18)
    monkeypatch.setattr(even_points, "PART", 1 << 17)
    for end in (bare_ends.source, bare_ends.target):
        await run(end, *_CHUNK)
    await run(bare_ends.source, *_CHUNK_ROWS, *otherwise.split("; "))
    async with leading(job(bare_ends, folder)) as coordinator:
        chunks = {p.name for p in coordinator.plan.pieces if p.kind is PieceKind.CHUNK}
        assert len(coordinator.plan.pieces) == len(chunks)


async def test_small_integers_to_the_last_one(bare_ends: Ends, folder: Path) -> None:
    for end in (bare_ends.source, bare_ends.target):
        await run(end, *_SMALL)
    await run(
        bare_ends.source,
        "INSERT INTO small SELECT g, g FROM pg_catalog.generate_series(-32768, 32767, 3) g",
    )
    work = job(bare_ends, folder, width="300")
    async with leading(work) as coordinator:
        cut = [p for p in coordinator.plan.pieces if p.kind is PieceKind.CHUNK]
        assert len(cut) > 190
    await migrate(work)
    assert await content(bare_ends.target) == await content(bare_ends.source)


async def test_a_chunk_that_ends_beyond_its_type(bare_ends: Ends) -> None:
    await run(bare_ends.source, *_SMALL, "INSERT INTO small VALUES (30001, 1), (32767, 1)")
    small = dimension("smallint", "t")
    last = chunk("30000", "33000")
    async with connected(bare_ends.source) as connection:
        conditions = await slices.ChunkSlicer(connection, "300").slice(small, last)
        assert len(conditions) == 10
        found = [
            await value(
                connection, f"SELECT pg_catalog.count(*) FROM public.small WHERE {condition}"
            )
            for condition in conditions
        ]
        assert found == [1, 0, 0, 0, 0, 0, 0, 0, 0, 1]
        # Its end is none that show_chunks() takes.
        bounds = (time_argument("smallint", bound) for bound in ("30000", "33000"))
        assert [*bounds] == ["'30000'::pg_catalog.int2", ""]
        listed = await rows(
            connection,
            "SELECT FROM public.show_chunks('public.small', newer_than => "
            + time_argument("smallint", "30000")
            + ")",
        )
        assert len(listed) == 1
