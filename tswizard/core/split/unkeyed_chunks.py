"""Chunks that a run of an earlier version created before their hypertable had its primary key."""

from dataclasses import replace

from tswizard.core.db.connection import Connection, connected, rows
from tswizard.core.db.identifiers import qualified
from tswizard.core.run.context import Context
from tswizard.core.split.ledger import queue
from tswizard.core.split.ledger.plan_store import read_plan
from tswizard.core.split.plan.piece import PieceState
from tswizard.core.split.schema.early_keys import early_keys
from tswizard.core.split.schema.execute import run_statements
from tswizard.core.split.schema.target_session import schema_session

_DROPPED_AT_ONCE = 50
"""Chunks dropped in one transaction: each takes locks, of which a server has a limited number."""

_UNKEYED = """
SELECT n.nspname::text, c.relname::text
FROM unnest(%s::text[], %s::text[]) AS w (schema, name)
JOIN pg_catalog.pg_namespace n ON n.nspname = w.schema
JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relname = w.name
WHERE EXISTS (SELECT FROM pg_catalog.pg_inherits i WHERE i.inhparent = c.oid)
  AND NOT EXISTS (SELECT FROM pg_catalog.pg_constraint k
    WHERE k.conrelid = c.oid AND k.contype = 'p')
"""

_SOME_CHUNKS = """
SELECT n.nspname::text, c.relname::text
FROM pg_catalog.pg_inherits i
JOIN pg_catalog.pg_class c ON c.oid = i.inhrelid
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE i.inhparent = %s::pg_catalog.regclass LIMIT %s
"""


async def unkeyed_hypertables(ctx: Context) -> tuple[tuple[str, str], ...]:
    """Hypertables with chunks whose key should have come before them. Raises CannotConnect,
    psycopg.Error."""
    inventory = ctx.task.inventory
    early = early_keys(inventory.constraints, inventory, ctx.task.target_server)
    names = sorted({key.on for key in early})
    async with connected(ctx.task.target) as target:
        found = await rows(
            target, _UNKEYED, ([schema for schema, _ in names], [name for _, name in names])
        )
    return tuple((schema, name) for schema, name in found)


async def drop_unkeyed_chunks(ctx: Context, tables: tuple[tuple[str, str], ...]) -> None:
    """Drop all chunks of these hypertables, and have their rows copied again into new ones.

    Their pieces are given back first, so what is killed in between drops the rest. Raises
    CannotConnect, StepFailed, psycopg.Error.
    """
    async with schema_session(ctx) as target:
        for table in tables:
            ctx.say(
                f"the chunks of {'.'.join(table)} are created and copied again: so many have to "
                "come after its primary key"
            )
            await _give_back(target, table)
            arguments = (qualified(*table), _DROPPED_AT_ONCE)
            while chunks := await rows(target, _SOME_CHUNKS, arguments):
                names = ", ".join(qualified(schema, name) for schema, name in chunks)
                await run_statements(ctx, target, f"DROP TABLE {names}")


async def _give_back(target: Connection, table: tuple[str, str]) -> None:
    plan = await read_plan(target)
    if plan is None:
        return
    pieces = [
        replace(stored.piece, target_chunk=None, shell=None)
        for stored in await queue.read_pieces(target)
        if plan.tables[stored.piece.table_index].on_target == table
        and stored.state is not PieceState.GONE
    ]
    async with target.transaction():
        await queue.save_pieces(target, pieces)
        await queue.reset(target, pieces)
