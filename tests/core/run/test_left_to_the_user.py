"""What a run leaves to the user: nothing that contradicts its result, and true statements."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from tests.support.native import TARGET, database, named
from tests.support.sample_inventory import RETENTION
from tests.support.sample_task import prepared
from tests.support.step_context import StepRun, offline_context
from tswizard.core.db.connection import connected
from tswizard.core.db.errors import CannotConnect
from tswizard.core.model.finding import Finding, Level
from tswizard.core.model.outcome import Outcome
from tswizard.core.run.context import Context, Leftovers, PutBack
from tswizard.core.run.finish import finish
from tswizard.core.steps.enable_jobs import left_paused, wake_scheduler

JOBS = (
    RETENTION,
    replace(RETENTION, id=1001, proc_name="policy_compression"),
    replace(RETENTION, id=1002, proc_name="policy_refresh_continuous_aggregate"),
    replace(RETENTION, id=1003, proc_schema="app", proc_name="tidy", scheduled=False),
    replace(RETENTION, id=1004, proc_schema="app", proc_name="report"),
)


class NothingHeld:
    """A method's run with one thing left to the user."""

    async def before_step(self) -> None:
        return

    async def save_record(self) -> None:
        return

    def to_put_back(self, ctx: Context) -> tuple[PutBack, ...]:
        return ()

    async def tidy_up(self, ctx: Context, result: Level) -> Leftovers:
        return Leftovers(todo=(("look after it", ""),))

    async def close(self) -> None:
        return


@pytest.fixture
def ctx(tmp_path: Path) -> Iterator[Context]:
    held = prepared()
    with offline_context(tmp_path, held.source, held.target) as run:
        yield with_jobs(run)


def with_jobs(run: StepRun) -> Context:
    run.ctx.task = replace(run.task, inventory=replace(run.task.inventory, jobs=JOBS))
    return run.ctx


async def ended(ctx: Context, level: Level) -> Outcome:
    finding = Finding(level, "schema-missing", "a table is missing")
    ctx.run_folder.save(replace(ctx.run_folder.record, leaving=(finding,)))
    return await finish(ctx, NothingHeld())


async def test_after_a_failure_nobody_is_told_to_use_the_target_or_drop_the_source(
    ctx: Context,
) -> None:
    outcome = await ended(ctx, Level.FAIL)
    assert [text for text, _ in outcome.todo] == [
        "Do not use the target yet: see what failed above",
        "look after it",
    ]


async def test_else_the_applications_move_first_and_the_source_goes_last(ctx: Context) -> None:
    outcome = await ended(ctx, Level.LOOK)
    first, then, last = (text for text, _ in outcome.todo)
    assert first.startswith("Point applications at the new host ")
    assert then == "look after it"
    assert last.startswith("Keep ") and last.endswith("then delete it")


async def test_jobs_left_paused_are_enabled_by_their_ids_on_the_target_retention_last(
    ctx: Context,
) -> None:
    async def of_target(_ctx: Context) -> Mapping[int, int]:
        return {1000: 7, 1001: 8, 1002: 9, 1003: 10}  # 1004 is not there

    ((_, statement),) = await left_paused(ctx, of_target)
    assert re.findall(r"\((\d), (\d+), ", statement) == [("1", "9"), ("2", "8"), ("3", "7")]
    # 1003 is paused on the source. Nothing forgets its time zone, or runs at once.
    assert "timezone => timezone, next_start => at" in statement


async def test_without_the_target_the_user_is_told_all_the_same(ctx: Context) -> None:
    async def gone(_ctx: Context) -> Mapping[int, int]:
        raise CannotConnect("nothing listens there", "start it")

    ((text, statement),) = await left_paused(ctx, gone)
    assert "retention last" in text
    assert statement == ""


@pytest.mark.native
async def test_a_scheduler_that_cannot_be_told_of_jobs_is_named(ctx: Context) -> None:
    async with database(named(TARGET)) as end:
        async with connected(end) as target:
            await wake_scheduler(ctx, target)
            assert "scheduler" not in ctx.run_folder.log_path.read_text()
            await target.execute("DROP EXTENSION timescaledb")
        async with connected(end) as target:
            await wake_scheduler(ctx, target)
    said = ctx.run_folder.log_path.read_text()
    assert "job scheduler could not be told of the enabled jobs" in said
    assert "does not exist" in said
