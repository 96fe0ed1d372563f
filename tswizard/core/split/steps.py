"""The split method as a table of steps: the schema, the rows in pieces, what depends on the rows.

Foreign keys and CHECK constraints of a hypertable cannot be added once chunks of it are compressed,
and chunks are compressed again as they arrive: so plain tables are copied first, then those
constraints are added, then the chunks are copied; indexes come last, built once.
"""

from collections.abc import Awaitable, Callable
from enum import StrEnum
from functools import partial

from tswizard.core.dump.send_entries import SENT_AT_ONCE
from tswizard.core.model.kept_history import kept_caggs, recomputed_caggs
from tswizard.core.model.object_selection import chosen_caggs, chosen_jobs
from tswizard.core.model.plan import Task
from tswizard.core.run.context import Context, StepSkipped, shell
from tswizard.core.run.method import Action, MethodStep
from tswizard.core.split.caggs.create import create_caggs, preview_caggs
from tswizard.core.split.caggs.dependents import restore_cagg_dependents
from tswizard.core.split.caggs.follow_source import follow_source
from tswizard.core.split.caggs.logging import log_again, turn_off
from tswizard.core.split.caggs.mark import mark_ranges
from tswizard.core.split.caggs.recompute import recompute_caggs
from tswizard.core.split.check import check_split, known_ids
from tswizard.core.split.data_steps import DataPhase
from tswizard.core.split.policies.recreate import (
    preview_enabling,
    preview_policies,
    recreate_policies,
    target_ids,
)
from tswizard.core.split.preview_steps import (
    preview_check,
    preview_compress_last,
    preview_dependents,
    preview_event_triggers,
    preview_logging,
    preview_plan,
    preview_ranges,
    preview_reconcile,
    preview_refresh,
)
from tswizard.core.split.schema.compression import set_compression
from tswizard.core.split.schema.constraints import (
    constraints_after_rows,
    constraints_before_rows,
    keys_before_chunks,
)
from tswizard.core.split.schema.dump import dump_schema, schema_dump_command
from tswizard.core.split.schema.early_keys import early_keys
from tswizard.core.split.schema.hypertables import create_hypertables
from tswizard.core.split.schema.postdata import restore_event_triggers_last, restore_post_data
from tswizard.core.split.schema.predata import restore_pre_data
from tswizard.core.split.schema.preview import (
    preview_chunks,
    preview_compression,
    preview_constraints,
    preview_early_keys,
    preview_hypertables,
    preview_sequences,
)
from tswizard.core.split.schema.restore import restore_command_text
from tswizard.core.split.schema.sequences import set_sequences
from tswizard.core.split.split_run import data_of, is_over
from tswizard.core.split.unkeyed_chunks import drop_unkeyed_chunks, unkeyed_hypertables
from tswizard.core.steps import source_jobs
from tswizard.core.steps.analyze import ANALYZE
from tswizard.core.steps.compare import CHECK, check_step
from tswizard.core.steps.enable_jobs import enable_step
from tswizard.core.steps.event_triggers import EVENT_TRIGGERS, has_event_triggers
from tswizard.core.steps.refresh_views import REFRESH_VIEWS


class SplitStep(StrEnum):
    """Ids of the steps that are this method's own."""

    PLAN = "plan-pieces"
    DUMP_SCHEMA = "dump-schema"
    PRE_DATA = "pre-data"
    HYPERTABLES = "hypertables"
    CAGGS = "continuous-aggregates"
    CAGG_RANGES = "cagg-ranges"
    KEYS = "primary-keys"
    CHUNKS = "chunks"
    EXPORT = "export"
    COPY_TABLES = "copy-tables"
    CONSTRAINTS_BEFORE = "constraints-before"
    COMPRESSION = "compression"
    COPY_HYPERTABLES = "copy-hypertables"
    RECONCILE = "reconcile"
    CAGG_LOGGING = "cagg-logging"
    CAGG_REFRESH = "cagg-refresh"
    SEQUENCES = "sequences"
    CONSTRAINTS_AFTER = "constraints-after"
    COMPRESSION_LAST = "compression-last"
    POST_DATA = "post-data"
    CAGG_DEPENDENTS = "cagg-dependents"
    POLICIES = "recreate-policies"


_READ = (
    "-- For each piece on the source, by psql in a read-only transaction with the run's snapshot:",
    "COPY (SELECT columns FROM ONLY piece) TO STDOUT (FORMAT binary);",
)
_COPY = (
    *_READ,
    "-- Straight into the target, in one transaction with the piece's done-mark:",
    "COPY piece (columns) FROM STDIN (FORMAT binary);",
)


_AS_STORED = """\
-- For each compressed chunk that both databases store the same way, an empty one is compressed,
SELECT {schema}.compress_chunk(chunk);
-- then its compressed rows are copied from the source's relation into the target's:
COPY (SELECT columns FROM ONLY compressed_relation) TO STDOUT (FORMAT binary);
COPY compressed_relation (columns) FROM STDIN (FORMAT binary);"""


