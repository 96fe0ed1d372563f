"""SQL statements as text, run on the target: what Review shows is what runs."""

from collections.abc import Sequence
from dataclasses import dataclass

from psycopg import Error

from tswizard.core.db.connection import Connection
from tswizard.core.db.errors import is_refusal
from tswizard.core.db.identifiers import literal
from tswizard.core.model.events import Unit
from tswizard.core.run.context import Context

_BATCH = 500
"""Statements that are sent to the server at once."""


@dataclass(frozen=True, slots=True)
class Change:
    """Statements that change one object, run in one transaction."""

    label: str
    """The object, as a person would call it."""
    statements: tuple[str, ...]
    tables: frozenset[tuple[str, str]] = frozenset()
    """Schemas and names of the tables that it locks, as far as others are changed meanwhile."""


@dataclass(frozen=True, slots=True)
class RefusedChange:
    """A change that the server refused, and its message."""

    change: Change
    message: str

    @property
    def labeled(self) -> str:
        return f"{self.change.label}: {self.message}"

    @property
    def as_sql(self) -> str:
        """The statements, ready to be run by hand, with the message as a comment."""
        return f"{'; '.join(self.change.statements)};  -- {self.message}"


def path_statement(path: str | None) -> tuple[str, ...]:
    """The statement with which a transaction begins that needs a search_path; none without."""
    if not path:
        return ()
    return (f"SELECT pg_catalog.set_config('search_path', {literal(path)}, true)",)


async def run_statements(ctx: Context, target: Connection, *statements: str) -> None:
    """Run them in one transaction and one round trip, each shown in the log. Raises
    psycopg.Error."""
    for statement in statements:
        ctx.say(f"{statement};", "sql")
    await target.execute("; ".join(statements).encode())


async def run_changes(
    ctx: Context, target: Connection, changes: Sequence[Change]
) -> list[RefusedChange]:
    """Run each change in a transaction of its own: one that is refused holds up no other.

    Raises psycopg.Error when the connection is lost.
    """
    refused = []
    for done, change in enumerate(changes):
        await ctx.unpaused()
        ctx.progress(done, len(changes), Unit.ITEMS, change.label)
        try:
            await run_statements(ctx, target, *change.statements)
        except Error as error:
            refused.append(RefusedChange(change, refusal_message(error)))
    ctx.progress(len(changes), len(changes), Unit.ITEMS)
    return refused


async def run_batches(
    ctx: Context, target: Connection, statements: Sequence[str]
) -> list[RefusedChange]:
    """Run many small statements, each its own change, in few round trips.

    Raises psycopg.Error when the connection is lost.
    """
    refused = []
    for first in range(0, len(statements), _BATCH):
        await ctx.unpaused()
        ctx.progress(first, len(statements), Unit.ITEMS)
        refused += await _run_batch(target, statements[first : first + _BATCH])
    ctx.progress(len(statements), len(statements), Unit.ITEMS)
    return refused


async def _run_batch(target: Connection, statements: Sequence[str]) -> list[RefusedChange]:
    """All at once, as one implicit transaction; one by one where the server refuses that."""
    try:
        await target.execute("; ".join(statements).encode())
    except Error as error:
        refusal_message(error)
    else:
        return []
    refused = []
    for statement in statements:
        try:
            await target.execute(statement.encode())
        except Error as error:
            change = Change(statement, (statement,))
            refused.append(RefusedChange(change, refusal_message(error)))
    return refused


def refusal_message(error: Error) -> str:
    """Message, detail and hint of a server that refused a statement; any other error is raised
    again."""
    if not is_refusal(error):
        raise error
    diag = error.diag
    parts = (diag.message_primary, diag.message_detail, diag.message_hint)
    return " ".join(" ".join(part.split()) for part in parts if part)
