"""The dump: one pg_dump of the whole source into a folder."""

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

from tswizard.core.catalog.own_schema import OWN_SCHEMA
from tswizard.core.db.client_tools import ClientTools
from tswizard.core.db.connection import connected, rows
from tswizard.core.full.snapshot import held_snapshot
from tswizard.core.full.table_progress import Parts
from tswizard.core.model.events import Unit
from tswizard.core.model.plan import Task
from tswizard.core.run.context import Context, ToolEnd, failed
from tswizard.core.steps.pg_dump import run_pg_dump
from tswizard.core.verify import read_counters, read_next_xid

DUMP_OPTIONS = ("--no-password", "--format=directory", f"--exclude-schema={OWN_SCHEMA}")
"""Of the dump, whoever runs it."""

_STARTED = re.compile(r'^pg_dump: dumping contents of table "(.*)"$')
_FINISHED = re.compile(r"^pg_dump: finished item \d+ TABLE DATA (.*)$")

# pg_table_size holds rows and toast, not indexes: what pg_dump reads. System catalogs are not
# dumped; of the extension's own tables the configuration is, and it is small.
_SIZES = """
SELECT n.nspname || '.' || c.relname, pg_catalog.pg_table_size(c.oid)
FROM pg_catalog.pg_class c
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'm') AND n.nspname NOT IN ('pg_catalog', 'information_schema')
  AND n.nspname !~ '^pg_toast' AND n.nspname !~ '^pg_temp'
"""


def compression(tools: ClientTools) -> str:
    """A fast compression that this client offers: pg_dump's default spends its time in gzip."""
    best = tools.compressions[0]
    return {"lz4": "lz4", "zstd": "zstd:1"}.get(best, "1")


def dump_command(task: Task, snapshot: str | None = None) -> tuple[str, ...]:
    """The pg_dump of the full method; the password comes through the environment."""
    held = (f"--snapshot={snapshot}",) if snapshot else ()
    return (
        str(task.tools.pg_dump),
        *DUMP_OPTIONS,
        "--verbose",
        f"--jobs={task.jobs}",
        f"--compress={compression(task.tools)}",
        f"--file={task.dump}",
        *through_roots(task),
        *held,
        f"--dbname={task.source.lasting_conninfo}",
    )


def through_roots(task: Task) -> tuple[str, ...]:
    """How rows are restored that belong into other partitions on another server. By itself, pg_dump
    only does so for an enum: not for an array, a range or a composite of one."""
    return ("--load-via-partition-root",) if task.inventory.hazards.partitioned_by_oid else ()


async def dump(ctx: Context) -> None:
    """Dump the source. A folder of an unfinished dump is removed first. Raises StepFailed."""
    await ctx.run_folder.remove_dump()  # its disk is free before anything else
    try:
        ctx.task.dump.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise failed(
            "staging",
            f"The folder for the dump cannot be created: {error.strerror}.",
            where=str(ctx.task.dump.parent),
            todo="Free disk space, then resume; or name another folder: tswizard resume "
            f"{ctx.run_folder.record.id} --staging FOLDER",
        ) from error
    standby = ctx.task.inventory.server.in_recovery  # which counts nobody's writes
    async with connected(ctx.task.source) as connection:
        sizes = {name: int(size) for name, size in await rows(connection, _SIZES)}
        counters = None if standby else await read_counters(connection)
        xid = await read_next_xid(connection)
    ctx.run_folder.save(replace(ctx.run_folder.record, counters=counters, source_xid=xid))
    ctx.snapshot = await ctx.resources.enter_async_context(held_snapshot(ctx.task))
    watch = FollowedDump(ctx=ctx, sizes=sizes, parts=Parts(ctx))

    async def remove() -> None:
        await ctx.run_folder.remove_dump()
        watch.start_over()

    end = await run_pg_dump(ctx, dump_command(ctx.task, ctx.snapshot), remove, watch.lines)
    if end.exit_code != 0:
        raise _gave_up(end, ctx)
    size = sum(size for _, size in dump_files(ctx.task.dump))
    ctx.progress(watch.total, watch.total, Unit.BYTES)
    ctx.say(f"dump finished: {size} bytes in {ctx.task.dump}")


def dump_files(folder: Path) -> Iterator[tuple[str, int]]:
    """Name and bytes of each file of a dump, which has no folders in it. One by one: there is one
    for each large object."""
    with os.scandir(folder) as found:
        for entry in found:
            yield entry.name, entry.stat().st_size


def _gave_up(end: ToolEnd, ctx: Context) -> Exception:
    message = end.last_words
    full = "No space left on device" in message
    return failed(
        "dump-disk-full" if full else "dump-failed",
        f"pg_dump failed: {message}",
        where=str(ctx.task.dump) if full else ctx.task.source.label,
        why=f"It ended with exit code {end.exit_code}. Nothing on the target was changed.",
        todo=(
            "Free disk space there, then resume; or name another folder: tswizard resume "
            f"{ctx.run_folder.record.id} --staging FOLDER"
            if full
            else "Fix the problem above, then resume; the dump starts over."
        ),
    )


@dataclass(slots=True, kw_only=True)
class FollowedDump:
    """Progress from pg_dump's own lines: bytes of the tables that it has finished."""

    ctx: Context
    sizes: dict[str, int]
    parts: Parts
    done: int = 0
    working: list[str] = field(default_factory=list)
    newest: str = ""
    """What was begun or finished last."""
    total: int = field(init=False)

    def __post_init__(self) -> None:
        self.total = sum(self.sizes.values())

    def start_over(self) -> None:
        self.done = 0
        self.working.clear()
        self.parts = Parts(self.ctx)

    def lines(self, texts: list[str]) -> None:
        """Take lines as they come; the watchers hear of them once."""
        self.newest = ""
        for text in texts:
            self._line(text)
        if self.newest:
            self.ctx.progress(self.done, self.total, Unit.BYTES, self.parts.label(self.newest))
        self.parts.tell()

    def _line(self, text: str) -> None:
        if started := _STARTED.match(text):
            if self.ctx.task.jobs == 1:
                self._finish(*self.working[:1])
            self.working.append(started[1])
            self.parts.start(started[1])
            self.newest = started[1]
        elif finished := _FINISHED.match(text):
            name = finished[1]
            self._finish(*[w for w in self.working if w.endswith(f".{name}")][:1])

    def _finish(self, *names: str) -> None:
        for name in names:
            self.working.remove(name)
            self.done += self.sizes.get(name, 0)
            self.parts.finish(name)
            self.newest = name
