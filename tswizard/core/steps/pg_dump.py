"""pg_dump, run again when a lock of another session has ended it.

A worker of a parallel dump does not wait for a lock: it gives up when somebody waits for one that
excludes it, as TimescaleDB's jobs do ("could not obtain lock on relation"). That passes.
https://www.postgresql.org/docs/current/app-pgdump.html (--jobs)
"""

from collections.abc import Awaitable, Callable, Sequence

from tenacity import RetryCallState

from tswizard.core.db.retry import DUMPING
from tswizard.core.run.context import Context, ToolEnd

_BY_LOCK = "dump-deadlock"
"""The classifier's rule for both."""


async def run_pg_dump(
    ctx: Context,
    argv: Sequence[str],
    remove: Callable[[], Awaitable[None]],
    on_lines: Callable[[list[str]], None] = lambda _lines: None,
) -> ToolEnd:
    """Run it on the source; how it ended. Between two attempts `remove` takes away what the first
    has left."""
    before = len(ctx.judged)

    async def dump() -> ToolEnd:
        return await ctx.run_tool(
            argv, ctx.task.source, tool="pg_dump", phase="dump", on_lines=on_lines
        )

    async def again(state: RetryCallState) -> None:
        assert state.next_action is not None
        await remove()
        del ctx.judged[before:]  # nothing of that attempt is in the dump
        ctx.say(
            "a lock of another session has ended pg_dump; dumping again in "
            f"{state.next_action.sleep:.0f} s (attempt {state.attempt_number + 1} of "
            f"{DUMPING.attempts})"
        )

    end: ToolEnd = await DUMPING.repeating(ended_by_lock, again)(dump)
    return end


def ended_by_lock(end: ToolEnd) -> bool:
    """Did it give up because of another session's lock?"""
    return end.exit_code != 0 and any(judged.rule == _BY_LOCK for judged in end.judged)
