"""One call of pg_restore on a part of the schema's dump, repeatable after a kill."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from psycopg.conninfo import make_conninfo

from tswizard.core.model.events import Unit
from tswizard.core.model.plan import Task
from tswizard.core.run.context import Context, ToolEnd, failed, shell
from tswizard.core.split.schema import grants
from tswizard.core.split.schema.dump import schema_dump_path
from tswizard.core.split.schema.target_session import SCHEMA_APPLICATION, schema_session
from tswizard.core.split.schema.toc import DumpEntry, write_use_list

_SUM = re.compile(r"errors ignored on restore: \d+")
_DONE = re.compile(r"^pg_restore: creating [A-Z ]+ ")


@dataclass(slots=True)
class RestoreProgress:
    """Entries that are made, and what is worked on now."""

    ctx: Context
    total: int = 0
    done: int = 0

    def line(self, text: str) -> None:
        """Take a line of pg_restore."""
        if _DONE.match(text):
            self.done = min(self.done + 1, self.total)
            self.tell(text.removeprefix("pg_restore: "))

    def tell(self, what: str = "") -> None:
        self.ctx.progress(self.done, self.total, Unit.ITEMS, what)


def use_list_path(task: Task, part: str) -> Path:
    """The list of entries of a part, e.g. `pre-data`."""
    return task.dump / f"{part}.list"


def schema_restore_command(
    task: Task, part: str, *, jobs: int = 1, again: bool = False
) -> tuple[str, ...]:
    """The pg_restore of a part; the password comes through the environment.

    `again` drops first what an interrupted restore of the same part had made: only objects of
    the list, and without CASCADE.
    """
    repeat = ("--clean", "--if-exists") if again else ()
    return (
        str(task.tools.pg_restore),
        "--no-password",
        "--verbose",
        "--no-owner",
        "--no-tablespaces",
        "--format=custom",
        f"--jobs={jobs}",
        *repeat,
        f"--use-list={use_list_path(task, part)}",
        f"--dbname={make_conninfo(task.target.conninfo, application_name=SCHEMA_APPLICATION)}",
        str(schema_dump_path(task)),
    )


def restore_command_text(task: Task, part: str, *, jobs: int = 1) -> str:
    """The same for Review."""
    return shell(schema_restore_command(task, part, jobs=jobs))


async def restore_entries(
    ctx: Context,
    entries: Sequence[DumpEntry],
    part: str,
    phase: str,
    *,
    jobs: int = 1,
    again: bool = False,
    progress: RestoreProgress | None = None,
) -> grants.WithheldGrants:
    """Restore these entries; what names a missing role is withheld.

    Raises StepFailed when pg_restore did not run to its end.
    """
    async with schema_session(ctx) as target:
        missing = await grants.missing_roles(target, ctx.task.inventory.roles_granted)
    withheld = await grants.withhold(ctx, entries, missing)
    chosen = [entry for entry in entries if entry.id not in withheld.ids]
    if chosen:
        write_use_list(use_list_path(ctx.task, part), chosen)
        progress = progress or RestoreProgress(ctx)
        progress.total = len(chosen)
        end = await ctx.run_tool(
            schema_restore_command(ctx.task, part, jobs=jobs, again=again),
            ctx.task.target,
            tool="pg_restore",
            phase=phase,
            on_line=progress.line,
        )
        if end.exit_code != 0 and not _SUM.search(end.last_line):
            raise _gave_up(end, ctx)
        progress.done = progress.total
        progress.tell()
    await grants.apply_grants(ctx, withheld, part)
    return withheld


def entry_labels(entries: Iterable[DumpEntry], schemas: Iterable[str]) -> tuple[str, ...]:
    """The entries as a person would say them."""
    known = tuple(schemas)
    return tuple(entry.label(known) for entry in entries)


def _gave_up(end: ToolEnd, ctx: Context) -> Exception:
    message = end.fatal.message if end.fatal else end.last_line
    return failed(
        "restore-failed",
        f"pg_restore gave up: {message}",
        where=ctx.task.target.label,
        why=f"It ended with exit code {end.exit_code}. The source was only read.",
        todo="Mend what it says, then resume: what this step had made is made again.",
    )
