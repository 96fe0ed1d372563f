"""Materialized views are filled by ourselves, not by pg_restore.

In restore mode compressed rows do not show (measured on 2.19.3 and 2.28.3), so a view that
pg_restore refreshes then is empty or wrong. And pg_restore has no search_path, without which a
view's functions may not find what they call.
"""

from psycopg import Error, sql

from tswizard.core.catalog.inventory import TableKind
from tswizard.core.catalog.search_paths import BARE, SearchPaths, set_path
from tswizard.core.catalog.tables import NOT_USERS, not_member
from tswizard.core.db.connection import Connection, connected, rows
from tswizard.core.db.errors import is_refusal, message_of
from tswizard.core.db.identifiers import qualified
from tswizard.core.model.events import Unit
from tswizard.core.model.finding import Finding, Level
from tswizard.core.model.plan import Task
from tswizard.core.run.context import Context, StepSkipped
from tswizard.core.run.method import MethodStep

# Mostly in the order in which they were created, hence can be filled; see `refresh_views`.
_FILLED = f"""
SELECT n.nspname::text, c.relname::text, pg_catalog.pg_get_userbyid(c.relowner)::text,
  pg_catalog.quote_ident(n.nspname)
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind = 'm' AND c.relispopulated AND {NOT_USERS} AND {not_member("pg_class", "c.oid")}
ORDER BY c.oid
"""

_THERE = """
SELECT n.nspname::text, c.relname::text
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind = 'm'
"""

_View = tuple[str, str, str, str]
"""Schema, name, owner, quoted schema."""


def has_views(task: Task) -> bool:
    """Has the source materialized views?"""
    return any(table.kind is TableKind.MATVIEW for table in task.inventory.tables)


async def refresh_views(ctx: Context) -> None:
    """Fill on the target what is filled on the source, and name what cannot be.

    A view that reads another one is refused until that one is filled: so whatever is refused is
    tried again, as long as others succeed. Raises StepSkipped, CannotConnect, psycopg.Error.
    """
    async with connected(ctx.task.source) as source:
        wanted: list[_View] = [(a, b, c, d) for a, b, c, d in await rows(source, _FILLED)]
        paths = await SearchPaths.read(source)
    async with connected(ctx.task.target) as target:
        there = set(await rows(target, _THERE))
        waiting = [view for view in wanted if view[:2] in there]
        if not waiting:
            raise StepSkipped("no materialized view has to be filled")
        total, refused = len(waiting), dict[_View, str]()
        while waiting:
            refused = {}
            for view in waiting:
                await ctx.unpaused()
                ctx.progress(total - len(waiting), total, Unit.ITEMS, f"{view[0]}.{view[1]}")
                if (why := await _refresh(target, view, paths)) is not None:
                    refused[view] = why
            if len(refused) == len(waiting):
                break
            waiting = list(refused)
    ctx.progress(total, total, Unit.ITEMS)
    for view, why in refused.items():
        ctx.found(
            Finding(
                Level.FAIL,
                "view-not-filled",
                f"The materialized view {view[0]}.{view[1]} could not be filled: {why}.",
                where=ctx.task.target.label,
                todo="Fix the cause, then run on the target: REFRESH MATERIALIZED VIEW "
                f"{qualified(view[0], view[1])};",
            )
        )


async def _refresh(target: Connection, view: _View, paths: SearchPaths) -> str | None:
    """Why it could not be refreshed with any search_path: the first refusal."""
    schema, name, owner, quoted = view
    command = sql.SQL("REFRESH MATERIALIZED VIEW {}").format(sql.Identifier(schema, name))
    refusal = None
    for path in (BARE, *paths.candidates(owner, (quoted,))):
        try:
            async with target.transaction():
                await set_path(target, path)
                await target.execute(command)
        except Error as error:
            if not is_refusal(error):
                raise
            refusal = refusal or message_of(error)
            if (error.sqlstate or "")[:2] != "42":  # nothing that a search_path could find
                return refusal
        else:
            return None
    return refusal


REFRESH_VIEWS = MethodStep(
    id="refresh-materialized-views",
    title="Fill materialized views",
    what="Those that are filled on the source, once all rows can be read.",
    action=refresh_views,
    again=True,
    commands=lambda task: (
        f"REFRESH MATERIALIZED VIEW {table.sql};"
        for table in task.inventory.tables
        if table.kind is TableKind.MATVIEW
    ),
    when=has_views,
)
"""The step of both methods."""
