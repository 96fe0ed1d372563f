"""A copy of compressed rows that is interrupted, repeated, refused, or overtaken by the source."""

from pathlib import Path
from typing import Any

import pytest

from tests.support.native import need_community
from tests.support.split_ends import Ends, Heard, content, job, leading, migrate, run
from tswizard.core.db.connection import connected, rows
from tswizard.core.db.endpoint import Endpoint
from tswizard.core.split import reconcile
from tswizard.core.split.ledger import queue
from tswizard.core.split.ledger.queue import CopyMode
from tswizard.core.split.plan.packed import Way
from tswizard.core.split.plan.piece import PieceKind, Stage
from tswizard.core.split.stored.counts import WayCount, count_ways
from tswizard.core.split.stored.shells import NOT_READ

pytestmark = pytest.mark.native

_TABLE = (
    "CREATE TABLE readings (t timestamptz NOT NULL, d int NOT NULL, v float8)",
    "SELECT public.create_hypertable('readings', 't', chunk_time_interval => interval '1 day')",
    "ALTER TABLE readings ADD PRIMARY KEY (d, t)",
    "ALTER TABLE readings SET (timescaledb.compress, timescaledb.compress_segmentby = 'd', "
    "timescaledb.compress_orderby = 't DESC')",
)
_ROWS = (
    "INSERT INTO readings SELECT '2025-03-01 00:00:00+00'::timestamptz + i * interval '5 minutes', "
    "d, i % 97 + d FROM pg_catalog.generate_series(0, 863) i, pg_catalog.generate_series(1, 4) d",
    "SELECT public.compress_chunk(c, true) FROM public.show_chunks('readings') c",
)
_FIRST = "(SELECT c FROM public.show_chunks('readings') c ORDER BY c::text LIMIT 1)"


@pytest.fixture
async def filled(bare_ends: Ends) -> Ends:
    """The same hypertable on both ends; on the source three compressed chunks."""
    await need_community(bare_ends.source, bare_ends.target)
    for end in (bare_ends.source, bare_ends.target):
        await run(end, *_TABLE)
    await run(bare_ends.source, *_ROWS)
    return bare_ends


async def _ways(end: Endpoint) -> list[WayCount]:
    async with connected(end) as target:
        return list(count_ways(await queue.read_pieces(target)))


async def _statuses(end: Endpoint) -> list[tuple[Any, ...]]:
    async with connected(end) as connection:
        return await rows(
            connection,
            "SELECT status, count(*) FROM _timescaledb_catalog.chunk "
            "WHERE hypertable_id = 1 GROUP BY 1 ORDER BY 1",
        )


async def _equal(ends: Ends) -> None:
    wanted = await content(ends.source)
    assert wanted["public.readings"][0] > 2000
    assert await content(ends.target) == wanted


@pytest.mark.parametrize("via", ["stream", "files"])
@pytest.mark.parametrize(
    ("compressed", "way", "reason"),
    [
        ("stored", Way.STORED, ""),
        ("rebuild", Way.REBUILT, "asked for"),
        ("recompress", Way.DECOMPRESSED, ""),
    ],
)
async def test_the_way_that_is_asked_for(
    filled: Ends, folder: Path, compressed: str, way: Way, reason: str, via: str
) -> None:
    await migrate(job(filled, folder, compressed=compressed, via=via))
    await _equal(filled)
    assert await _ways(filled.target) == [WayCount(way, reason, 3)]
    assert await _statuses(filled.target) == await _statuses(filled.source)
    async with connected(filled.target) as target:
        known = await queue.read_pieces(target)
    assert {k.state for k in known} == {"done"}


_SETTINGS = "SELECT to_jsonb(s)::text FROM _timescaledb_catalog.compression_settings s "
_OF_HYPERTABLE = _SETTINGS + "WHERE relid = 'public.readings'::regclass"


async def _ask(end: Endpoint, query: str) -> list[tuple[Any, ...]]:
    async with connected(end) as connection:
        return await rows(connection, query)


async def _has_settings_of_chunks(end: Endpoint) -> bool:
    query = "SELECT to_regclass('_timescaledb_catalog.compression_settings') IS NOT NULL"
    return bool((await _ask(end, query))[0][0])


