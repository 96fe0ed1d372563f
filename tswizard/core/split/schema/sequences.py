"""Sequences at the source's values: serial, identity and free ones.

A dump has them among the data (`SEQUENCE SET`), so without this the next insert would fail.
"""

from dataclasses import dataclass

from psycopg import sql

from tswizard.core.catalog.tables import NOT_USERS, not_member
from tswizard.core.db.connection import Connection, connected, rows
from tswizard.core.db.identifiers import qualified
from tswizard.core.model.events import Unit
from tswizard.core.model.finding import Finding, Level
from tswizard.core.run.context import Context, StepSkipped
from tswizard.core.split.schema.execute import literal, run_batch

_AT_ONCE = 500

_NAMES = f"""
SELECT n.nspname::text, c.relname::text,
  pg_catalog.has_schema_privilege(n.oid, 'USAGE')
    AND pg_catalog.has_sequence_privilege(c.oid, 'SELECT')
FROM pg_catalog.pg_class c
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind = 'S' AND c.relpersistence <> 't' AND {NOT_USERS}
  AND {not_member("pg_class", "c.oid")}
ORDER BY 1, 2
"""


@dataclass(frozen=True, slots=True)
class SequenceValue:
    """Where a sequence stands."""

    schema: str
    name: str
    last_value: int
    is_called: bool

    @property
    def label(self) -> str:
        return f"{self.schema}.{self.name}"

    @property
    def statement(self) -> str:
        """The SQL that puts it there."""
        called = "true" if self.is_called else "false"
        name = literal(qualified(self.schema, self.name))
        return f"SELECT pg_catalog.setval({name}, {self.last_value}, {called})"


async def read_values(
    connection: Connection,
) -> tuple[tuple[SequenceValue, ...], tuple[str, ...]]:
    """(every sequence's value as it is now, those that this role may not read).

    A sequence's value is outside of any snapshot; read after the rows it is never behind them.
    """
    found = await rows(connection, _NAMES)
    readable = [(schema, name) for schema, name, may in found if may]
    values: list[SequenceValue] = []
    for first in range(0, len(readable), _AT_ONCE):
        some = readable[first : first + _AT_ONCE]
        union = sql.SQL(" UNION ALL ").join(
            sql.SQL("SELECT {}::int, last_value, is_called FROM {}").format(
                sql.Literal(number), sql.Identifier(schema, name)
            )
            for number, (schema, name) in enumerate(some)
        )
        values += [
            SequenceValue(some[number][0], some[number][1], last, called)
            for number, last, called in await rows(connection, union)
        ]
    return tuple(values), tuple(f"{schema}.{name}" for schema, name, may in found if not may)


async def set_sequences(ctx: Context) -> None:
    """Set every sequence on the target; name those that cannot be read or set."""
    async with connected(ctx.task.source) as source:
        values, unreadable = await read_values(source)
    if not values and not unreadable:
        raise StepSkipped("the source has no sequence")
    refused = [f"{name}: this role may not read it on the source" for name in unreadable]
    async with connected(ctx.task.target) as target:
        for first in range(0, len(values), _AT_ONCE):
            await ctx.unpaused()
            ctx.progress(first, len(values), Unit.ITEMS)
            some = values[first : first + _AT_ONCE]
            refused += await run_batch(target, [value.statement for value in some])
    ctx.progress(len(values), len(values), Unit.ITEMS)
    if refused:
        ctx.found(
            Finding(
                Level.FAIL,
                "sequences-not-set",
                f"{len(refused)} of {len(values) + len(unreadable)} sequences could not be set.",
                where=ctx.task.target.label,
                why="The next insert that uses one may fail with a duplicate key.",
                todo="Set them as a role that may: SELECT setval('…', last_value, is_called);",
                details=tuple(refused),
            )
        )
