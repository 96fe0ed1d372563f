"""A split migration by hand: the steps of `split/steps.py` in bash and SQL."""

from collections.abc import Iterator

from tswizard.core.model.kept_history import kept_caggs, recomputed_caggs
from tswizard.core.model.object_selection import chosen_jobs
from tswizard.core.model.plan import Task
from tswizard.core.model.runbook import HandStep, Runbook, shell_code, target_sql
from tswizard.core.run.context import shell
from tswizard.core.split.by_hand import caggs, constraints, rows
from tswizard.core.split.by_hand.facts import SplitFacts, read_split_facts
from tswizard.core.split.by_hand.functions import LOGGED, split_functions
from tswizard.core.split.by_hand.policies import enabling_by_hand, policies_by_hand
from tswizard.core.split.schema.dump import schema_dump_options
from tswizard.core.split.schema.hypertables import create_statements
from tswizard.core.steps.by_hand import (
    JOBS_AT_ONCE,
    analyze_by_hand,
    check_ends,
    compare_by_hand,
    enabling_order,
    expected_errors,
    pause_jobs,
    resume_jobs,
    roles_before,
)
from tswizard.core.steps.partition_triggers import (
    has_partition_triggers,
    partition_triggers_by_hand,
)


async def split_runbook(task: Task) -> Runbook:
    """For this database. Raises CannotConnect, psycopg.Error."""
    facts = await read_split_facts(task)
    return Runbook(
        steps=tuple(step for step in _steps(task, facts) if step is not None),
        functions=split_functions(task, facts),
        before=(
            *roles_before(facts.ends),
            *caggs.not_created(task),
            "No snapshot holds all of it together: with writers at work, tables are of different "
            "moments.",
        ),
        differences=tuple(_differences(task, facts)),
    )


def _differences(task: Task, facts: SplitFacts) -> Iterator[str]:
    yield JOBS_AT_ONCE
    yield (
        "Rows are read without one snapshot for all, one piece after the other, and what changes "
        "meanwhile is not reconciled: so nobody may write to the source, and all of its jobs are "
        "paused, not only those that drop or rewrite chunks."
    )
    yield (
        "A chunk that the target refuses to create as it is stops the script; tswizard routes its "
        "rows through the hypertable."
    )
    yield (
        "Grants on an object are restored together: one that names a role which the target lacks "
        "takes the others of that object with it."
    )
    yield (
        "The comparison at the end is one of rows, checksums, sequences, names and jobs, not of "
        "every detail of every object."
    )
    if facts.before(2, 17) and kept_caggs(task.inventory, task.answers):
        yield (
            "Before TimescaleDB 2.17 a watermark of a continuous aggregate moves only by computing "
            "rows: it stays where it is. Real-time ones hide their copied rows until they are "
            "refreshed: CALL refresh_continuous_aggregate() over their last materialized bucket."
        )
    if again := recomputed_caggs(task.inventory, task.answers):
        names = ", ".join(cagg.label for cagg in again)
        yield (
            f"Recomputed continuous aggregates ({names}) are not compared: the last digits of "
            "averages may differ, and buckets whose raw rows are gone are missing."
        )
    if not facts.refresh.batches and not facts.triggers and task.inventory.caggs:
        yield (
            "This version of TimescaleDB logs every row that is copied for continuous aggregates; "
            "the script clears that log, which needs a role that may."
        )
    yield (
        "What one chunk has and its hypertable has not (an index, options, grants, comments) is "
        "not made."
    )
    if uses := task.inventory.hazards.chunk_uses:
        names = ", ".join(dict.fromkeys(use.label for use in uses))
        yield f"What depends on a chunk is not restored, as by tswizard; these name one: {names}."
    if task.inventory.extras.publications or task.inventory.extras.subscriptions:
        yield "Publications and subscriptions are not migrated, as by tswizard."
    if any(table.compression and table.compression.sparse for table in facts.hypertables):
        yield "Sparse indexes of compressed chunks are left to the target, as by tswizard."