async def test_chunks_with_other_settings_than_the_hypertable(filled: Ends, folder: Path) -> None:
    if not await _has_settings_of_chunks(filled.source):
        pytest.skip("before 2.14 all chunks of a hypertable have its settings")
    for by in ("timescaledb.compress_segmentby = '', timescaledb.compress_orderby = 'd, t'",):
        alter = f"ALTER TABLE readings SET (timescaledb.compress, {by})"
        for end in (filled.source, filled.target):
            await run(end, alter)
    await run(
        filled.source,
        "INSERT INTO readings SELECT '2025-03-10 00:00:00+00'::timestamptz + i * interval "
        "'5 minutes', 1, i FROM pg_catalog.generate_series(0, 200) i",
        "SELECT public.compress_chunk(c, true) FROM public.show_chunks('readings') c",
    )
    before = await _ask(filled.target, _OF_HYPERTABLE)
    await migrate(job(filled, folder))
    await _equal(filled)
    assert await _ask(filled.target, _OF_HYPERTABLE) == before
    ways = await _ways(filled.target)
    assert sum(c.chunks for c in ways) == 4
    assert all(c.way in (Way.STORED, Way.REBUILT) for c in ways), ways


async def test_settings_that_are_left_to_the_server(bare_ends: Ends, folder: Path) -> None:
    await need_community(bare_ends.source, bare_ends.target)
    for end in (bare_ends.source, bare_ends.target):
        await run(end, *_TABLE[:3], "ALTER TABLE readings SET (timescaledb.compress)")
    # The source has statistics when it chooses; the target has none.
    await run(bare_ends.source, _ROWS[0], "ANALYZE readings", _ROWS[1])
    before = await _ask(bare_ends.target, "SELECT 1")
    if await _has_settings_of_chunks(bare_ends.target):
        before = await _ask(bare_ends.target, _OF_HYPERTABLE)
    await migrate(job(bare_ends, folder))
    await _equal(bare_ends)
    if await _has_settings_of_chunks(bare_ends.target):
        assert await _ask(bare_ends.target, _OF_HYPERTABLE) == before
    ways = await _ways(bare_ends.target)
    assert all(c.way in (Way.STORED, Way.REBUILT) for c in ways), ways


async def test_a_run_that_ends_when_the_shells_are_made(filled: Ends, folder: Path) -> None:
    work = job(filled, folder)
    async with leading(work) as coordinator:
        await coordinator.create_chunks()
        await coordinator.make_shells()
    await migrate(work)
    await _equal(filled)
    assert await _ways(filled.target) == [WayCount(Way.STORED, "", 3)]


async def test_a_column_that_is_added_before_a_resume(filled: Ends, folder: Path) -> None:
    work = job(filled, folder)
    async with leading(work) as coordinator:
        await coordinator.create_chunks()
        await coordinator.make_shells()
    for end in (filled.source, filled.target):
        await run(end, "ALTER TABLE readings ADD COLUMN note text")
    await run(filled.source, "UPDATE readings SET note = 'x' WHERE d = 1")
    await migrate(work)
    await _equal(filled)


@pytest.mark.parametrize("via", ["stream", "files"])
async def test_a_second_copy_replaces_the_first(filled: Ends, folder: Path, via: str) -> None:
    work = job(filled, folder, via=via)
    await migrate(work)
    # Batches of one device go as a whole, which leaves the chunk's state as it was.
    await run(filled.source, "DELETE FROM readings WHERE d = 3 AND t < '2025-03-02 00:00:00+00'")
    heard = await migrate(work)
    await _equal(filled)
    assert any(line.startswith("changed on the source") for line in heard.lines)
    assert sum(count.chunks for count in await _ways(filled.target)) == 3


async def test_rows_that_arrive_later_in_compressed_chunks(filled: Ends, folder: Path) -> None:
    work = job(filled, folder)
    await migrate(work)
    late = "INSERT INTO readings VALUES ('2025-03-01 00:01:00+00', 77, 1)"
    await run(filled.source, late, "UPDATE readings SET v = -1 WHERE d = 2")
    await migrate(work)
    await _equal(filled)


async def test_a_rebuilt_chunk_is_copied_once_more(filled: Ends, folder: Path) -> None:
    work = job(filled, folder, compressed="rebuild")
    await migrate(work)
    await run(filled.source, "DELETE FROM readings WHERE d = 3 AND t < '2025-03-02 00:00:00+00'")
    await migrate(work)
    await _equal(filled)


async def _until_shells(ends: Ends, folder: Path, *, after: tuple[Endpoint, str]) -> Heard:
    """A migration during which a statement runs after the shells are made."""
    heard = Heard()
    async with leading(job(ends, folder), heard) as coordinator:
        await coordinator.create_chunks()
        await coordinator.make_shells()
        await run(after[0], after[1])
        await coordinator.copy_stage(Stage.CHUNKS)
        await reconcile.reconcile(coordinator)
    return heard


async def test_a_chunk_that_the_source_compresses_otherwise_meanwhile(
    filled: Ends, folder: Path
) -> None:
    again = f"SELECT public.compress_chunk(public.decompress_chunk({_FIRST}))"
    heard = await _until_shells(filled, folder, after=(filled.source, again))
    await _equal(filled)
    assert any("is decompressed:" in line for line in heard.lines)
    stored = [c.chunks for c in await _ways(filled.target) if c.way is Way.STORED]
    assert stored == [2]


