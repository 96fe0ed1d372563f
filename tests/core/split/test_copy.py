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
from tswizard.core.db.connection import connected, value
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


@pytest.mark.native
async def test_a_chunk_that_is_refused_holds_up_no_other(native_ends: Ends, folder: Path) -> None:
    """One chunk of the target lies across one of the source's: its rows are routed, all others
    of the same statement go into chunks as on the source."""
    if await routing(native_ends.target):
        pytest.skip("this edition creates no chunk with given slices")
    first = "(SELECT min(t) FROM metrics)"
    async with connected(native_ends.source) as source:
        await source.execute("SET search_path = public, pg_catalog")
        at = str(await value(source, f"SELECT {first} + interval '6 hours'"))
    await run(
        native_ends.target,
        "SELECT set_chunk_time_interval('metrics', interval '1 hour')",
        f"INSERT INTO metrics (t, device, v) VALUES ('{at}', 1, 1)",
        "DELETE FROM metrics",
        "SELECT set_chunk_time_interval('metrics', interval '12 hours')",
    )
    heard = await migrate(job(native_ends, folder))
    ours, theirs = await content(native_ends.source), await content(native_ends.target)
    assert set(ours.pop("chunks")) - set(theirs.pop("chunks"))
    assert theirs == ours
    (routed,) = heard.findings
    assert routed.id == "chunks-routed"
    assert routed.what.startswith("1 chunk could not be created")
