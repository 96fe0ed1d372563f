"""The full method as a table of steps: one dump of everything, one restore in four phases."""

from collections.abc import Iterator
from enum import StrEnum
from functools import partial
from pathlib import Path

from tswizard.core.dump.send_entries import SENT_AT_ONCE
from tswizard.core.full.check import check_restored
from tswizard.core.full.compress_chunks import compress, eligible
from tswizard.core.full.drop_left_out import drop_left_out, dropping, something_left_out
from tswizard.core.full.dump import dump, dump_command
from tswizard.core.full.foreign_keys import add_foreign_keys
from tswizard.core.full.keys_in_turn import KEYS_AT_ONCE
from tswizard.core.full.recreate_extension import recreate_extension, recreates_extension
from tswizard.core.full.restore import Phase, restore, restore_command
from tswizard.core.full.restore_mode import enter, leave_for_good
from tswizard.core.full.restore_post_data import restore_event_triggers, restore_rest
from tswizard.core.full.restore_schema import only_by_pg_restore, restore_schema
from tswizard.core.full.small_tables import SMALL_FIRST
from tswizard.core.model.plan import Task
from tswizard.core.run.context import Context, shell
from tswizard.core.run.method import MethodStep
from tswizard.core.steps import source_jobs
from tswizard.core.steps.analyze import ANALYZE
from tswizard.core.steps.compare import check_step
from tswizard.core.steps.enable_jobs import enable_step, enabling_statement, to_enable
from tswizard.core.steps.event_triggers import EVENT_TRIGGERS, has_event_triggers
from tswizard.core.steps.job_switch import switch_by_hand
from tswizard.core.steps.refresh_views import REFRESH_VIEWS


class FullStep(StrEnum):
    """Ids of the steps that are this method's own."""

    RECREATE_EXTENSION = "recreate-extension"
    COMPRESS = "compress-chunks"
    DUMP = "dump"
    ENTER_RESTORE_MODE = "enter-restore-mode"
    RESTORE_SCHEMA = "restore-schema"
    RESTORE_CATALOG = "restore-catalog"
    RESTORE_ROWS = "restore-rows"
    RESTORE_POST_DATA = "restore-post-data"
    LEAVE_RESTORE_MODE = "leave-restore-mode"
    DROP_LEFT_OUT = "drop-left-out"
    FOREIGN_KEYS = "hypertable-foreign-keys"


RESTORING = (
    FullStep.ENTER_RESTORE_MODE,
    FullStep.RESTORE_SCHEMA,
    FullStep.RESTORE_CATALOG,
    FullStep.RESTORE_ROWS,
    FullStep.RESTORE_POST_DATA,
)
"""Repeated from the first when one of them was interrupted: a restore is no transaction."""


def _of_target(task: Task, function: str) -> str:
    """A function of the extension on the target, with its schema."""
    return f"{task.target_server.timescaledb_schema or 'public'}.{function}"


def _recreating(task: Task) -> Iterator[str]:
    version = task.inventory.server.timescaledb or ""
    yield "DROP EXTENSION IF EXISTS timescaledb CASCADE;"
    yield (
        f"CREATE EXTENSION timescaledb WITH SCHEMA public VERSION '{version}';  -- in a new session"
    )


def _compressing(task: Task) -> Iterator[str]:
    return (f"SELECT compress_chunk('{chunk.sql}', true);" for _, chunk in eligible(task.inventory))


def _leaving(task: Task) -> tuple[str, ...]:
    return (
        "BEGIN;",
        f"SELECT {_of_target(task, 'timescaledb_post_restore')}();",
        switch_by_hand("id >= 1000 AND scheduled", False, task.target_server.timescaledb),
        "COMMIT;",
    )


def _enabling(task: Task) -> Iterator[str]:
    jobs = [(job, job.id) for job in to_enable(task)]
    if jobs:
        yield enabling_statement(task, jobs)


async def same_ids(ctx: Context) -> dict[int, int]:
    """A restore keeps the jobs' ids."""
    return {job.id: job.id for job in ctx.task.inventory.jobs}


_ACTIONS = {Phase.SCHEMA: restore_schema, Phase.REST: restore_rest}


def _restore(id: FullStep, phase: Phase, title: str, what: str) -> MethodStep:
    return MethodStep(
        id=id,
        title=title,
        what=what,
        action=_ACTIONS.get(phase, partial(restore, phase=phase)),
        commands=lambda task: _restoring(task, phase),
    )


