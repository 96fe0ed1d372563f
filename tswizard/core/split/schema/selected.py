"""The dump's entries, sorted by when they are restored."""

from tswizard.core.db.connection import connected
from tswizard.core.run.context import Context
from tswizard.core.split.schema.dump import contents
from tswizard.core.split.schema.toc_selection import Selection, read_special, select


async def selection(ctx: Context) -> Selection:
    """Read the dump and the source, and sort. Raises StepFailed."""
    async with connected(ctx.task.source) as source:
        special = await read_special(source)
    return select(await contents(ctx), special)
