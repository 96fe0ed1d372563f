"""What was copied as stored is compared as it is stored, and by what is found."""

from dataclasses import replace
from pathlib import Path

import pytest

from tests.support.native import need_community
from tests.support.slow_link import slow_link
from tests.support.split_ends import Ends, job, migrate, run
from tswizard.core.db.connection import connected, rows
from tswizard.core.db.endpoint import Endpoint
from tswizard.core.split.ledger import queue
from tswizard.core.split.ledger.plan_store import read_plan
from tswizard.core.split.plan.piece import Piece, SourceTable
from tswizard.core.split.stored.compare import as_stored, compare_bytes, compare_found
from tswizard.core.verify.database_reader import open_reader

pytestmark = pytest.mark.native

HYPERTABLES = 12
"""Of three chunks each, with two columns to be asked for."""


def _table(number: int) -> tuple[str, ...]:
    return (
        f"CREATE TABLE r{number} (t timestamptz NOT NULL, d int NOT NULL, v float8)",
        f"SELECT public.create_hypertable('r{number}', 't', "
        "chunk_time_interval => interval '1 day')",
        f"ALTER TABLE r{number} SET (timescaledb.compress, timescaledb.compress_segmentby = 'd', "
        "timescaledb.compress_orderby = 't DESC, v')",
    )


@pytest.fixture
async def copied(bare_ends: Ends, folder: Path) -> Ends:
    """Hypertables whose compressed chunks were copied as stored."""
    await need_community(bare_ends.source, bare_ends.target)
    for end in (bare_ends.source, bare_ends.target):
        for number in range(HYPERTABLES):
            await run(end, *_table(number))
    for number in range(HYPERTABLES):
        await run(
            bare_ends.source,
            f"INSERT INTO r{number} SELECT '2025-03-01 00:00:00+00'::timestamptz "
            "+ i * interval '1 hour', i % 3, i FROM pg_catalog.generate_series(0, 71) i",
            f"SELECT public.compress_chunk(c) FROM public.show_chunks('r{number}') c",
        )
    await migrate(job(bare_ends, folder, compressed="stored"))
    return bare_ends


async def _pieces(end: Endpoint) -> tuple[tuple[SourceTable, ...], list[Piece]]:
    async with connected(end) as target:
        plan = await read_plan(target)
        assert plan is not None
        return plan.tables, as_stored(await queue.read_pieces(target))


def _through(end: Endpoint, port: int) -> Endpoint:
    params = {**dict(end.params), "host": "127.0.0.1", "port": str(port)}
    return replace(end, params=tuple(sorted(params.items())))


def _address(end: Endpoint) -> tuple[str, int]:
    return end.host, int(end.get("port", "5432"))


async def test_questions_of_many_chunks_share_round_trips(copied: Ends) -> None:
    tables, pieces = await _pieces(copied.target)
    if not pieces:
        pytest.skip("this pair rebuilds them: the source keeps no first and last values")
    async with (
        slow_link(*_address(copied.source), delay=0.002, rate=None) as here,
        slow_link(*_address(copied.target), delay=0.002, rate=None) as there,
        open_reader("source", _through(copied.source, here.port)) as source,
        open_reader("target", _through(copied.target, there.port)) as target,
    ):
        assert await compare_bytes(source, target, tables, pieces) == []
        before = len(here.turns.found) + len(there.turns.found)
        compared, found = await compare_found(source, target, tables, pieces)
        turns = len(here.turns.found) + len(there.turns.found) - before
    assert found == []
    assert compared >= 3 * HYPERTABLES
    print(f"{compared} columns of {len(pieces)} chunks: {turns} turns")
    assert turns <= 20


# The largest of a batch, which comes first: 2.28 filters by the one, earlier versions by the other.
_LARGEST = """
SELECT attname::text FROM pg_catalog.pg_attribute WHERE attrelid = %s::pg_catalog.regclass
AND attname IN ('_ts_meta_max_1', '_ts_meta_v2_first_t')
"""


async def test_metadata_that_hides_rows_is_found(copied: Ends) -> None:
    tables, pieces = await _pieces(copied.target)
    if not pieces:
        pytest.skip("this pair rebuilds them: the source keeps no first and last values")
    piece = pieces[len(pieces) // 2]
    assert piece.shell is not None
    relation = f'"{piece.shell.schema}"."{piece.shell.name}"'
    async with connected(copied.target) as target:
        names = [name for (name,) in await rows(target, _LARGEST, (relation,))]
    lowered = ", ".join(f"{name} = _ts_meta_min_1" for name in names)
    await run(copied.target, f"UPDATE {relation} SET {lowered}")
    async with (
        open_reader("source", copied.source) as source,
        open_reader("target", copied.target) as target,
    ):
        (bytes_differ,) = await compare_bytes(source, target, tables, pieces)
        _, found = await compare_found(source, target, tables, pieces)
    assert bytes_differ.piece == piece
    assert {difference.piece for difference in found} == {piece}
    assert any("other rows are found by t" in difference.what for difference in found)
