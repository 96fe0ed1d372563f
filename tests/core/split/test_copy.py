"""Every kind of table arrives, by either way, with its chunks as they were."""

from pathlib import Path

import pytest

from tests.core.split.world import Ends, content, job, migrate, run
from tswizard.core.connection import connected
from tswizard.core.events import TableProgress, TableState
from tswizard.core.split import queue
from tswizard.core.split.piece import Kind

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
    assert heard.findings == []
    tables = {e.table: e for e in heard.events if isinstance(e, TableProgress)}
    assert {e.state for e in tables.values()} == {TableState.DONE}
    assert tables["public.metrics"].rows == wanted["public.metrics"][0]
    if via == "files":
        assert [path.name for path in (folder / "staging").iterdir()] == ["manifest.jsonl"]
    async with connected(ends.target) as target:
        known = await queue.read_pieces(target)
    assert {k.state for k in known} == {queue.State.DONE}
    chunks = [k.piece for k in known if k.piece.kind is Kind.CHUNK]
    assert all(piece.target for piece in chunks)
    assert any(piece.where for piece in chunks) == (width != "chunk")


# Eight bytes as a bigint, with operators of its own outside pg_catalog.
_STAMP = """
CREATE TYPE stamp
CREATE FUNCTION stamp_in(cstring) RETURNS stamp LANGUAGE internal IMMUTABLE STRICT AS 'int8in'
CREATE FUNCTION stamp_out(stamp) RETURNS cstring LANGUAGE internal IMMUTABLE STRICT AS 'int8out'
CREATE TYPE stamp (INPUT = stamp_in, OUTPUT = stamp_out, LIKE = bigint)
CREATE CAST (stamp AS bigint) WITHOUT FUNCTION
CREATE CAST (bigint AS stamp) WITHOUT FUNCTION
CREATE FUNCTION stamp_lt(stamp, stamp) RETURNS bool LANGUAGE internal IMMUTABLE STRICT AS 'int8lt'
CREATE FUNCTION stamp_ge(stamp, stamp) RETURNS bool LANGUAGE internal IMMUTABLE STRICT AS 'int8ge'
CREATE FUNCTION stamp_cmp(stamp, stamp) RETURNS int LANGUAGE internal IMMUTABLE
  STRICT AS 'btint8cmp'
CREATE OPERATOR < (LEFTARG = stamp, RIGHTARG = stamp, FUNCTION = stamp_lt)
CREATE OPERATOR >= (LEFTARG = stamp, RIGHTARG = stamp, FUNCTION = stamp_ge)
CREATE OPERATOR CLASS stamp_ops DEFAULT FOR TYPE stamp USING btree AS
  OPERATOR 1 <, OPERATOR 4 >=, FUNCTION 1 stamp_cmp(stamp, stamp)
""".strip()

_BY_STAMP = (
    "CREATE TABLE by_stamp (at stamp NOT NULL, v int)",
    "SELECT create_hypertable('by_stamp', 'at', chunk_time_interval => 1000::bigint, "
    "create_default_indexes => false)",
)


async def test_a_time_column_of_a_users_base_type(ends: Ends, folder: Path) -> None:
    statements = _STAMP.replace("\n  ", " ").splitlines()
    for end in (ends.source, ends.target):
        await run(end, *statements, *_BY_STAMP)
    rows = "INSERT INTO by_stamp SELECT i::bigint::stamp, i FROM generate_series(1, 3000) i"
    await run(ends.source, rows)
    heard = await migrate(job(ends, folder))
    wanted = await content(ends.source)
    assert wanted["public.by_stamp"][0] == 3000
    assert await content(ends.target) == wanted
    assert heard.findings == []
