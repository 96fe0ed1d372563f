"""SQL as text: what Review shows is what runs."""

from collections.abc import Sequence

from psycopg import Error, sql

from tswizard.core.db.connection import Connection
from tswizard.core.db.errors import is_refusal
from tswizard.core.run.context import Context


def literal(text: str) -> str:
    """A string as SQL writes it."""
    return sql.Literal(text).as_string(None)


def identifier(name: str) -> str:
    """A name, always quoted."""
    return sql.Identifier(name).as_string(None)


async def run_statements(ctx: Context, target: Connection, *statements: str) -> None:
    """Run them in one transaction, each shown in the log. Raises psycopg.Error."""
    async with target.transaction():
        for statement in statements:
            ctx.say(f"{statement};", "sql")
            await target.execute(statement.encode())


async def run_batch(target: Connection, statements: Sequence[str]) -> list[str]:
    """Run them all at once; one by one where the server refuses that. What was refused then, each
    with the server's words. Raises psycopg.Error when the connection is gone."""
    try:
        await target.execute("; ".join(statements).encode())
    except Error as error:
        refusal(error)
    else:
        return []
    refused = []
    for statement in statements:
        try:
            await target.execute(statement.encode())
        except Error as error:
            refused.append(f"{statement};  -- {refusal(error)}")
    return refused


def refusal(error: Error) -> str:
    """What the server said, when it refused this statement; raises the error again when the
    connection itself is gone."""
    if not is_refusal(error):
        raise error
    diag = error.diag
    parts = (diag.message_primary, diag.message_detail, diag.message_hint)
    return " ".join(" ".join(part.split()) for part in parts if part)