def _steps(task: Task, facts: SplitFacts) -> Iterator[HandStep | None]:
    jobs = tuple(job for job in task.inventory.jobs if job.scheduled)
    if not task.answers.pause_source_jobs:
        jobs = ()
    yield check_ends(task, versions="Their versions of TimescaleDB may differ.")
    if jobs:
        why = "All of them: nothing may change the source while it is read piece by piece."
        yield pause_jobs(task, jobs, facts.ends, why=why)
    yield _dump(task)
    yield _pre_data(facts)
    if facts.hypertables:
        yield _hypertables(facts)
    if facts.early_keys:
        yield constraints.primary_keys(facts)
    if caggs.wanted(task, facts):
        yield caggs.create(task, facts)
        yield caggs.mark(task, facts)
    yield rows.plain_tables(facts)
    if facts.large_objects:
        yield rows.large_objects(facts)
    yield from constraints.before_rows(facts)
    yield constraints.compression_set(facts, last=False)
    if caggs.wanted(task, facts):
        yield caggs.stop_logging(facts)
    yield rows.hypertable_rows(facts)
    if caggs.wanted(task, facts):
        yield caggs.logging_again(facts)
        yield caggs.recompute(task, facts)
    yield rows.sequence_values(task)
    yield constraints.after_rows(facts)
    yield constraints.compression_set(facts, last=True)
    yield _post_data(facts)
    if has_partition_triggers(task):
        yield partition_triggers_by_hand()
    if task.inventory.caggs:
        yield _dependents(facts)
    if chosen_jobs(task.inventory, task.answers):
        yield policies_by_hand(task, facts)
    yield analyze_by_hand()
    yield compare_by_hand(
        task, recomputed=[c.label for c in recomputed_caggs(task.inventory, task.answers)]
    )
    if jobs:
        yield resume_jobs(task, jobs, facts.ends)
    if enabling_order(task):
        yield enabling_by_hand(task, facts)


def _dump(task: Task) -> HandStep:
    return HandStep(
        id="dump-schema",
        title="Dump the schema",
        why="Pre-data and post-data in one file. Its table of contents is sorted into lists: what "
        "depends on continuous aggregates comes after them, and what ALTER TABLE ONLY would break "
        "on a hypertable, or what TimescaleDB makes by itself, is left out.",
        code=(
            shell_code(
                f"""
pg_dump {shell(schema_dump_options(task))} \\
  --file="$WORK/schema.dump" --dbname="$SOURCE" 2> "$WORK/dump.log" || {{
  cat "$WORK/dump.log" >&2
  stop "pg_dump failed"
}}
sort_toc"""
            ),
        ),
        expect="Nothing is printed. The lists are $WORK/*.list.",
    )


def _pre_data(facts: SplitFacts) -> HandStep:
    return HandStep(
        id="pre-data",
        title="Restore pre-data",
        why="Schemas, types, functions, tables: everything that rows need.",
        code=(shell_code(f"restore_list pre-data '{expected_errors(facts.ends)}'"),),
        expect=LOGGED,
    )


def _hypertables(facts: SplitFacts) -> HandStep:
    statements = [
        statement
        for table in facts.hypertables
        for statement in ("BEGIN", *create_statements(table, facts.api), "COMMIT")
    ]
    return HandStep(
        id="hypertables",
        title="Create hypertables",
        why="Each with all its dimensions. Their indexes come with the post-data.",
        code=(target_sql(*statements),),
        expect="A row for each; hints that the time column should be NOT NULL are harmless.",
    )


def _post_data(facts: SplitFacts) -> HandStep:
    expected = expected_errors(facts.ends)
    return HandStep(
        id="post-data",
        title="Restore post-data",
        why="Indexes, constraints of plain tables, triggers, rules, row-level security, "
        "materialized views.",
        code=(shell_code(f"restore_list post-data '{expected}' --jobs=\"$JOBS\""),),
        expect=LOGGED,
    )


def _dependents(facts: SplitFacts) -> HandStep:
    expected = expected_errors(facts.ends)
    return HandStep(
        id="cagg-dependents",
        title="Restore what depends on continuous aggregates",
        why="Views, materialized views, functions and rules; what needs one that you left out is "
        "not restored.",
        code=(shell_code(f"restore_list after-caggs '{expected}'"),),
        expect=LOGGED,
    )
