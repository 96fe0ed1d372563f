"""The full method as ordered steps: what each shows on Review and what it runs."""

from functools import partial

from tswizard.core.full import enable_jobs
from tswizard.core.full.cleanup import recreate_extension
from tswizard.core.full.compress_chunks import compress, eligible
from tswizard.core.full.dump import dump, dump_command
from tswizard.core.full.foreign_keys import make_keys
from tswizard.core.full.restore import Phase, restore, restore_command
from tswizard.core.full.restore_mode import finish, prepare
from tswizard.core.model.plan import Step, Task
from tswizard.core.run.context import shell
from tswizard.core.run.runnable import Runnable
from tswizard.core.steps import source_jobs
from tswizard.core.steps.analyze import analyze
from tswizard.core.steps.compare import check

RESTORING = ("prepare", "restore-schema", "restore-catalog", "restore-rows", "restore-rest")
"""Steps that are repeated from the first when one of them was interrupted."""


def steps(task: Task) -> tuple[Runnable, ...]:
    """All steps of a full migration in order; what the answers leave out is not there."""
    answers = task.answers
    wanted = (
        (answers.recreate_extension and _extension_differs(task), _recreate(task)),
        (answers.compress_first, _compress(task)),
        (answers.pause_source_jobs, _pause(task)),
        (True, _dump(task)),
        (True, _prepare(task)),
        (
            True,
            _restore(
                task,
                "restore-schema",
                Phase.SCHEMA,
                "Restore the schema",
                "Schemas, types, functions, tables: everything before rows.",
            ),
        ),
        (
            True,
            _restore(
                task,
                "restore-catalog",
                Phase.CATALOG,
                "Restore the catalog",
                "TimescaleDB's own: which hypertables, chunks, aggregates and jobs there are. "
                "One by one, since in parallel it breaks.",
            ),
        ),
        (
            True,
            _restore(
                task,
                "restore-rows",
                Phase.ROWS,
                "Restore the rows",
                "Every chunk and table; compressed chunks as they are stored.",
            ),
        ),
        (
            True,
            _restore(
                task,
                "restore-rest",
                Phase.REST,
                "Restore indexes and keys",
                "Indexes, constraints, triggers, rules: everything after rows.",
            ),
        ),
        (True, _finish(task)),
        (True, _KEYS),
        (True, _analyze(task)),
        (True, _check(task)),
        (answers.pause_source_jobs, _put_back(task)),
        (True, _enable(task)),
    )
    return tuple(runnable for include, runnable in wanted if include)


def _extension_differs(task: Task) -> bool:
    return task.target_server.timescaledb != task.inventory.server.timescaledb


def _function(task: Task, name: str) -> str:
    return f"{task.target_server.timescaledb_schema or 'public'}.{name}"


def _recreate(task: Task) -> Runnable:
    version = task.inventory.server.timescaledb or ""
    step = Step(
        "recreate-extension",
        f"TimescaleDB {version} on the target",
        "A full migration needs the same version on both ends; the target is empty and offers it.",
        (
            "DROP EXTENSION IF EXISTS timescaledb CASCADE;",
            f"CREATE EXTENSION timescaledb WITH SCHEMA public VERSION '{version}';"
            "  -- in a new session",
        ),
    )
    return Runnable(step, partial(recreate_extension, version=version))


def _compress(task: Task) -> Runnable:
    chunks = eligible(task.inventory)
    step = Step(
        "compress",
        f"Compress {len(chunks)} chunks on the source",
        "One by one, the newest of each hypertable left alone. This writes to the source.",
        tuple(f"SELECT compress_chunk('{chunk.sql}', true);" for _, chunk in chunks),
    )
    return Runnable(step, compress)


def _pause(task: Task) -> Runnable:
    jobs = source_jobs.to_pause(task.inventory)
    step = Step(
        "pause-source-jobs",
        "Pause the source's jobs",
        "Retention and compression, so that no chunk vanishes or changes between dump and "
        "check. Put back at the end.",
        tuple(f"SELECT alter_job({job.id}, scheduled => false);" for job in jobs),
    )
    return Runnable(step, source_jobs.pause)


def _dump(task: Task) -> Runnable:
    step = Step(
        "dump",
        "Dump the source",
        "One pg_dump of everything. The source goes on working; nothing on the target changes.",
        (shell(dump_command(task)),),
    )
    return Runnable(step, dump)


def _prepare(task: Task) -> Runnable:
    step = Step(
        "prepare",
        "Restore mode on",
        "On the target, which is also marked as this run's, so that an interrupted restore is "
        "recognised.",
        (f"SELECT {_function(task, 'timescaledb_pre_restore')}();",),
    )
    return Runnable(step, prepare)


def _restore(task: Task, id: str, phase: Phase, title: str, what: str) -> Runnable:
    step = Step(id, title, what, (shell(restore_command(task, phase)),))
    return Runnable(step, partial(restore, phase=phase))


def _finish(task: Task) -> Runnable:
    step = Step(
        "finish",
        "Restore mode off",
        "And all jobs paused in the same transaction, so that none starts before the check.",
        (
            "BEGIN;",
            f"SELECT {_function(task, 'timescaledb_post_restore')}();",
            "SELECT alter_job(job_id, scheduled => false) FROM timescaledb_information.jobs"
            " WHERE job_id >= 1000 AND scheduled;",
            "COMMIT;",
        ),
    )
    return Runnable(step, finish)


_KEYS = Runnable(
    Step(
        "hypertable-keys",
        "Keys to hypertables",
        "Foreign keys that point to a hypertable; in restore mode they cannot be checked.",
        ("ALTER TABLE … ADD CONSTRAINT … FOREIGN KEY …;  -- each, as on the source",),
    ),
    make_keys,
)


def _analyze(task: Task) -> Runnable:
    step = Step(
        "analyze",
        "Analyze the target",
        "Statistics for the planner; a restore brings none.",
        ("ANALYZE;  -- table by table",),
    )
    return Runnable(step, analyze)


def _check(task: Task) -> Runnable:
    how = "counted and checksummed" if task.answers.verify == "checksum" else "counted"
    step = Step(
        "check",
        "Check everything",
        f"Every object compared, every row {how} on both ends, inside the databases.",
    )
    return Runnable(step, check)


def _put_back(task: Task) -> Runnable:
    step = Step(
        "resume-source-jobs",
        "Source's jobs on again",
        "Exactly those that this run paused.",
        ("SELECT alter_job(…, scheduled => true);  -- each of the paused",),
    )
    return Runnable(step, source_jobs.put_back)


def _enable(task: Task) -> Runnable:
    jobs = enable_jobs.in_order(task.inventory.jobs)
    commands = (
        tuple(f"SELECT alter_job({job.id}, scheduled => true);" for job in jobs)
        if task.answers.enable_jobs
        else ()
    )
    step = Step(
        "enable-jobs",
        "Enable the target's jobs",
        "As they were on the source, retention last, and only when the check did not fail."
        if task.answers.enable_jobs
        else "You asked to leave them paused.",
        commands,
    )
    return Runnable(step, enable_jobs.enable)
