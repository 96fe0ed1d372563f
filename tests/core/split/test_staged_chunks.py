"""Small chunks of a table that arrive by one COPY, and go into each by INSERT."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from tests.support.native import need_community
from tests.support.split_ends import Ends, content, job, migrate, refused, run
from tswizard.core.db.connection import connected, rows
from tswizard.core.split.copy import copy_bundle
from tswizard.core.split.copy.staged_chunks import STAGED_BYTES, staged_copy_out, staged_groups
from tswizard.core.split.ledger import queue
from tswizard.core.split.plan.piece import Piece, PieceKind, PieceState, SourceTable, Stage

_PIECE = Piece(
    id=1,
    table_index=0,
    kind=PieceKind.CHUNK,
    stage=Stage.CHUNKS,
    schema="s",
    name="c",
    bytes=STAGED_BYTES // 4,
    target_chunk=("s", "c"),
)

_TABLES = (
    "CREATE DOMAIN short AS text CHECK (length(VALUE) < 9000)",
    """CREATE TABLE little (t timestamptz NOT NULL, n int, s short, kept text, j json,
         "odd ""name" numeric(5,2)[], doubled int GENERATED ALWAYS AS (n * 2) STORED {})""",
    "ALTER TABLE little ALTER kept SET STORAGE EXTERNAL",
    "ALTER TABLE little ADD gone int",
    "ALTER TABLE little DROP gone",
    "SELECT create_hypertable('little', 't', chunk_time_interval => interval '1 day')",
    "ALTER TABLE little ADD CHECK (n >= 0)",
)
_ROWS = """
INSERT INTO little (t, n, s, kept, j, "odd ""name")
SELECT '2024-01-01'::timestamptz + g * interval '7 hours', g, repeat('s', g), repeat('k', 50 * g),
  json_build_object('g', g), ARRAY[g, NULL, g / 7.0]
FROM generate_series(1, 100) g
"""
_PHYSICAL = """
SELECT n, pg_catalog.pg_column_size(s), pg_catalog.pg_column_size(kept), doubled
FROM public.little ORDER BY n
"""


class _Seen:
    """How many pieces each staged COPY was of."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.pieces: list[int] = []
        patch.setattr(copy_bundle, "staged_copy_out", self._copy_out)

    def _copy_out(self, table: SourceTable, pieces: Sequence[Piece]) -> object:
        self.pieces.append(len(pieces))
        return staged_copy_out(table, pieces)


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch) -> _Seen:
    return _Seen(monkeypatch)


async def _fill(ends: Ends, after: str = "") -> None:
    for end in (ends.source, ends.target):
        await run(end, *(text.format(after) for text in _TABLES))
    await run(ends.source, _ROWS)


@pytest.mark.native
async def test_rows_and_the_way_they_are_stored_are_those_of_the_source(
    bare_ends: Ends, folder: Path, seen: _Seen
) -> None:
    await need_community(bare_ends.source, bare_ends.target)
    await _fill(bare_ends)
    await migrate(job(bare_ends, folder))
    assert sum(seen.pieces) >= 28
    assert await content(bare_ends.target) == await content(bare_ends.source)
    async with connected(bare_ends.source) as source, connected(bare_ends.target) as target:
        assert await rows(target, _PHYSICAL) == await rows(source, _PHYSICAL)
        known = await queue.read_pieces(target)
    assert {k.state for k in known} == {PieceState.DONE}
    assert sorted(k.rows or 0 for k in known)[-3:] == [4, 4, 4]
    assert sum(k.rows or 0 for k in known) == 100


@pytest.mark.native
async def test_rows_of_chunks_that_are_compressed_on_the_source(
    bare_ends: Ends, folder: Path, seen: _Seen
) -> None:
    await need_community(bare_ends.source, bare_ends.target)
    await _compressed_rows_arrive(bare_ends, folder, seen)


@pytest.mark.e2e
async def test_the_same_on_the_embedded_pair(
    embedded_ends: Ends, folder: Path, seen: _Seen
) -> None:
    """Its TimescaleDB adds no compressed rows to a chunk that is part of a union."""
    await _compressed_rows_arrive(embedded_ends, folder, seen)


async def _compressed_rows_arrive(ends: Ends, folder: Path, seen: _Seen) -> None:
    await _fill(ends)
    for end in (ends.source, ends.target):
        await run(end, "ALTER TABLE little SET (timescaledb.compress)")
    await run(ends.source, "SELECT compress_chunk(c) FROM show_chunks('little') c LIMIT 20")
    await migrate(job(ends, folder, compressed="recompress"))
    assert sum(seen.pieces) >= 28
    assert await content(ends.target) == await content(ends.source)


@pytest.mark.native
async def test_what_cannot_be_staged_has_a_copy_of_its_own(
    bare_ends: Ends, folder: Path, seen: _Seen
) -> None:
    """The temporary table takes NOT NULL along, also for a column that is generated."""
    await need_community(bare_ends.source, bare_ends.target)
    await _fill(bare_ends, "NOT NULL")
    work = job(bare_ends, folder)
    heard = await migrate(work)
    assert seen.pieces
    assert heard.findings == []
    assert await content(bare_ends.target) == await content(bare_ends.source)
    async with connected(bare_ends.target) as target:
        known = await queue.read_pieces(target)
    assert {k.state for k in known} == {PieceState.DONE}
    chunks = [k for k in known if k.piece.kind is PieceKind.CHUNK]
    assert sum(seen.pieces) < 2 * len(chunks)  # nor all of them twice


@pytest.mark.native
async def test_a_row_that_is_refused_is_named_with_its_chunk(
    bare_ends: Ends, folder: Path, seen: _Seen
) -> None:
    await need_community(bare_ends.source, bare_ends.target)
    await _fill(bare_ends)
    await run(bare_ends.target, "ALTER TABLE little ADD CHECK (n <> 50)")
    finding = await refused(job(bare_ends, folder))
    assert "of public.little: new row for relation" in finding.what
    assert seen.pieces
    async with connected(bare_ends.target) as target:
        left = [k for k in await queue.read_pieces(target) if k.state is not PieceState.DONE]
        ((arrived,),) = await rows(target, "SELECT count(*) FROM public.little")
    assert len(left) == 1
    assert 96 <= arrived <= 99


def test_only_small_chunks_of_one_table_go_together() -> None:
    pieces = [replace(_PIECE, id=n) for n in range(4)]
    assert staged_groups(pieces, ()) == [(0, 1, 2, 3)]
    assert staged_groups([*pieces, *pieces[:3]], ()) == [(0, 1, 2, 3), (4, 5, 6)]
    assert staged_groups([*pieces, pieces[0]], ()) == [(0, 1, 2, 3)]
    assert staged_groups([replace(p, bytes=STAGED_BYTES) for p in pieces], ()) == []
    assert staged_groups(pieces, {1, 2, 3}) == []
    assert staged_groups(pieces, {1, 2}) == [(0, 3)]
    other = replace(_PIECE, id=9, table_index=1)
    assert staged_groups([other, *pieces, other], ()) == [(0, 5), (1, 2, 3, 4)]
    assert staged_groups([replace(p, target_chunk=None) for p in pieces], ()) == []
