"""ANALYZE, so that the first queries on the target are planned well.

A hypertable by itself, outside of a transaction: its chunks are analyzed one after the other then,
each with its own locks. Many plain tables at a time, for a distant target.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice

from psycopg import Error, sql
from psycopg.errors import Diagnostic, UndefinedTable

from tswizard.core.catalog.inventory import Inventory, TableKind
from tswizard.core.db.connection import Connection, connected
from tswizard.core.db.errors import is_refusal, message_of
from tswizard.core.model.events import Unit
from tswizard.core.model.finding import Finding, Level
from tswizard.core.model.wording import plural
from tswizard.core.run.context import Context
from tswizard.core.run.method import MethodStep

_Name = tuple[str, str]
"""Schema and name."""

_AT_ONCE = 50
"""Plain tables that are analyzed by one round trip, in one transaction."""


async def analyze(ctx: Context) -> None:
    """Analyze every hypertable (with its chunks) and table that was moved.

    A table that cannot be analyzed is no loss: it is named, and autovacuum will come by. Raises
    CannotConnect, psycopg.Error.
    """
    inventory = ctx.task.inventory
    total = len(inventory.hypertables) + len(inventory.tables)
    # Expressions of indexes are evaluated for their statistics.
    paths = {tried.key: tried.path for tried in inventory.hazards.expressions if tried.path}
    skipped: list[str] = []

    def notice(diagnostic: Diagnostic) -> None:
        skipped.append(diagnostic.message_primary or "")

    done = 0
    async with connected(ctx.task.target) as target:
        target.add_notice_handler(notice)
        for some in _batches(inventory, paths):
            await ctx.unpaused()
            ctx.progress(done, total, Unit.ITEMS, ".".join(some[0]))
            skipped += await _analyze(target, some, paths.get(some[0], ""))
            done += len(some)
    ctx.progress(total, total, Unit.ITEMS)
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


def _batches(inventory: Inventory, paths: Mapping[_Name, str]) -> Iterator[list[_Name]]:
    """Tables that are analyzed together: one that needs a path, and a hypertable, by itself."""
    # Not foreign ones, as ANALYZE of a whole database: their servers may be out of reach.
    tables = [table for table in inventory.tables if table.kind is not TableKind.FOREIGN]
    names = [(table.schema, table.name) for table in tables]
    yield from ([(h.schema, h.name)] for h in inventory.hypertables)
    yield from ([name] for name in names if name in paths)
    others = iter([name for name in names if name not in paths])
    while some := list(islice(others, _AT_ONCE)):
        yield some


async def _analyze(target: Connection, tables: Sequence[_Name], path: str) -> list[str]:
    """Analyze them, all at once or, where one is refused, one by one; what is refused."""
    statements = [sql.SQL("ANALYZE {}").format(sql.Identifier(*name)) for name in tables]
    try:
        if path:
            await target.execute("SELECT pg_catalog.set_config('search_path', %s, false)", (path,))
        await target.execute(sql.SQL("; ").join(statements))
    except Error as error:
        if not is_refusal(error):
            raise
        if len(tables) == 1:
            gone = isinstance(error, UndefinedTable)  # that is the check's business
            return [] if gone else [f"{'.'.join(tables[0])}: {message_of(error)}"]
    else:
        return []
    finally:
        if path:
            await target.execute("SET search_path = pg_catalog")
    return [refused for name in tables for refused in await _analyze(target, [name], path)]


ANALYZE = MethodStep(
    id="analyze",
    title="Analyze the target",
    what="Statistics for the planner; neither a restore nor a copy brings them.",
    action=analyze,
    again=True,
    commands=lambda _task: ("ANALYZE;  -- table by table",),
)