def _restoring(task: Task, phase: Phase) -> tuple[str, ...]:
    command = shell(restore_command(task, phase))
    at_once = not only_by_pg_restore(task.inventory)
    if phase is Phase.SCHEMA and at_once:
        return SENT_AT_ONCE, command
    if phase is Phase.REST:
        keys = any(c.references and not c.incoming for c in task.inventory.constraints)
        return *((SMALL_FIRST,) if at_once else ()), command, *((KEYS_AT_ONCE,) if keys else ())
    return (command,)


FULL_STEPS: tuple[MethodStep, ...] = (
    MethodStep(
        id=FullStep.RECREATE_EXTENSION,
        title="Recreate TimescaleDB on the target",
        what="At the source's version, which a full migration needs; the target is empty.",
        action=recreate_extension,
        commands=_recreating,
        when=recreates_extension,
    ),
    MethodStep(
        id=FullStep.COMPRESS,
        title="Compress chunks on the source",
        what="One by one; the newest chunk of each hypertable is left alone. This writes to the "
        "source.",
        action=compress,
        commands=_compressing,
        when=lambda task: task.answers.compress_first,
    ),
    source_jobs.PAUSE,
    MethodStep(
        id=FullStep.DUMP,
        title="Dump the source",
        what="One pg_dump of everything. The source can stay in use, but rows written after the "
        "dump begins are not migrated.",
        action=dump,
        commands=lambda task: (shell(dump_command(task)),),
    ),
    MethodStep(
        id=FullStep.ENTER_RESTORE_MODE,
        title="Enter restore mode",
        what="On the target, which is also marked as this run's, so that an interrupted restore "
        "is recognized.",
        action=enter,
        commands=lambda task: (f"SELECT {_of_target(task, 'timescaledb_pre_restore')}();",),
    ),
    _restore(
        FullStep.RESTORE_SCHEMA,
        Phase.SCHEMA,
        "Restore the schema",
        "Schemas, types, functions, tables: everything before rows.",
    ),
    _restore(
        FullStep.RESTORE_CATALOG,
        Phase.CATALOG,
        "Restore TimescaleDB's catalog",
        "Hypertables, chunks, continuous aggregates and jobs. With one job: in parallel it breaks.",
    ),
    _restore(
        FullStep.RESTORE_ROWS,
        Phase.ROWS,
        "Restore the rows",
        "Every chunk and table; compressed chunks as they are stored.",
    ),
    _restore(
        FullStep.RESTORE_POST_DATA,
        Phase.REST,
        "Restore post-data",
        "Indexes, constraints, triggers, rules: everything after rows.",
    ),
    MethodStep(
        id=FullStep.LEAVE_RESTORE_MODE,
        title="Leave restore mode",
        what="All jobs are paused in the same transaction, so that none starts before the check.",
        action=leave_for_good,
        commands=_leaving,
    ),
    MethodStep(
        id=FullStep.DROP_LEFT_OUT,
        title="Drop what you left out",
        what="The restore brought all continuous aggregates and policies; those that you left out "
        "are dropped, with what depends on them.",
        action=drop_left_out,
        again=True,
        commands=dropping,
        when=something_left_out,
    ),
    MethodStep(
        id=FullStep.FOREIGN_KEYS,
        title="Add foreign keys to hypertables",
        what="Foreign keys that reference a hypertable; in restore mode they cannot be checked.",
        action=add_foreign_keys,
        again=True,
        commands=lambda _task: (
            "ALTER TABLE … ADD CONSTRAINT … FOREIGN KEY …;  -- each, as on the source",
        ),
    ),
    REFRESH_VIEWS,
    ANALYZE,
    MethodStep(
        id=EVENT_TRIGGERS,
        title="Restore event triggers",
        what="Last, since they fire at whatever changes the schema.",
        action=restore_event_triggers,
        commands=lambda task: (
            "-- Only the event triggers of the dump, by a list of them:",
            shell(restore_command(task, Phase.REST, Path("restore-event-triggers.list"))),
        ),
        when=has_event_triggers,
    ),
    check_step(check_restored, same_ids),
    source_jobs.RESUME,
    enable_step(same_ids, _enabling),
)