_TRANSACTIONS = """
SELECT count(*), count(DISTINCT xmin::text) FROM _tswizard.piece
WHERE kind = 'chunk' AND spec -> 'shell' ->> 'way' = 'stored'
"""


async def test_small_chunks_share_a_transaction(filled: Ends, folder: Path) -> None:
    await run(
        filled.source,
        "INSERT INTO readings SELECT '2025-04-01 00:00:00+00'::timestamptz + i * interval '1 hour',"
        " 1, i FROM pg_catalog.generate_series(0, 24 * 40 - 1) i",
        "SELECT public.compress_chunk(c, true) FROM public.show_chunks('readings') c",
        # One chunk has rows that are not compressed, some are not compressed at all.
        "INSERT INTO readings VALUES ('2025-04-07 00:01:00+00', 77, 1)",
        "INSERT INTO readings SELECT '2025-06-01 00:00:00+00'::timestamptz + i * interval '1 day', "
        "1, i FROM pg_catalog.generate_series(0, 9) i",
    )
    heard = await migrate(job(filled, folder))
    await _equal(filled)
    assert await _ways(filled.target) == [WayCount(Way.STORED, "", 43)]
    assert await _statuses(filled.target) == await _statuses(filled.source)
    assert not any("decompressed:" in line for line in heard.lines)
    async with connected(filled.target) as target:
        ((pieces, transactions),) = await rows(target, _TRANSACTIONS)
    assert pieces == 43
    assert transactions <= pieces / 3
    async with connected(filled.target) as target:
        ((left,),) = await rows(
            target, "SELECT count(*) FROM _tswizard.piece WHERE state <> 'done'"
        )
    assert left == 0


async def test_rows_that_are_added_while_a_chunk_is_copied(filled: Ends, folder: Path) -> None:
    late = "INSERT INTO readings VALUES ('2025-03-01 00:01:00+00', 77, 1)"
    heard = Heard()
    async with leading(job(filled, folder), heard) as coordinator:
        await coordinator.create_chunks()
        await coordinator.make_shells()
        before = await content(filled.source)
        await run(filled.source, late)
        await coordinator.copy_stage(Stage.CHUNKS)
        assert (await content(filled.target))["public.readings"] == before["public.readings"]
    assert await _ways(filled.target) == [WayCount(Way.STORED, "", 3)]


async def test_a_file_whose_chunk_is_compressed_otherwise_before_it_is_loaded(
    filled: Ends, folder: Path
) -> None:
    heard = Heard()
    async with leading(job(filled, folder, via="files"), heard) as coordinator:
        await coordinator.run_pass(Stage.CHUNKS, CopyMode.EXPORT)
        names = sorted(path.name for path in (folder / "staging").glob("*.copy"))
        assert len(names) == 3
        assert all(name.endswith(".stored.binary.copy") for name in names)
        again = f"SELECT public.compress_chunk(public.decompress_chunk({_FIRST}))"
        await run(filled.source, again)
        await coordinator.create_chunks()
        await coordinator.make_shells()
        await coordinator.copy_stage(Stage.CHUNKS)
        await reconcile.reconcile(coordinator)
    await _equal(filled)
    assert WayCount(Way.DECOMPRESSED, NOT_READ, 1) in await _ways(filled.target)
    assert [path.name for path in (folder / "staging").iterdir()] == ["manifest.jsonl"]


async def test_a_shell_that_is_gone_leads_back_to_rows(filled: Ends, folder: Path) -> None:
    lost = f"SELECT public.decompress_chunk({_FIRST})"
    heard = await _until_shells(filled, folder, after=(filled.target, lost))
    await _equal(filled)
    assert sum("is decompressed:" in line for line in heard.lines) == 1


async def test_a_chunk_that_is_sliced_is_one_piece_if_it_travels_as_stored(
    filled: Ends, folder: Path
) -> None:
    await run(
        filled.source,
        "INSERT INTO readings SELECT '2025-03-10 00:00:00+00'::timestamptz + i * interval "
        "'5 minutes', 1, i FROM pg_catalog.generate_series(0, 200) i",
    )
    await migrate(job(filled, folder, width="2 hours"))
    await _equal(filled)
    async with connected(filled.target) as target:
        pieces = [k.piece for k in await queue.read_pieces(target)]
    sliced = [p for p in pieces if p.kind is PieceKind.CHUNK and p.where]
    assert sliced
    assert not any(p.packed for p in sliced)
    assert sum(bool(p.shell) for p in pieces) == 3