def _copy_chunks(task: Task) -> tuple[str, ...]:
    """As for tables, and how a compressed chunk goes as it is stored."""
    compressed = any(h.compressed_chunks for h in task.inventory.hypertables)
    if not compressed or task.answers.compressed == "recompress":
        return _COPY
    return (*_COPY, *_AS_STORED.format(schema=_schema(task)).splitlines())


def _schema(task: Task) -> str:
    """Where TimescaleDB's functions are on the target."""
    return task.target_server.timescaledb_schema or "public"


def _data(step: Callable[[DataPhase, Context], Awaitable[None]]) -> Action:
    """A step of the data phase, on this run's one."""

    async def action(ctx: Context) -> None:
        await step(data_of(ctx), ctx)

    return action


def _loading(step: Callable[[DataPhase, Context], Awaitable[None]]) -> Action:
    """The same for one that writes rows of hypertables: nothing of it is to be logged."""

    async def action(ctx: Context) -> None:
        await turn_off(ctx)
        await step(data_of(ctx), ctx)

    return action


async def _mark_ranges(ctx: Context) -> None:
    await data_of(ctx).coordinator(ctx)  # all is read in the snapshot of the rows
    await mark_ranges(ctx)


def _has_early_keys(task: Task) -> bool:
    inventory = task.inventory
    return bool(early_keys(inventory.constraints, inventory, task.target_server))


async def _keys_before_chunks(ctx: Context) -> None:
    """In a run that an earlier version began there may be chunks already: they start over."""
    if tables := await unkeyed_hypertables(ctx):
        await ctx.remember(ctx.run_folder.record.repeated(steps_of_rows()))
        await drop_unkeyed_chunks(ctx, tables)
    await keys_before_chunks(ctx)


def steps_of_rows() -> frozenset[str]:
    """The steps that are repeated for rows of another snapshot: from the chunks to the check."""
    ids = [step.id for step in SPLIT_STEPS]
    return frozenset(ids[ids.index(SplitStep.CHUNKS) : ids.index(CHECK)])


async def _compress_last(ctx: Context) -> None:
    skipped = 0
    for action in (partial(set_compression, last=True), data_of(ctx).compress_last):
        try:
            await action(ctx)
        except StepSkipped:
            skipped += 1
    if skipped == 2:
        raise StepSkipped("nothing is left to compress")


async def _log_again(ctx: Context) -> None:
    await log_again(ctx)
    await follow_source(ctx)


async def _check(ctx: Context) -> None:
    if not is_over(ctx):
        await data_of(ctx).refuse_changed(ctx)
        await follow_source(ctx)  # a refresh that changes no row moves them too
    await check_split(ctx)


