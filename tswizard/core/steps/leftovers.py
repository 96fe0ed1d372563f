"""What a finished run leaves behind: the dump, and the record on the target, while they serve."""

import asyncio
from pathlib import Path

from tswizard.core.catalog.own_schema import OWN_SCHEMA
from tswizard.core.model.finding import Level
from tswizard.core.model.wording import size
from tswizard.core.run.context import Context, Leftovers
from tswizard.core.run.record import RunRecord
from tswizard.core.run.remove_run import folder_bytes
from tswizard.core.run.run_folder import RunFolder
from tswizard.core.steps.enable_jobs import ReadIds, left_paused
from tswizard.core.steps.target_marker import remove_record


async def leave_behind(ctx: Context, result: Level, read_ids: ReadIds) -> Leftovers:
    """Remove what nobody needs anymore, and say what is left to the user."""
    keep = ctx.task.answers.keep_dumps or result is Level.FAIL
    keep = keep or names_dump(ctx.run_folder.record, ctx.task.dump)
    if not keep:
        await ctx.run_folder.remove_dump()
    kept = keep and ctx.task.dump.exists()
    todo = (
        *_check_again(ctx, result),
        *await left_paused(ctx, read_ids),
        *await remove_record(ctx, keep=why_record_stays(ctx, result)),
        *((await asyncio.to_thread(dump_to_remove, ctx.run_folder),) if kept else ()),
    )
    return Leftovers(todo=todo, dump=str(ctx.task.dump) if kept else "")


def dump_to_remove(run_folder: RunFolder) -> tuple[str, str]:
    """Where a kept dump is, how much it takes, and the command that removes it with the run."""
    dump = run_folder.dump_path
    return (
        f"Remove the dump, {size(folder_bytes(dump))} in {dump}, with the run's folder when you no "
        "longer need either",
        f"tswizard runs --remove {run_folder.record.id}",
    )


def _check_again(ctx: Context, result: Level) -> tuple[tuple[str, str], ...]:
    if result is Level.PASS:
        return ()
    return (
        (
            "Fix what failed or needs a look, then check again",
            f"tswizard check {ctx.run_folder.record.id}",
        ),
    )


def names_dump(record: RunRecord, dump: Path) -> bool:
    """Does anything that is left to do name the dump, or a list in its folder?"""
    open_findings = (f for f in record.findings if f.level in (Level.LOOK, Level.FAIL))
    texts = [text for f in open_findings for text in (f.what, f.why, f.todo, *f.details)]
    texts += [j.todo for j in record.judged if not j.verdict.explained]
    return any(str(dump) in text for text in texts)


def why_record_stays(ctx: Context, result: Level) -> str:
    """What stays on the target, why, and until when, without a dot; empty when nothing does."""
    if ctx.task.answers.keep_record:
        return (
            f"The ledger (schema {OWN_SCHEMA} on the target) is kept, as you chose; drop it when "
            "it is no longer needed"
        )
    if result is Level.PASS:
        return ""
    return (
        f"A check that passes removes the run's record (schema {OWN_SCHEMA} on the target); if you "
        "will not check again, drop it"
    )
