"""The restore: four phases of pg_restore in the order that the extension's catalog requires. The
first is in `restore_schema.py`.

A plain `pg_restore -j` loads the extension's own tables side by side and breaks their foreign
keys (timescale/timescaledb#698): so the catalog is restored by itself, before the rows.
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path

from tswizard.core.db.toc import ON_EVENT_TRIGGERS, TocLine, parse_toc_line
from tswizard.core.dump.dump_output import dump_output
from tswizard.core.dump.toc import write_use_list
from tswizard.core.full.dump import dump_files
from tswizard.core.full.foreign_keys import keys_to_hypertables
from tswizard.core.full.table_progress import Parts
from tswizard.core.full.tablespaces import detach_lacking_tablespaces, lacking_tablespaces
from tswizard.core.model.events import Unit
from tswizard.core.model.plan import Task
from tswizard.core.model.verdict import Verdict
from tswizard.core.run.context import Context, StepSkipped, ToolEnd, failed
from tswizard.core.steps.partition_triggers import partition_triggers

_CATALOG = ("_timescaledb_catalog", "_timescaledb_config")
# Without these no chunk can be found; without the rest of the catalog only what it names is lost.
_ESSENTIAL = re.compile(
    r"_timescaledb_catalog\.(hypertable|dimension|dimension_slice|chunk|chunk_constraint|"
    r"continuous_agg|compression_settings|hypertable_compression)$"
)
_ROWS = "TABLE DATA"


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
    """Run a phase behind the first, and judge what it prints. Raises StepFailed when it did not run
    to its end."""
    entries = await _contents(ctx.task, phase)
    late: tuple[Entry, ...] = ()
    only = None
    if phase is Phase.REST:
        entries, late, only = await _what_can_be_now(ctx, entries)
    parallel = phase.parallel and ctx.task.jobs > 1
    watch = FollowedRestore(ctx, entries, Parts(ctx), parallel, len(entries))
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
    if late:
        await _restore_listed(ctx, "restore-trigger-states", late)
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


async def _what_can_be_now(
    ctx: Context, entries: "tuple[Entry, ...]"
) -> "tuple[tuple[Entry, ...], tuple[Entry, ...], Path | None]":
    """The entries that can be restored in restore mode, those that come after them, and the file
    that lists the first.

    Neither foreign keys to hypertables nor the contents of materialized views, which read none of
    the compressed rows then; nor event triggers, which would fire at all that follows.
    """
    keys = tuple(e for key in await keys_to_hypertables(ctx) for e in key.toc_entries)
    waiting = (*keys, "MATERIALIZED VIEW DATA ", *ON_EVENT_TRIGGERS)
    now = tuple(entry for entry in entries if not entry.toc.text.startswith(waiting))
    if len(now) != len(entries):
        ctx.say(
            f"{len(entries) - len(now)} entries wait for the end of restore mode: foreign keys to "
            "hypertables, contents of materialized views, event triggers"
        )
    states = await partition_triggers(ctx.task)
    late = tuple(e for e in now if _is_state(e, states))
    now = tuple(e for e in now if not _is_state(e, states))
    if len(now) == len(entries):
        return entries, late, None
    return now, late, listed(ctx, "restore-rest", [entry.toc for entry in now])


def _is_state(entry: "Entry", states: frozenset[int]) -> bool:
    return entry.toc.kind == "TRIGGER" and entry.toc.oid in states


def listed(ctx: Context, name: str, entries: Iterable[TocLine]) -> Path:
    """A file for `pg_restore --use-list`."""
    path = ctx.run_folder.path / f"{name}.list"
    write_use_list(path, entries)
    return path


async def restore_event_triggers(ctx: Context) -> None:
    """The last of the dump: they fire at whatever changes the schema. Raises StepFailed."""
    entries = [
        e for e in await _contents(ctx.task, Phase.REST) if e.toc.text.startswith(ON_EVENT_TRIGGERS)
    ]
    if not entries:
        raise StepSkipped("the dump has no event trigger")
    await _restore_listed(ctx, "restore-event-triggers", entries)


async def _restore_listed(ctx: Context, name: str, entries: "Iterable[Entry]") -> None:
    """Some entries of post-data by themselves. Raises StepFailed."""
    await run_phase(ctx, Phase.REST, listed(ctx, name, [entry.toc for entry in entries]))


@dataclass(frozen=True, slots=True)
class Entry:
    """A TOC entry of the dump that a phase restores."""

    toc: TocLine
    bytes: int
    """Size of its file in the dump; 0 for anything but rows."""


async def _list(task: Task, phase: Phase) -> str:
    return await dump_output(
        task.tools, task.dump, "--list", "--format=directory", *phase.selection
    )


async def count_entries(task: Task, phase: Phase) -> int:
    """How much a phase will restore. Raises StepFailed when the dump cannot be read."""
    return len(_ENTRIES.findall(await _list(task, phase)))


async def _contents(task: Task, phase: Phase) -> tuple[Entry, ...]:
    """What a phase will restore, in order. Raises StepFailed when the dump cannot be read."""
    listed = await _list(task, phase)
    files = {
        int(number): size
        for name, size in dump_files(task.dump)
        if (number := name.partition(".")[0]).isdigit()  # a table's rows: `3382.dat.gz`
    }
    found = [line for line in map(parse_toc_line, listed.splitlines()) if line]
    return tuple(Entry(line, files.get(line.id, 0)) for line in found)


def _gave_up(end: ToolEnd, ctx: Context) -> Exception:
    return failed(
        "restore-failed",
        f"pg_restore failed: {end.last_words}",
        where=ctx.task.target.label,
        why=f"It ended with exit code {end.exit_code}. The source was only read; the dump is "
        "complete and will be used again.",
        todo="Fix the problem above, then resume: what this run put on the target is removed after "
        "you type its name, and the restore starts over.",
    )


_ENTRIES = re.compile(r"^\d", re.MULTILINE)
_SERIAL = re.compile(
    r'pg_restore: (?:processing data for table "(?P<rows>.*)"$|(?P<object>creating [A-Z ]+ .*))'
)
_PARALLEL = re.compile(r"pg_restore: (launching|finished) item (\d+) ")


@dataclass(slots=True)
class FollowedRestore:
    """Progress from pg_restore's own lines, weighed by the size of each entry's file."""

    ctx: Context
    entries: tuple[Entry, ...]
    parts: Parts
    parallel: bool
    """With -j every entry's end is told; the lines of a serial restore come from workers too."""
    count: int
    """Of entries; `entries` are empty where only that is needed."""
    done: int = 0
    current: Entry | None = None
    seen: set[int] = field(default_factory=set)
    newest: str = ""
    """What was begun or finished last."""
    # Looked at for every line of the tool, of which there are several an entry.
    unit: Unit = field(init=False)
    total: int = field(init=False)
    _rows: list[Entry] = field(init=False)
    _by_id: dict[int, Entry] = field(init=False)

    def __post_init__(self) -> None:
        self._rows = [entry for entry in self.entries if entry.toc.kind == _ROWS]
        self._by_id = {entry.toc.id: entry for entry in self.entries}
        self.unit = Unit.BYTES if self._rows else Unit.ITEMS
        self.total = sum(entry.bytes for entry in self._rows) if self._rows else self.count

    def sent(self, number: int) -> None:
        """So many entries were sent at once and are committed."""
        self.done += number
        self.ctx.progress(self.done, self.total, self.unit)

    def lines(self, texts: list[str]) -> None:
        """Take lines as they come; the watchers hear of them once."""
        self.newest = ""
        take = self._in_parallel if self.parallel else self._serial
        for text in texts:
            take(text)
        if self.newest:
            self.ctx.progress(self.done, self.total, self.unit, self.parts.label(self.newest))
        self.parts.tell()

    def _in_parallel(self, text: str) -> None:
        found = _PARALLEL.match(text)
        entry = self._by_id.get(int(found[2])) if found else None
        if found is None or entry is None:
            return
        if found[1] == "finished":
            self._finish(entry)
        else:
            self.newest = _relation(entry)

    def _serial(self, text: str) -> None:
        found = _SERIAL.match(text)
        if found is None:
            return
        if rows := found["rows"]:
            # Entries come in the list's own order, and one begins when the last ended.
            self._finish(self.current)
            index = len(self.seen)
            self.current = self._rows[index] if index < len(self._rows) else None
            if self.current:
                self.seen.add(self.current.toc.id)
                self.parts.start(rows)
                self.newest = rows
        elif self.unit is Unit.ITEMS:
            self.done = min(self.done + 1, self.total)
            self.newest = found["object"]

    def _finish(self, entry: Entry | None) -> None:
        if entry is None:
            return
        self.done += self._weight(entry)
        if entry.toc.kind == _ROWS:
            self.parts.finish(_relation(entry))
        self.newest = _relation(entry)

    def _weight(self, entry: Entry) -> int:
        return entry.bytes if self.unit is Unit.BYTES else 1


def _relation(entry: Entry) -> str:
    """`schema.name` of an entry of rows; other entries as they are listed."""
    if entry.toc.kind != _ROWS:
        return entry.toc.text
    schema, _, rest = entry.toc.rest.partition(" ")
    return f"{schema}.{rest.rpartition(' ')[0]}"
