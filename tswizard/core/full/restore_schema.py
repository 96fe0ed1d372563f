"""The restore's first phase: everything before rows, but for privileges: an owner who has revoked
its own INSERT could restore none (`restore_post_data.py` has them).

A chunk is a table or two of its own, and pg_restore waits for each of its statements: so they are
sent many at a time (`core/dump/send_entries.py`), and pg_restore restores what is left.
"""

from collections.abc import Sequence

from tswizard.core.catalog.inventory import Inventory
from tswizard.core.db.connection import connected
from tswizard.core.dump.send_entries import lots_of, send_entries
from tswizard.core.dump.toc import PRE, DumpEntry, in_order_of_restore, read_toc
from tswizard.core.full.restore import Phase, listed, run_phase
from tswizard.core.full.restore_progress import FollowedRestore
from tswizard.core.full.table_progress import Parts
from tswizard.core.run.context import Context

_MANY_LARGE_OBJECTS = 10_000
"""Each is an entry of its own before PostgreSQL 17: too many to be looked at one by one."""


def only_by_pg_restore(inventory: Inventory) -> bool:
    """Are no entries sent many at a time, whatever they are?"""
    # In which tablespace a table lies is set between entries, for all that follow.
    return bool(inventory.extras.tablespaces) or inventory.large_objects > _MANY_LARGE_OBJECTS


async def restore_schema(ctx: Context) -> None:
    """Restore it. Raises StepFailed, CannotConnect, psycopg.Error."""
    entries = await _entries(ctx)
    watch = FollowedRestore(
        ctx=ctx, entries=(), parts=Parts(ctx), parallel=False, count=len(entries)
    )
    sent: frozenset[int] = frozenset()
    if not only_by_pg_restore(ctx.task.inventory):
        # Restore mode is on in sessions that begin after it.
        async with connected(ctx.task.target, fresh=True) as target:
            sent = await send_entries(ctx, (target,), ctx.task.dump, _lots(entries), watch.sent)
    rest = [entry for entry in entries if entry.id not in sent]
    if rest:
        await run_phase(ctx, Phase.SCHEMA, listed(ctx, "restore-schema", rest), watch.lines)
    ctx.progress(watch.total, watch.total, watch.unit)


async def _entries(ctx: Context) -> Sequence[DumpEntry]:
    section = (await read_toc(ctx.task.tools, ctx.task.dump)).section(PRE)
    return in_order_of_restore([entry for entry in section if not entry.is_grant])


def _lots(entries: Sequence[DumpEntry]) -> list[Sequence[DumpEntry]]:
    """All but large objects, which pg_restore creates many at a time."""
    some = [e for e in entries if "LARGE OBJECT" not in e.text and not e.kind.startswith("BLOB")]
    return lots_of(some)
