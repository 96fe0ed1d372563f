"""CHECK constraints that may refuse valid rows while they are loaded: they come after the rows.

One that reads another table depends on the order in which tables are loaded, one that reads the
clock or a setting on when and where that happens. Such a constraint is dropped from the empty table
and added again once all rows are there: NOT VALID, so that no row is refused, then validated.
"""

from psycopg import Error

from tswizard.core.catalog.hazard_model import TriedExpression
from tswizard.core.db.connection import connected, rows
from tswizard.core.db.identifiers import identifier, literal, qualified
from tswizard.core.model.finding import Finding, Level
from tswizard.core.run.context import Context
from tswizard.core.split.schema.execute import (
    path_statement,
    refusal_message,
    run_statements,
)
from tswizard.core.split.schema.target_session import schema_session

_DEFINITIONS = """
SELECT n.nspname::text, c.relname::text, k.conname::text,
  pg_catalog.pg_get_constraintdef(k.oid), k.convalidated,
  pg_catalog.obj_description(k.oid, 'pg_constraint')
FROM pg_catalog.pg_constraint k
JOIN pg_catalog.pg_class c ON c.oid = k.conrelid
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE k.contype = 'c'
"""

_Key = tuple[str, str, str]
_Definition = tuple[str, bool, str | None]


def _of(checks: tuple[TriedExpression, ...]) -> dict[_Key, TriedExpression]:
    """Those that a table has by itself, by schema, table and name."""
    return {(t.schema, t.table, t.name): t for t in checks if not t.inherited}


async def drop_late_checks(ctx: Context) -> None:
    """Drop them from the empty tables. Raises psycopg.Error."""
    checks = _of(ctx.task.inventory.hazards.late_checks)
    if not checks:
        return
    async with schema_session(ctx) as target:
        await run_statements(
            ctx,
            target,
            *(
                f"ALTER TABLE IF EXISTS {qualified(schema, table)} "
                f"DROP CONSTRAINT IF EXISTS {identifier(name)}"
                for schema, table, name in checks
            ),
        )
    ctx.say(f"{len(checks)} CHECK constraints wait for the rows: they may depend on more than one")


async def add_late_checks(ctx: Context) -> None:
    """Add those that the target lacks, and validate them; name what cannot be. Raises
    CannotConnect, psycopg.Error."""
    checks = _of(ctx.task.inventory.hazards.late_checks)
    if not checks:
        return
    async with connected(ctx.task.source) as source:
        wanted = {(a, b, c): (d, v, t) for a, b, c, d, v, t in await rows(source, _DEFINITIONS)}
    async with schema_session(ctx) as target:
        there = {(a, b, c): v for a, b, c, _, v, _ in await rows(target, _DEFINITIONS)}
        for key, tried in checks.items():
            if key not in wanted:
                continue
            await ctx.unpaused()
            definition = wanted[key]
            table, name = qualified(*key[:2]), identifier(key[2])
            steps = []
            if key not in there:
                steps.append(_adding(table, name, definition))
            if definition[1] and not there.get(key, False):
                steps.append((f"ALTER TABLE {table} VALIDATE CONSTRAINT {name}",))
            for statements in steps:
                try:
                    await run_statements(ctx, target, *path_statement(tried.path), *statements)
                except Error as error:
                    ctx.found(_refused(ctx, tried, statements[0], refusal_message(error)))
                    break


def _adding(table: str, name: str, definition: _Definition) -> tuple[str, ...]:
    text = definition[0].removesuffix(" NOT VALID")
    statements = (f"ALTER TABLE {table} ADD CONSTRAINT {name} {text} NOT VALID",)
    if definition[2] is None:
        return statements
    comment = f"COMMENT ON CONSTRAINT {name} ON {table} IS {literal(definition[2])}"
    return (*statements, comment)


def _refused(ctx: Context, tried: TriedExpression, statement: str, why: str) -> Finding:
    return Finding(
        Level.LOOK if "VALIDATE" in statement else Level.FAIL,
        "check-not-valid" if "VALIDATE" in statement else "check-missing",
        f"The {tried.label} "
        + ("stays NOT VALID" if "VALIDATE" in statement else "could not be added")
        + f": {why}",
        where=ctx.task.target.label,
        why="All rows are on the target; some violate it, as on the source. New rows are checked."
        if "VALIDATE" in statement
        else "",
        todo=f"Fix the rows or the constraint, then run on the target: {statement};",
    )
