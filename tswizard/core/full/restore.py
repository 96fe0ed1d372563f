"""The restore: four phases of pg_restore in the order that the extension's catalog requires. The
first and the last are in `restore_schema.py` and `restore_post_data.py`.

A plain `pg_restore -j` loads the extension's own tables side by side and breaks their foreign
keys (timescale/timescaledb#698): so the catalog is restored by itself, before the rows.
"""

import re
from collections.abc import Callable, Iterable
from enum import Enum
from pathlib import Path

from tswizard.core.db.toc import TocLine, parse_toc_line
from tswizard.core.dump.dump_output import dump_output
from tswizard.core.dump.toc import write_use_list
from tswizard.core.full.dump import dump_files
from tswizard.core.full.empty_tables import empty_tables
from tswizard.core.full.restore_progress import Entry, FollowedRestore
from tswizard.core.full.table_progress import Parts
from tswizard.core.full.tablespaces import detach_lacking_tablespaces, lacking_tablespaces
from tswizard.core.model.plan import Task
from tswizard.core.model.verdict import Verdict
from tswizard.core.model.wording import plural
from tswizard.core.run.context import Context, ToolEnd, failed

_CATALOG = ("_timescaledb_catalog", "_timescaledb_config")
# Without these no chunk can be found; without the rest of the catalog only what it names is lost.
_ESSENTIAL = re.compile(
    r"_timescaledb_catalog\.(hypertable|dimension|dimension_slice|chunk|chunk_constraint|"
    r"continuous_agg|compression_settings|hypertable_compression)$"
)


class Phase(Enum):
    """The four calls: phase's name for the classifier, and its selection of TOC entries."""

    SCHEMA = ("pre-data", ("--section=pre-data",), False)
    CATALOG = ("catalog", ("--section=data", *(f"--schema={s}" for s in _CATALOG)), False)
    ROWS = ("data", ("--section=data", *(f"--exclude-schema={s}" for s in _CATALOG)), True)
    REST = ("post-data", ("--section=post-data",), True)

    def __init__(self, label: str, selection: tuple[str, ...], parallel: bool) -> None:
        self.label = label
        self.selection = selection
        self.parallel = parallel


def restore_command(
    task: Task, phase: Phase, only: Path | None = None, *, tablespaces: bool = True
) -> tuple[str, ...]:
    """The pg_restore of one phase; the password comes through the environment.

    `only` is a file with the TOC entries to restore, where some have to wait. Without
    `tablespaces` everything goes into the target's default one.
    """
    return (
        str(task.tools.pg_restore),
        "--no-password",
        "--verbose",
        "--no-owner",
        "--format=directory",
        f"--jobs={task.jobs if phase.parallel else 1}",
        *(() if tablespaces else ("--no-tablespaces",)),
        # Which section a grant belongs to is told by the entry before it, which a list may lack.
        *((f"--use-list={only}",) if only else phase.selection),
        f"--dbname={task.target.lasting_conninfo}",
        str(task.dump),
    )


async def restore(ctx: Context, phase: Phase) -> None:
    """Run a phase of rows, and judge what pg_restore prints. Raises StepFailed when it did not run
    to its end."""
    everything = await contents(ctx.task, phase)
    empty = await empty_tables(ctx, everything)
    entries = tuple(entry for entry in everything if entry.toc.id not in empty)
    only = None
    if empty:
        ctx.say(f"without rows, so nothing to restore: {plural(len(empty), 'table')}")
        only = listed(ctx, f"restore-{phase.label}", [entry.toc for entry in entries])
    parallel = phase.parallel and ctx.task.jobs > 1
    watch = FollowedRestore(
        ctx=ctx, entries=entries, parts=Parts(ctx), parallel=parallel, count=len(entries)
    )
    end = await run_phase(ctx, phase, only, watch.lines)
    lost = [j for j in end.judged if j.verdict is Verdict.LOST and _ESSENTIAL.search(j.object)]
    if phase is Phase.CATALOG and lost:
        raise failed(
            "catalog-broken",
            f"TimescaleDB's own catalog did not arrive complete: {lost[0].message}",
            where=ctx.task.target.label,
            why="Restoring rows into it would lose hypertables.",
            todo=lost[0].todo or "Fix the cause on the target, then resume.",
        )
    if phase is Phase.CATALOG:
        await detach_lacking_tablespaces(ctx)
    ctx.progress(watch.total, watch.total, watch.unit)


async def run_phase(
    ctx: Context,
    phase: Phase,
    only: Path | None,
    on_lines: Callable[[list[str]], None] = lambda _lines: None,
) -> ToolEnd:
    """The pg_restore of a phase (see `restore_command`). Raises StepFailed when it did not run to
    its end."""
    end = await ctx.run_tool(
        restore_command(ctx.task, phase, only, tablespaces=not await lacking_tablespaces(ctx)),
        ctx.task.target,
        tool="pg_restore",
        phase=phase.label,
        on_lines=on_lines,
    )
    if not end.reached_the_end:
        raise _gave_up(end, ctx)
    return end


def listed(ctx: Context, name: str, entries: Iterable[TocLine]) -> Path:
    """A file for `pg_restore --use-list`."""
    path = ctx.run_folder.path / f"{name}.list"
    write_use_list(path, entries)
    return path


async def _list(task: Task, phase: Phase) -> str:
    return await dump_output(
        task.tools, task.dump, "--list", "--format=directory", *phase.selection
    )


async def contents(task: Task, phase: Phase) -> tuple[Entry, ...]:
    """What a phase will restore, in order. Raises StepFailed when the dump cannot be read."""
    listed = await _list(task, phase)
    files = row_bytes(task.dump)
    found = [line for line in map(parse_toc_line, listed.splitlines()) if line]
    return tuple(Entry(line, files.get(line.id, 0)) for line in found)


def row_bytes(dump: Path) -> dict[int, int]:
    """Bytes of the file with a table's rows, by the ID of their entry; compressed."""
    return {
        int(number): size
        for name, size in dump_files(dump)
        if (number := name.partition(".")[0]).isdigit()  # `3382.dat.gz`
    }


def _gave_up(end: ToolEnd, ctx: Context) -> Exception:
    return failed(
        "restore-failed",
        f"pg_restore failed: {end.last_words}",
        where=ctx.task.target.label,
        why=f"It ended with exit code {end.exit_code}. The source was only read; the dump is "
        "complete and will be used again.",
        todo="Fix the cause, then resume: after you type the target database's name, what this run "
        "put there is removed and the restore starts over.",
    )
