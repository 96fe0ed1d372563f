"""Drops on the target what the user left out: a dump brings everything, and TimescaleDB's catalog
could not be restored without it."""

from collections.abc import Iterator

from psycopg import Error

from tswizard.core.db.connection import connected, rows
from tswizard.core.db.errors import is_refusal, message_of
from tswizard.core.model.events import Unit
from tswizard.core.model.finding import Finding, Level
from tswizard.core.model.object_selection import ObjectSet, left_out
from tswizard.core.model.plan import Task
from tswizard.core.run.context import Context


def something_left_out(task: Task) -> bool:
    return bool(left_out(task.inventory, task.answers))


def dropping(task: Task) -> Iterator[str]:
    """The statements, children first. None cascades: only what is named is dropped."""
    out = left_out(task.inventory, task.answers)
    for dependent in reversed(out.dependents):
        yield f"DROP {dependent.kind.upper()} IF EXISTS {dependent.identity};"
    for cagg in reversed(out.caggs):
        yield f"DROP MATERIALIZED VIEW IF EXISTS {cagg.sql};"
    for id in _to_delete(out):
        yield _deletion(task, id)


def _to_delete(out: ObjectSet) -> tuple[int, ...]:
    """Policies of a continuous aggregate go with it."""
    gone = {cagg.label for cagg in out.caggs}
    return tuple(job.id for job in out.jobs if job.target not in gone)


def _deletion(task: Task, job: int) -> str:
    return f"SELECT {task.target_server.timescaledb_schema or 'public'}.delete_job({job});"


async def drop_left_out(ctx: Context) -> None:
    """Drop all of it. What the server refuses stays, and is named with its statement."""
    out = left_out(ctx.task.inventory, ctx.task.answers)
    for what, names in out.lines():
        ctx.say(f"left out, so dropped here: {what}: {', '.join(names)}")
    async with connected(ctx.task.target) as target:
        there = {id for (id,) in await rows(target, "SELECT id FROM _timescaledb_config.bgw_job")}
        deleted = {_deletion(ctx.task, id) for id in _to_delete(out) if id not in there}
        statements = [text for text in dropping(ctx.task) if text not in deleted]
        for done, statement in enumerate(statements):
            await ctx.unpaused()
            ctx.progress(done, len(statements), Unit.ITEMS, statement)
            ctx.say(statement, "sql")
            try:
                await target.execute(statement.encode())
            except Error as error:
                if not is_refusal(error):
                    raise
                ctx.found(_refused(ctx, statement, error))
    ctx.progress(len(statements), len(statements), Unit.ITEMS)


def _refused(ctx: Context, statement: str, error: Error) -> Finding:
    return Finding(
        Level.LOOK,
        "left-out-not-dropped",
        "Something that you left out could not be dropped on the target.",
        where=ctx.task.target.label,
        why=f"Server error: {message_of(error)}. {error.diag.message_detail or ''}".rstrip(),
        todo=f"Run it yourself: {statement}",
    )
