"""ANALYZE, table by table, so that the first queries on the target are planned well."""

from psycopg import Error, sql
from psycopg.errors import Diagnostic, UndefinedTable

from tswizard.core.catalog.search_paths import set_path
from tswizard.core.db.connection import connected
from tswizard.core.db.errors import is_refusal, message_of
from tswizard.core.model.events import Unit
from tswizard.core.model.finding import Finding, Level
from tswizard.core.model.wording import plural
from tswizard.core.run.context import Context
from tswizard.core.run.method import MethodStep


async def analyze(ctx: Context) -> None:
    """Analyze every hypertable (with its chunks) and table that was moved.

    A table that cannot be analyzed is no loss: it is named, and autovacuum will come by.
    """
    inventory = ctx.task.inventory
    tables = [(h.schema, h.name) for h in inventory.hypertables]
    tables += [(t.schema, t.name) for t in inventory.tables]
    skipped: list[str] = []
    # Expressions of indexes are evaluated for their statistics.
    paths = {tried.key: tried.path for tried in inventory.hazards.expressions if tried.path}

    def notice(diagnostic: Diagnostic) -> None:
        skipped.append(diagnostic.message_primary or "")

    async with connected(ctx.task.target) as target:
        target.add_notice_handler(notice)
        for done, (schema, name) in enumerate(tables):
            await ctx.unpaused()
            ctx.progress(done, len(tables), Unit.ITEMS, f"{schema}.{name}")
            try:
                async with target.transaction():
                    if path := paths.get((schema, name)):
                        await set_path(target, path)
                    await target.execute(sql.SQL("ANALYZE {}").format(sql.Identifier(schema, name)))
            except UndefinedTable:
                continue  # that is the check's business
            except Error as error:
                if not is_refusal(error):
                    raise
                skipped.append(f"{schema}.{name}: {message_of(error)}")
    ctx.progress(len(tables), len(tables), Unit.ITEMS)
    if skipped:
        ctx.found(
            Finding(
                Level.LOOK,
                "not-analyzed",
                f"{plural(len(skipped), 'table')} could not be analyzed.",
                where=ctx.task.target.label,
                why="Only the planner's statistics are missing; no row is.",
                todo="Run ANALYZE as the tables' owner.",
                details=tuple(skipped),
            )
        )


ANALYZE = MethodStep(
    id="analyze",
    title="Analyze the target",
    what="Statistics for the planner; neither a restore nor a copy brings them.",
    action=analyze,
    again=True,
    commands=lambda _task: ("ANALYZE;  -- table by table",),
)
