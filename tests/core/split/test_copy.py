"""Every kind of table is copied, streamed or through files, with its chunks as they were."""

from pathlib import Path

import pytest

from tests.support.split_ends import (
    Ends,
    content,
    job,
    migrate,
    routing,
    run,
    statements,
    superuser,
)
from tswizard.core.db.connection import connected
from tswizard.core.model.events import TableProgress, TableState
from tswizard.core.split.ledger import queue
from tswizard.core.split.plan.piece import PieceKind, PieceState

WAYS = [("stream", "chunk"), ("stream", "2 hours"), ("files", "400")]


@pytest.mark.e2e
async def test_everything_arrives_on_the_embedded_pair(embedded_ends: Ends, folder: Path) -> None:
    await _everything_arrives(embedded_ends, folder, "stream", "chunk")


@pytest.mark.native
@pytest.mark.parametrize(("via", "width"), WAYS)
async def test_everything_arrives(native_ends: Ends, folder: Path, via: str, width: str) -> None:
    await _everything_arrives(native_ends, folder, via, width)


async def _everything_arrives(ends: Ends, folder: Path, via: str, width: str) -> None:
    heard = await migrate(job(ends, folder, via=via, width=width))
    wanted = await content(ends.source)
    assert wanted["public.metrics"][0] > 10_000
    assert await content(ends.target) == wanted
    routed = await routing(ends.target)
    assert [finding.id for finding in heard.findings] == routed
    tables = {e.table: e for e in heard.events if isinstance(e, TableProgress)}
    assert {e.state for e in tables.values()} == {TableState.DONE}
    assert tables["public.metrics"].rows == wanted["public.metrics"][0]
    if via == "files":
        assert [path.name for path in (folder / "staging").iterdir()] == ["manifest.jsonl"]
    async with connected(ends.target) as target:
        known = await queue.read_pieces(target)
    assert {k.state for k in known} == {PieceState.DONE}
    chunks = [k.piece for k in known if k.piece.kind is PieceKind.CHUNK]
    assert all(bool(piece.target_chunk) != bool(routed) for piece in chunks)
    assert any(piece.where for piece in chunks) == (width != "chunk")


async def test_a_time_column_of_a_users_base_type(ends: Ends, folder: Path) -> None:
    for end in (ends.source, ends.target):
        if not await superuser(end):
            pytest.skip("only a superuser may make a base type")
        await run(end, *statements("by_stamp.sql"))
    rows = "INSERT INTO by_stamp SELECT i::bigint::stamp, i FROM generate_series(1, 3000) i"
    await run(ends.source, rows)
    heard = await migrate(job(ends, folder))
    wanted = await content(ends.source)
    assert wanted["public.by_stamp"][0] == 3000
    assert await content(ends.target) == wanted
    assert [finding.id for finding in heard.findings] == await routing(ends.target)