SPLIT_STEPS: tuple[MethodStep, ...] = (
    source_jobs.PAUSE,
    MethodStep(
        id=SplitStep.PLAN,
        title="Plan the pieces",
        what="Every chunk, table, table slice and large object is recorded on the target, in "
        "schema _tswizard: what is done is recorded beside what was copied, in one transaction.",
        action=_data(DataPhase.plan),
        commands=preview_plan,
    ),
    MethodStep(
        id=SplitStep.DUMP_SCHEMA,
        title="Dump the schema",
        what="Pre-data and post-data, in one file.",
        action=dump_schema,
        commands=lambda task: (shell(schema_dump_command(task)),),
    ),
    MethodStep(
        id=SplitStep.PRE_DATA,
        title="Restore pre-data",
        what="Schemas, types, functions, tables. What depends on continuous aggregates is set "
        "aside.",
        action=restore_pre_data,
        commands=lambda task: (SENT_AT_ONCE, restore_command_text(task, "pre-data")),
    ),
    MethodStep(
        id=SplitStep.HYPERTABLES,
        title="Create hypertables",
        what="Each with all its dimensions, by the target's own API.",
        action=create_hypertables,
        commands=lambda task: preview_hypertables(task.inventory, _schema(task)),
    ),
    MethodStep(
        id=SplitStep.CAGGS,
        title="Create continuous aggregates",
        what="On the empty hypertables, parents first, each without data: with its owner, indexes, "
        "chunk interval, compression settings, comments and grants.",
        action=create_caggs,
        commands=preview_caggs,
        when=lambda task: bool(chosen_caggs(task.inventory, task.answers)),
    ),
    MethodStep(
        id=SplitStep.CAGG_RANGES,
        title="Set watermarks and valid ranges",
        what="As on the source, while nothing is there that could be computed.",
        action=_mark_ranges,
        commands=preview_ranges,
        when=lambda task: bool(kept_caggs(task.inventory, task.answers)),
    ),
    MethodStep(
        id=SplitStep.KEYS,
        title="Add primary keys",
        what="Of hypertables with many chunks, while there are none: added to chunks that are "
        "there, each takes time or memory that grows with the square of their number.",
        action=_keys_before_chunks,
        commands=lambda task: preview_early_keys(task.inventory, task.target_server),
        when=_has_early_keys,
    ),
    MethodStep(
        id=SplitStep.CHUNKS,
        title="Create chunks",
        what="With the source's own dimension slices, so that earlier chunk intervals survive.",
        action=_data(DataPhase.chunks),
        commands=lambda task: preview_chunks(task.inventory),
    ),
    MethodStep(
        id=SplitStep.EXPORT,
        title="Write the files",
        what="Everything into binary files in the staging folder. The run may be stopped after "
        "this for days.",
        action=_data(DataPhase.export),
        commands=lambda _task: _READ,
        when=lambda task: task.answers.via == "files",
    ),
    MethodStep(
        id=SplitStep.COPY_TABLES,
        title="Copy plain tables",
        what="Tables, partitions and large objects, the largest first.",
        action=_data(DataPhase.tables),
        commands=lambda _task: _COPY,
    ),
    MethodStep(
        id=SplitStep.CONSTRAINTS_BEFORE,
        title="Add constraints needed before compression",
        what="Foreign keys and CHECK constraints of hypertables that have compressed chunks.",
        action=constraints_before_rows,
        commands=lambda task: preview_constraints(task.inventory, task.target_server, first=True),
    ),
    MethodStep(
        id=SplitStep.COMPRESSION,
        title="Set compression",
        what="segmentby, orderby and intervals, as on the source.",
        action=set_compression,
        commands=lambda task: preview_compression(task.inventory, _schema(task)),
    ),
    MethodStep(
        id=SplitStep.COPY_HYPERTABLES,
        title="Copy hypertables",
        what="Chunk by chunk. Compressed ones go as they are stored into compressed chunks of the "
        "target, if both databases store them the same way; the log says how many did, and why "
        "others did not. Those are decompressed, and compressed again soon after their copy.",
        action=_loading(DataPhase.hypertables),
        commands=_copy_chunks,
    ),
    MethodStep(
        id=SplitStep.RECONCILE,
        title="Reconcile with one snapshot",
        what="Pieces that were copied before an interruption are compared with the source again, "
        "and copied again where it has changed.",
        action=_loading(DataPhase.reconcile),
        commands=preview_reconcile,
    ),
    MethodStep(
        id=SplitStep.CAGG_LOGGING,
        title="Re-enable invalidation logging",
        what="Invalidations are recorded again, so that continuous aggregates notice what changes "
        "in the rows that they read; every hypertable and chunk is looked at.",
        action=_log_again,
        commands=preview_logging,
        when=lambda task: bool(chosen_caggs(task.inventory, task.answers)),
    ),
    MethodStep(
        id=SplitStep.CAGG_REFRESH,
        title="Refresh continuous aggregates",
        what="Those that you chose to recompute, window by window, from the raw rows.",
        action=recompute_caggs,
        commands=preview_refresh,
        when=lambda task: bool(recomputed_caggs(task.inventory, task.answers)),
    ),
    MethodStep(
        id=SplitStep.SEQUENCES,
        title="Set sequences",
        what="Serial, identity and standalone ones, to their values on the source.",
        action=set_sequences,
        commands=lambda task: preview_sequences(task.inventory),
    ),
    MethodStep(
        id=SplitStep.CONSTRAINTS_AFTER,
        title="Add hypertable constraints",
        what="Primary keys, unique constraints and all others; indexes are built once.",
        action=constraints_after_rows,
        commands=lambda task: preview_constraints(task.inventory, task.target_server, first=False),
    ),
    MethodStep(
        id=SplitStep.COMPRESSION_LAST,
        title="Compress remaining chunks",
        what="Hypertables whose constraints had to come first: settings, then chunks.",
        action=_compress_last,
        commands=preview_compress_last,
    ),
    MethodStep(
        id=SplitStep.POST_DATA,
        title="Restore post-data",
        what="Indexes, constraints of plain tables, triggers, rules, row-level security policies.",
        action=restore_post_data,
        again=True,
        commands=lambda task: (
            SENT_AT_ONCE,
            restore_command_text(task, "post-data", jobs=task.jobs),
        ),
    ),
    MethodStep(
        id=SplitStep.CAGG_DEPENDENTS,
        title="Restore what depends on continuous aggregates",
        what="Views, materialized views, functions and rules. What lacks its continuous aggregate "
        "is reported.",
        action=restore_cagg_dependents,
        commands=preview_dependents,
        again=True,
        when=lambda task: bool(task.inventory.caggs),
    ),
    MethodStep(
        id=SplitStep.POLICIES,
        title="Recreate policies and jobs",
        what="Those that you chose, with every setting, all paused until the check has passed.",
        action=recreate_policies,
        again=True,
        commands=preview_policies,
        when=lambda task: bool(chosen_jobs(task.inventory, task.answers)),
    ),
    REFRESH_VIEWS,
    ANALYZE,
    MethodStep(
        id=EVENT_TRIGGERS,
        title="Restore event triggers",
        what="Last, since they fire at whatever changes the schema.",
        action=restore_event_triggers_last,
        commands=preview_event_triggers,
        when=has_event_triggers,
    ),
    check_step(_check, known_ids, preview_check),
    source_jobs.RESUME,
    enable_step(target_ids, preview_enabling),
)
