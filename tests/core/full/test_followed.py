"""What watchers hear of a dump and a restore grows with the looks at a tool's output, not with its
lines: there are several lines an entry, and tens of thousands of entries."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from tests.support import sample_inventory as sample
from tests.support.sample_task import prepared
from tests.support.step_context import StepRun, offline_context
from tswizard.core.db.toc import parse_toc_line
from tswizard.core.full.dump import FollowedDump
from tswizard.core.full.restore_progress import Entry, FollowedRestore
from tswizard.core.full.table_progress import Parts
from tswizard.core.model.events import Event, StepProgress, TableProgress, TableState

CHUNKS = 5_000
SCHEMA = "_timescaledb_internal"


@contextmanager
def context(folder: Path) -> Iterator[StepRun]:
    """A run whose only hypertable has that many chunks."""
    chunks = tuple(
        replace(sample.CHUNK, name=f"_hyper_1_{n}_chunk", compressed=False, compressed_table=None)
        for n in range(CHUNKS)
    )
    inventory = sample.inventory(hypertables=(replace(sample.HYPERTABLE, chunks=chunks),))
    ends = prepared()
    with offline_context(folder, ends.source, ends.target) as run:
        run.ctx.task = replace(run.ctx.task, inventory=inventory)
        run.ctx.step = "restore-rows"
        yield run


def entry(number: int) -> Entry:
    line = parse_toc_line(f"{number}; 0 1 TABLE DATA {SCHEMA} _hyper_1_{number}_chunk tsdbadmin")
    assert line is not None
    return Entry(line, 10)


def newest(events: list[Event]) -> tuple[StepProgress, TableProgress]:
    """The only two events that a look at the output gave."""
    step, table = events
    assert isinstance(step, StepProgress) and isinstance(table, TableProgress)
    return step, table


@pytest.mark.parametrize("parallel", [True, False])
def test_a_restore_of_many_entries(tmp_path: Path, parallel: bool) -> None:
    with context(tmp_path) as run:
        entries = tuple(map(entry, range(CHUNKS)))
        followed = FollowedRestore(
            ctx=run.ctx, entries=entries, parts=Parts(run.ctx), parallel=parallel, count=CHUNKS
        )
        lines = [
            text
            for n in range(CHUNKS)
            for text in (
                f"pg_restore: launching item {n} TABLE DATA _hyper_1_{n}_chunk",
                f'pg_restore: processing data for table "{SCHEMA}._hyper_1_{n}_chunk"',
                f"pg_restore: finished item {n} TABLE DATA _hyper_1_{n}_chunk",
            )
        ]
        followed.lines(lines[:-3])
        step, table = newest(run.events)
        # A serial restore says only that an entry begins.
        done = CHUNKS - 1 - (not parallel)
        assert (step.done, step.total, step.what) == (10 * done, 10 * CHUNKS, "public.readings")
        assert (table.done, table.total, table.state) == (done, CHUNKS, TableState.WORKING)
        run.events.clear()
        followed.lines(["pg_restore: entering main parallel loop"])
        assert run.events == []
        if parallel:
            followed.lines(lines[-3:])
            assert newest(run.events)[1].state is TableState.DONE


def test_a_dump_of_many_tables(tmp_path: Path) -> None:
    with context(tmp_path) as run:
        names = [f"{SCHEMA}._hyper_1_{n}_chunk" for n in range(CHUNKS)]
        followed = FollowedDump(ctx=run.ctx, sizes=dict.fromkeys(names, 10), parts=Parts(run.ctx))
        followed.lines(
            [
                text
                for name in names
                for text in (
                    f'pg_dump: dumping contents of table "{name}"',
                    f"pg_dump: finished item 7 TABLE DATA {name.removeprefix(f'{SCHEMA}.')}",
                )
            ]
        )
        step, table = newest(run.events)
        assert (step.done, step.total) == (10 * CHUNKS, 10 * CHUNKS)
        assert (table.done, table.state) == (CHUNKS, TableState.DONE)


def test_a_restore_of_many_entries_that_nobody_needs_to_know(tmp_path: Path) -> None:
    """There is one for each large object."""
    with context(tmp_path) as run:
        followed = FollowedRestore(
            ctx=run.ctx, entries=(), parts=Parts(run.ctx), parallel=False, count=CHUNKS
        )
        followed.lines([f'pg_restore: creating BLOB "{n}"' for n in range(CHUNKS - 1)])
        (step,) = run.events
        assert isinstance(step, StepProgress)
        assert (step.done, step.total) == (CHUNKS - 1, CHUNKS)
        assert step.what == f'creating BLOB "{CHUNKS - 2}"'
