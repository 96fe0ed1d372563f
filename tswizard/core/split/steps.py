"""The split method as ordered steps: the schema, the rows in pieces, what hangs on the rows.

Foreign keys and checks of a hypertable cannot be added once chunks of it are compressed, and
chunks are compressed again as they arrive: so plain tables are copied first, then come those
constraints, then the chunks; indexes come last, built once.
"""

from collections.abc import Iterator
from functools import partial

from tswizard.core.model.plan import Step, Task
from tswizard.core.run.context import Context, StepSkipped, shell
from tswizard.core.run.runnable import Action, Runnable
from tswizard.core.split.check import check
from tswizard.core.split.data_steps import DataPhase
from tswizard.core.split.ledger.plan_store import Options
from tswizard.core.split.ledger.tally import add_tallies
from tswizard.core.split.schema.cagg_dependents import restore_cagg_dependents
from tswizard.core.split.schema.compression import set_compression
from tswizard.core.split.schema.constraints import constraints_after_rows, constraints_before_rows
from tswizard.core.split.schema.dump import dump_schema, schema_dump_command
from tswizard.core.split.schema.hypertables import create_hypertables
from tswizard.core.split.schema.postdata import restore_post_data
from tswizard.core.split.schema.predata import restore_pre_data
from tswizard.core.split.schema.preview import (
    preview_chunks,
    preview_compression,
    preview_constraints,
    preview_hypertables,
    preview_sequences,
)
from tswizard.core.split.schema.restore import restore_command_text
from tswizard.core.split.schema.sequences import set_sequences
from tswizard.core.steps import source_jobs
from tswizard.core.steps.analyze import analyze

_COPY = (
    "-- For each piece on the source, by psql in a read-only transaction at the moment's snapshot:",
    "COPY (SELECT columns FROM ONLY piece) TO STDOUT (FORMAT binary);",
    "-- Straight into the target, in one transaction with the piece's done-mark:",
    "COPY piece (columns) FROM STDIN (FORMAT binary);",
)


