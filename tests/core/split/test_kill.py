"""kill -9 at any instant: resumed, the target is as after an undisturbed run."""

import asyncio
import multiprocessing
import random
import signal
from contextlib import suppress
from pathlib import Path

import pytest

from tests.support.killed_copy import Death, children_of, life
from tests.support.processes import gone
from tests.support.split_ends import Ends, content, described, job, run
from tswizard.core.db.connection import connected, rows
from tswizard.core.db.endpoint import Endpoint
from tswizard.core.split.copy.copy_job import CopyJob

KILLS = 22
IN_RECONCILING = 3
SEED = 20261124

# The source is in use between the kills: rows that were copied are changed, added and deleted.
_CHANGES = (
    "UPDATE plain SET note = 'changed', n = n + 1 WHERE id % 500 = {n}",
    "INSERT INTO metrics SELECT '2024-03-09 12:00:01+00'::timestamptz + {n} * interval '1 second',"
    " {n}, 1",
    "DELETE FROM days WHERE v = {n} + 100",
    "INSERT INTO metrics SELECT '2024-04-01'::timestamptz + {n} * interval '6 hours', {n}, 2",
    "UPDATE parts SET id = id + 10000 WHERE id = {n}",
    "SELECT lo_put(content, 0, 'changed') FROM files WHERE name = 'file 7'",
)


@pytest.mark.native
@pytest.mark.parametrize("via", ["stream", "files"])
async def test_killed_at_random_instants(native_ends: Ends, folder: Path, via: str) -> None:
    await _killed(native_ends, job(native_ends, folder, via=via))


@pytest.mark.e2e
async def test_killed_on_the_embedded_pair(embedded_ends: Ends, folder: Path) -> None:
    await _killed(embedded_ends, job(embedded_ends, folder))


async def _killed(ends: Ends, work: CopyJob) -> None:
    dice = random.Random(SEED)
    # Steps of progress in one life; with files each piece is finished twice.
    most = 5 if work.options.via == "stream" else 12
    counts: list[tuple[int, ...]] = []
    for number in range(KILLS):
        await _live(work, Death(dice.randrange(most), dice.uniform(0, 0.03)))
        counts.append(await _counts(ends.target))
        if number % 4 == 3:
            await run(ends.source, _CHANGES[(number // 4) % len(_CHANGES)].format(n=number))
    for _ in range(IN_RECONCILING):
        await _live(work, Death(None, dice.uniform(0, 0.5)))
    assert await _live(work)
    assert await content(ends.target) == await content(ends.source)
    # The kills were spread over the migration, not all before or after it; a bundle of pieces is
    # one step of it.
    assert len(set(counts)) > KILLS // 5, counts


async def _live(work: CopyJob, death: Death | None = None) -> bool:
    """One life of the program; did it finish? It may do so before its death."""
    forking = multiprocessing.get_context("forkserver")
    forking.set_forkserver_preload([life.__module__])
    ours, theirs = forking.Pipe(duplex=False)
    process = forking.Process(target=life, args=(theirs, described(work), death))
    process.start()
    theirs.close()
    with suppress(EOFError):
        assert await asyncio.to_thread(ours.recv) == "done"
    await asyncio.to_thread(process.join)
    ours.close()
    assert process.exitcode in (0, -signal.SIGKILL), "the program ended by itself, unfinished"
    assert process.pid is not None
    for pid in children_of(process.pid):
        await gone(pid)
    return process.exitcode == 0


async def _counts(target: Endpoint) -> tuple[int, ...]:
    """How many pieces are waiting, in files, and on the target."""
    async with connected(target) as connection:
        found = await rows(
            connection,
            "SELECT count(*) FILTER (WHERE state = 'waiting'), "
            "count(*) FILTER (WHERE state = 'staged'), count(*) FILTER (WHERE state = 'done') "
            "FROM _tswizard.piece",
        )
    return found[0]
