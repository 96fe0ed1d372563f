"""How many round trips a chunk costs over the whole run, and how many there are without it: what
far servers make of a migration.

Counted, not timed: turns of PostgreSQL's protocol through a relay, those of client tools included.
A relay that delays a little keeps statements of a pipeline together on a busy machine.
"""

from dataclasses import replace
from pathlib import Path

import pytest
from psycopg import sql

from tests.support.native import databases
from tests.support.program import Program
from tests.support.slow_link import slow_link
from tests.support.turns import Turn, in_a_row
from tswizard.core.db.connection import connected
from tswizard.core.db.endpoint import Endpoint
from tswizard.exit_codes import Exit

pytestmark = [pytest.mark.e2e, pytest.mark.native]

FEW, MANY = 10, 90
DELAY = 0.003
FAR = 0.02
"""Much longer than anything else between two turns: what overlaps is seen to."""


@pytest.mark.parametrize(
    ("method", "compressed", "most"),
    [("split", False, 0.5), ("split", True, 2.0), ("full", False, 7.0)],
)
async def test_round_trips_for_each_chunk(
    method: str, compressed: bool, most: float, tmp_path: Path
) -> None:
    few = len(await _turns(method, FEW, tmp_path, DELAY, compressed=compressed))
    many = len(await _turns(method, MANY, tmp_path, DELAY, compressed=compressed))
    each = (many - few) / (MANY - FEW)
    print(f"{method}: {few} for {FEW} chunks, {many} for {MANY}: {each:.2f} a chunk")
    assert each <= most


@pytest.mark.parametrize(("method", "most"), [("split", 340), ("full", 430)])
async def test_round_trips_in_a_row(method: str, most: int, tmp_path: Path) -> None:
    """What a migration waits for however small it is, client tools included."""
    row = in_a_row(await _turns(method, FEW, tmp_path, FAR))
    print(f"{method}: {row} in a row")
    assert row <= most


async def _turns(
    method: str, chunks: int, folder: Path, delay: float, *, compressed: bool = False
) -> list[Turn]:
    async with databases(community=True) as (source, target):
        await _fill(source, chunks, compressed=compressed)
        own = folder / f"{method}-{chunks}"
        own.mkdir()
        async with (
            slow_link(*_address(source), delay=delay, rate=None) as here,
            slow_link(*_address(target), delay=delay, rate=None) as there,
        ):
            ends = _through(source, here.port), _through(target, there.port)
            program = Program.between(own, *((e.conninfo, e.password or "x") for e in ends))
            answers = program.answers_for(
                ends[0].conninfo,
                ends[1].conninfo,
                confirm=target.get("dbname"),
                method=method,
                probe=False,
            )
            ended = await program.call("--answers", answers)
            assert ended.code in (Exit.PASSED, Exit.LOOK), ended.err
            return [*here.turns.found, *there.turns.found]


async def _fill(source: Endpoint, chunks: int, *, compressed: bool) -> None:
    async with connected(source) as connection:
        await connection.execute("SET search_path = public, pg_catalog")
        await connection.execute("CREATE TABLE m (t timestamptz NOT NULL, v int)")
        await connection.execute(
            "SELECT create_hypertable('m', 't', chunk_time_interval => interval '1 day')"
        )
        await connection.execute(
            sql.SQL(
                "INSERT INTO m SELECT '2024-01-01'::timestamptz + g * interval '1 hour', g "
                "FROM generate_series(0, {}) g"
            ).format(sql.Literal(chunks * 24 - 1))
        )
        if compressed:
            await connection.execute("ALTER TABLE m SET (timescaledb.compress)")
            await connection.execute(
                "SELECT public.compress_chunk(c) FROM public.show_chunks('m') c"
            )
        await connection.execute("ANALYZE")


def _address(end: Endpoint) -> tuple[str, int]:
    return end.host, int(end.get("port", "5432"))


def _through(end: Endpoint, port: int) -> Endpoint:
    params = {**dict(end.params), "host": "127.0.0.1", "port": str(port)}
    return replace(end, params=tuple(sorted(params.items())))
