"""Some entries of the schema's dump on the target, repeatable after a kill: many at once, and by
pg_restore what cannot be sent like that."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from psycopg.conninfo import make_conninfo

from tswizard.core.catalog.roles import missing_roles
from tswizard.core.dump.send_entries import send_entries
from tswizard.core.dump.toc import DumpEntry, write_use_list
from tswizard.core.model.events import Unit
from tswizard.core.model.plan import Task
from tswizard.core.run.context import Context, ToolEnd, failed, shell
from tswizard.core.split.schema.dump import read_schema_toc, schema_dump_path
from tswizard.core.split.schema.grants import (
    WithheldGrants,
    apply_grants,
    withhold_grants,
)
from tswizard.core.split.schema.quick_entries import quick_lots
from tswizard.core.split.schema.target_session import SCHEMA_APPLICATION, schema_session

_CREATING = re.compile(r"^pg_restore: creating [A-Z ]+ ")


@dataclass(slots=True)
class RestoreProgress:
    """Entries that are restored, and what is being worked on."""

    ctx: Context
    total: int = 0
    done: int = 0

    def lines(self, texts: list[str]) -> None:
        """Take lines of pg_restore's output."""
        created = [text for text in texts if _CREATING.match(text)]
        if created:
            self.done = min(self.done + len(created), self.total)
            self.report(created[-1].removeprefix("pg_restore: "))

    def sent(self, number: int) -> None:
        """So many were sent at once and are committed."""
        self.done += number
        self.report()

    def report(self, what: str = "") -> None:
        self.ctx.progress(self.done, self.total, Unit.ITEMS, what)


def use_list_path(task: Task, part: str) -> Path:
    """The list of a part's entries, e.g. of `pre-data`."""
    return task.dump / f"{part}.list"


def schema_restore_command(
    task: Task, part: str, *, jobs: int = 1, drop_first: bool = False
) -> tuple[str, ...]:
    """The pg_restore of a part; the password comes through the environment.

    `drop_first` drops what an interrupted restore of the same part created: only objects of the
    list, and without CASCADE.
    """
    clean = ("--clean", "--if-exists") if drop_first else ()
    conninfo = make_conninfo(task.target.lasting_conninfo, application_name=SCHEMA_APPLICATION)
    return (
        str(task.tools.pg_restore),
        "--no-password",
        "--verbose",
        "--no-owner",
        "--no-tablespaces",
        "--format=custom",
        f"--jobs={jobs}",
        *clean,
        f"--use-list={use_list_path(task, part)}",
        f"--dbname={conninfo}",
        str(schema_dump_path(task)),
    )


def restore_command_text(task: Task, part: str, *, jobs: int = 1) -> str:
    """The same as Review shows it."""
    return shell(schema_restore_command(task, part, jobs=jobs))


async def restore_entries(
    ctx: Context,
    entries: Sequence[DumpEntry],
    part: str,
    phase: str,
    *,
    jobs: int = 1,
    drop_first: bool = False,
    progress: RestoreProgress | None = None,
) -> WithheldGrants:
    """Restore these entries, except grants and policies that name a role the target lacks: those
    are returned.

    `part` names the list; `phase` is the one that the classifier knows. Raises StepFailed when
    pg_restore did not run to its end.
    """
    progress = progress or RestoreProgress(ctx)
    async with schema_session(ctx) as target:
        missing = await missing_roles(target, ctx.task.inventory.roles_granted)
        withheld = await withhold_grants(ctx, entries, missing)
        chosen = [entry for entry in entries if entry.id not in withheld.ids]
        progress.total = len(chosen)
        write_use_list(use_list_path(ctx.task, part), chosen)
        sent: frozenset[int] = frozenset()
        if chosen and not drop_first:
            lots = quick_lots(await read_schema_toc(ctx), chosen, ctx.task.inventory)
            dump = schema_dump_path(ctx.task)
            sent = await send_entries(ctx, (target,), dump, lots, progress.sent)
    rest = [entry for entry in chosen if entry.id not in sent]
    if rest:
        left = f"{part}-rest" if sent else part
        write_use_list(use_list_path(ctx.task, left), rest)
        await _restore(ctx, left, phase, progress, jobs=jobs, drop_first=drop_first)
    await apply_grants(ctx, withheld, part)
    return withheld


async def _restore(
    ctx: Context, part: str, phase: str, progress: RestoreProgress, *, jobs: int, drop_first: bool
) -> None:
    end = await ctx.run_tool(
        schema_restore_command(ctx.task, part, jobs=jobs, drop_first=drop_first),
        ctx.task.target,
        tool="pg_restore",
        phase=phase,
        on_lines=progress.lines,
    )
    if not end.reached_the_end:
        raise _restore_failed(end, ctx)
    progress.done = progress.total
    progress.report()


def entry_labels(entries: Iterable[DumpEntry], schemas: Iterable[str]) -> tuple[str, ...]:
    """Kinds and names of entries as a person would say them."""
    known = tuple(schemas)
    return tuple(entry.label(known) for entry in entries)


def _restore_failed(end: ToolEnd, ctx: Context) -> Exception:
    return failed(
        "restore-failed",
        f"pg_restore failed: {end.last_words}",
        where=ctx.task.target.label,
        why=f"It ended with exit code {end.exit_code}. The source was only read.",
        todo="Fix the problem above, then resume; this step is repeated.",
    )