def steps(task: Task) -> tuple[Runnable, ...]:
    """All steps of a split migration in order; what the answers leave out is not there."""
    answers, inventory = task.answers, task.inventory
    schema = task.target_server.timescaledb_schema or "public"
    data = DataPhase(
        Options(via=answers.via, width=answers.piece, snapshot=answers.snapshot),
        keep_files=answers.keep_dumps,
    )
    files = answers.via == "files"
    wanted = (
        (answers.pause_source_jobs, _pause(task)),
        (True, _step("plan-pieces", "Plan the pieces", _PLAN, data.plan)),
        (
            True,
            _step(
                "dump-schema",
                "Dump the schema",
                "What comes before the rows and what comes after them, in one file.",
                dump_schema,
                shell(schema_dump_command(task)),
            ),
        ),
        (
            True,
            _step(
                "pre-data",
                "Restore the schema",
                "Schemas, types, functions, tables. What waits for aggregates is set aside.",
                restore_pre_data,
                restore_command_text(task, "pre-data"),
            ),
        ),
        (
            True,
            _step(
                "hypertables",
                "Make hypertables",
                "Each with all its dimensions, by the target's own API.",
                create_hypertables,
                *preview_hypertables(inventory, schema),
            ),
        ),
        (
            True,
            _step(
                "chunks",
                "Make chunks",
                "With the source's own slices, so that old intervals survive.",
                data.chunks,
                *preview_chunks(inventory),
            ),
        ),
        (files, _step("export", "Write the files", _EXPORT, data.export, *_COPY[:2])),
        (
            True,
            _step(
                "copy-tables",
                "Copy plain tables",
                "Tables, partitions and large objects, the largest first.",
                data.tables,
                *_COPY,
            ),
        ),
        (
            True,
            _step(
                "constraints-before",
                "Keys before the chunks",
                "Foreign keys and checks of hypertables that have compressed chunks.",
                constraints_before_rows,
                *preview_constraints(inventory, first=True),
            ),
        ),
        (
            True,
            _step(
                "compression",
                "Compression settings",
                "segmentby, orderby and intervals, as on the source.",
                set_compression,
                *preview_compression(inventory, schema),
            ),
        ),
        (
            True,
            _step(
                "copy-hypertables",
                "Copy hypertables",
                "Chunk by chunk; what was compressed is compressed again soon after its copy.",
                data.hypertables,
                *_COPY,
            ),
        ),
        (
            True,
            _step(
                "settle",
                "Bring all to one moment",
                "Pieces that were copied before an interruption are compared with the source "
                "again, and copied again where it has changed.",
                data.reconcile,
            ),
        ),
        (
            True,
            _step(
                "sequences",
                "Set sequences",
                "Serial, identity and free ones, to their values on the source.",
                set_sequences,
                *preview_sequences(inventory),
            ),
        ),
        (
            True,
            _step(
                "constraints-after",
                "Keys of hypertables",
                "Primary keys, unique constraints and the other keys; indexes are built once.",
                constraints_after_rows,
                *preview_constraints(inventory, first=False),
            ),
        ),
        (
            True,
            _step(
                "compression-last",
                "Late compression",
                "Hypertables whose constraints had to come first: settings, then chunks.",
                partial(_compress_last, data=data),
            ),
        ),
        (
            True,
            _step(
                "post-data",
                "Indexes and the rest",
                "Indexes, keys of plain tables, triggers, rules, policies.",
                restore_post_data,
                restore_command_text(task, "post-data", jobs=task.jobs),
            ),
        ),
        (
            True,
            _step(
                "left-out",
                "What waits is named",
                "Aggregates are not carried by this method: they are named, with all that stands "
                "on them.",
                restore_cagg_dependents,
            ),
        ),
        (True, _step("analyze", "Analyze the target", _ANALYZE, analyze, "ANALYZE;")),
        (True, _step("check", "Check everything", _check_text(task), partial(_check, data=data))),
        (answers.pause_source_jobs, _put_back(task)),
    )
    return tuple(runnable for include, runnable in wanted if include)


_PLAN = (
    "Every chunk, table, slice and large object is written down on the target, in the schema "
    "_tswizard: what is done stands beside what was copied, in one transaction."
)
_EXPORT = (
    "Everything into binary files in the staging folder. The run may be stopped after this for "
    "days."
)
_ANALYZE = "Statistics for the planner; a copy brings none."


def _step(id: str, title: str, what: str, action: Action, *commands: str) -> Runnable:
    return Runnable(Step(id, title, what, commands), action)


async def _compress_last(ctx: Context, data: DataPhase) -> None:
    skipped = 0
    for action in (partial(set_compression, last=True), data.compress_last):
        try:
            await action(ctx)
        except StepSkipped:
            skipped += 1
    if skipped == 2:
        raise StepSkipped("no hypertable had to wait")


async def _check(ctx: Context, data: DataPhase) -> None:
    await data.refuse_changed(ctx)
    await check(ctx)
    await add_tallies(ctx)


def _check_text(task: Task) -> str:
    how = "counted and checksummed" if task.answers.verify == "checksum" else "counted"
    return f"Every object compared, every row {how} on both ends, inside the databases."


def _pause(task: Task) -> Runnable:
    return _step(
        "pause-source-jobs",
        "Pause the source's jobs",
        "Retention and compression, so that no chunk vanishes or changes before the check. Put "
        "back at the end.",
        source_jobs.pause,
        *_switched(task, "false"),
    )


def _put_back(task: Task) -> Runnable:
    return _step(
        "resume-source-jobs",
        "Source's jobs on again",
        "Exactly those that this run paused.",
        source_jobs.put_back,
        *_switched(task, "true"),
    )


def _switched(task: Task, on: str) -> Iterator[str]:
    jobs = source_jobs.to_pause(task.inventory)
    return (f"SELECT alter_job({job.id}, scheduled => {on});" for job in jobs)
