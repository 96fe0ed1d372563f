"""Continuous aggregates that are refreshed from the raw rows, window by window, parents first.

A refresh commits by itself, and what is materialized is no longer invalid: so one that was
interrupted resumes with the windows that are left, and a window that is refreshed again has
nothing to do. https://docs.timescale.com/api/latest/continuous-aggregates/refresh_continuous_aggregate/
"""

from collections.abc import Iterator

from psycopg import Error

from tswizard.core.catalog.cagg_model import CaggState
from tswizard.core.catalog.cagg_state import read_cagg_states
from tswizard.core.db.connection import Connection
from tswizard.core.model.events import Unit
from tswizard.core.model.finding import Finding, Level
from tswizard.core.model.kept_history import lost_history, recomputed_caggs
from tswizard.core.model.plan import Task
from tswizard.core.model.wording import plural
from tswizard.core.run.context import Context, StepSkipped
from tswizard.core.split.caggs.refresh import Refresh, run_refresh
from tswizard.core.split.schema.cagg_facts import CaggFacts, read_cagg_facts
from tswizard.core.split.schema.execute import refusal_message
from tswizard.core.split.schema.target_session import schema_session

_WINDOWS = 20
"""Windows that one is refreshed in: enough to show progress and to lose little by a crash."""


async def recompute_caggs(ctx: Context) -> None:
    """Refresh every continuous aggregate whose rows were not copied, as far as it was refreshed on
    the source. Raises StepSkipped, CannotConnect, psycopg.Error."""
    wanted = recomputed_caggs(ctx.task.inventory, ctx.task.answers)
    if not wanted:
        raise StepSkipped("every continuous aggregate keeps its rows")
    refused = []
    async with schema_session(ctx) as target:
        refresh = await Refresh.of(target, ctx.task.target_server.timescaledb_schema or "public")
        facts = await read_cagg_facts(target)
        some = [(cagg, facts[cagg.label]) for cagg in wanted if cagg.label in facts]
        for done, (cagg, made) in enumerate(some):
            if cagg.state is None or cagg.state.valid_until is None:
                continue
            try:
                await _refresh(ctx, target, refresh, made, cagg.state, (done, len(some)))
            except Error as error:
                refused.append(f"{cagg.label}: {refusal_message(error)}")
    ctx.progress(len(some), len(some), Unit.ITEMS)
    for finding in _lost(ctx.task):
        ctx.found(finding)
    if refused:
        ctx.found(
            Finding(
                Level.FAIL,
                "caggs-not-refreshed",
                f"{plural(len(refused), 'continuous aggregate')} could not be refreshed.",
                where=ctx.task.target.label,
                why="See the server's message below.",
                todo="Fix it, then refresh them: CALL refresh_continuous_aggregate(…, NULL, NULL).",
                details=tuple(refused),
            )
        )


async def _refresh(
    ctx: Context,
    target: Connection,
    refresh: Refresh,
    made: CaggFacts,
    wanted: CaggState,
    place: tuple[int, int],
) -> None:
    """One of them; `place` is its number among all, and how many there are."""
    now = (await read_cagg_states(target, refresh.shape, [made.cagg.label]))[made.cagg.label]
    assert wanted.valid_until is not None
    if now.first_raw is None:
        return
    for start, end in windows(now, wanted.valid_until):
        await ctx.unpaused()
        done, total = place
        ctx.progress(done, total, Unit.ITEMS, made.cagg.label)
        try:
            await run_refresh(ctx, target, refresh.statement(made, now.time_type, start, end))
        except Error as error:
            if "refresh window too small" not in refusal_message(error):
                raise


def windows(state: CaggState, until: int) -> Iterator[tuple[int | None, int]]:
    """Half-open windows that hold all raw rows; the first one has no start, but for integers, whose
    log would be broken by it. Each holds whole buckets, and where their width varies they overlap
    by one, since a refresh leaves out what it holds a part of only."""
    assert state.first_raw is not None
    width = max(1, state.width)
    buckets = -(-(until - state.first_raw) // width) + 1
    step = max(1, -(-buckets // _WINDOWS)) * width
    start = until - -(-(until - state.first_raw) // step) * step
    if start > state.first_raw - width:
        start -= step
    overlap = 0 if state.fixed else width
    first = start
    while start < until:
        open_start = start == first and not state.integer
        yield None if open_start else start - overlap, min(until, start + step)
        start += step


def _lost(task: Task) -> Iterator[Finding]:
    lost = lost_history(task.inventory, task.answers)
    if lost:
        yield Finding(
            Level.LOOK,
            "cagg-history-lost",
            f"History of {plural(len(lost), 'continuous aggregate')} was lost by recomputing.",
            where=task.target.label,
            why="On the source they have buckets whose raw rows are gone.",
            todo="Nothing, if that was meant; the source still has them.",
            details=tuple(f"{label}: {words}" for label, words in lost.items()),
        )
