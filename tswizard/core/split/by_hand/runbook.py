"""A split migration by hand: the steps of `split/steps.py` in bash and SQL."""

from collections.abc import Iterator
from shlex import quote

from tswizard.core.catalog.inventory import Constraint
from tswizard.core.db.identifiers import identifier, literal, qualified
from tswizard.core.model.kept_history import kept_caggs, recomputed_caggs
from tswizard.core.model.object_selection import chosen_jobs
from tswizard.core.model.plan import Task
from tswizard.core.model.runbook import HandStep, Runbook, shell_code, target_sql
from tswizard.core.run.context import shell
from tswizard.core.split.by_hand import caggs
from tswizard.core.split.by_hand.facts import SplitFacts, read_split_facts
from tswizard.core.split.by_hand.functions import split_functions
from tswizard.core.split.by_hand.policies import enabling_by_hand, policies_by_hand
from tswizard.core.split.plan.piece import SourceTable
from tswizard.core.split.schema.compression import compression_statements
from tswizard.core.split.schema.constraints import (
    before_compression,
    constraint_statement,
    keys_first,
)
from tswizard.core.split.schema.dump import schema_dump_options
from tswizard.core.split.schema.hypertables import create_statements
from tswizard.core.split.schema.index_flags import HypertableIndex, index_flag_statements
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

_LOGGED = (
    "Its messages are in $WORK/restore-*.log; any error that is not expected stops the script."
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
        yield _early_keys(facts)
    if caggs.wanted(task, facts):
        yield caggs.create(task, facts)
        yield caggs.mark(task, facts)
    yield _tables(facts)
    if facts.large_objects:
        yield _large_objects(facts)
    yield from _constraints_before(facts)
    yield _compression(facts, last=False)
    if caggs.wanted(task, facts):
        yield caggs.stop_logging(facts)
    yield _rows(facts)
    if caggs.wanted(task, facts):
        yield caggs.logging_again(facts)
        yield caggs.recompute(task, facts)
    yield _sequences(task)
    yield _constraints_after(facts)
    yield _compression(facts, last=True)
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
        expect=_LOGGED,
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


def _early_keys(facts: SplitFacts) -> HandStep:
    return HandStep(
        id="primary-keys",
        title="Add primary keys",
        why="Of hypertables with many chunks, while there are none: added to chunks that are "
        "there, each takes time or memory that grows with the square of their number.",
        code=(target_sql(*map(_where_missing, facts.early_keys)),),
        expect="Nothing is printed.",
    )


def _tables(facts: SplitFacts) -> HandStep:
    lines = []
    for table, piece in facts.tables:
        where = f" {quote(f'WHERE {piece.where}')}" if piece.where else ""
        lines.append(
            f"copy_table {quote(qualified(table.schema, table.name))} "
            f"{quote(_columns(table))} {table.format}{where}"
        )
    return HandStep(
        id="copy-tables",
        title="Copy plain tables",
        why="Tables and partitions, before the hypertables whose foreign keys point to them. "
        "Generated columns are left out: the target computes them.",
        code=(shell_code("\n".join(lines) or ":"),),
        expect="Nothing is printed. Started again, it continues with the table that failed.",
    )


def _columns(table: SourceTable) -> str:
    return ", ".join(identifier(column.name) for column in table.columns)


def _large_objects(facts: SplitFacts) -> HandStep:
    return HandStep(
        id="copy-large-objects",
        title="Copy large objects",
        why="By a dump of nothing else, which keeps their numbers, grants and comments.",
        code=(
            shell_code(
                f"""
pg_dump --no-password --format=custom --blobs --section=pre-data --section=data \\
  --exclude-schema='*' --file="$WORK/large-objects.dump" --dbname="$SOURCE"
pg_restore --list "$WORK/large-objects.dump" |
  grep -E '^[0-9]+; [0-9]+ [0-9]+ (BLOB|BLOBS|BLOB METADATA|(ACL|COMMENT) - LARGE OBJECT) ' \\
    > "$WORK/large-objects.list" || true
restore copy-large-objects '{expected_errors(facts.ends)}' \\
  --use-list="$WORK/large-objects.list" "$WORK/large-objects.dump\""""
            ),
        ),
        expect="Nothing is printed.",
    )


def _constraints_before(facts: SplitFacts) -> Iterator[HandStep]:
    yield HandStep(
        id="keys",
        title="Restore keys of plain tables",
        why="Foreign keys of hypertables point to them.",
        code=(shell_code(f"restore_list keys '{expected_errors(facts.ends)}' --jobs=\"$JOBS\""),),
        expect=_LOGGED,
    )
    first = before_compression(facts.later_constraints, facts.compressed)
    unique = [index for index in facts.unique_first if index.definition]
    if first or unique:
        yield HandStep(
            id="constraints-before",
            title="Add constraints needed before compression",
            why="Once chunks are compressed, foreign keys and CHECK constraints cannot be added; "
            "older versions refuse every constraint.",
            code=(target_sql(*map(_where_missing, first), *map(_unless_there, unique)),),
            expect="Nothing is printed. What CREATE TABLE has brought is left as it is.",
        )


def _compression(facts: SplitFacts, *, last: bool) -> HandStep | None:
    tables = [
        table
        for table in facts.hypertables
        if (table.compression or table.skipping) and (table.key in facts.last) == last
    ]
    if not tables:
        return None
    statements = [
        statement
        for table in tables
        for statement in ("BEGIN", *compression_statements(table, facts.api), "COMMIT")
    ]
    code = [target_sql(*statements)]
    if last:
        lines = [
            f"compress_rest {quote(table.schema)} {quote(table.name)}"
            for table in tables
            if table.compression
        ]
        code.append(shell_code("\n".join(lines)))
    return HandStep(
        id="compression-last" if last else "compression",
        title="Compress remaining chunks" if last else "Set compression",
        why="Hypertables with a constraint that is NOT VALID: old rows may violate it, so it had "
        "to come after them, and compression after it."
        if last
        else "segmentby, orderby and intervals as on the source.",
        code=tuple(code),
    )


def _rows(facts: SplitFacts) -> HandStep:
    lines = []
    for table in facts.copied:
        into = quote(qualified(table.schema, table.name))
        if table.cagg:
            into = f'"$(materialization {quote(table.cagg[0])} {quote(table.cagg[1])})"'
        when = "last" if (table.schema, table.name) in facts.last else "now"
        lines += [
            f"# {table.label}",
            f"copy_hypertable {quote(table.schema)} {quote(table.name)} {into} \\",
            f"  {quote(_columns(table))} {table.format} {when}",
        ]
    return HandStep(
        id="copy-hypertables",
        title="Copy hypertables",
        why="Chunk by chunk, each created with the source's own slices; compressed chunks are "
        "read as rows and compressed again. Rows of continuous aggregates are copied as stored: "
        "nothing is computed, and history whose raw rows are gone comes along.",
        code=(shell_code("\n".join(lines) or ":"),),
        expect="Nothing is printed. Started again, it continues with the chunk that failed.",
    )


def _sequences(task: Task) -> HandStep | None:
    readable = [s for s in task.inventory.sequences if s.readable]
    if not readable:
        return None
    queries = [
        f"SELECT pg_catalog.format('SELECT pg_catalog.setval(%L, %s, %L);', "
        f"{literal(qualified(s.schema, s.name))}, last_value, is_called) "
        f"FROM {qualified(s.schema, s.name)};"
        for s in readable
    ]
    return HandStep(
        id="sequences",
        title="Set sequences",
        why="Serial, identity and standalone ones, to their values on the source.",
        code=(shell_code("\n".join(("on_source -At << 'SQL' | on_target", *queries, "SQL"))),),
        expect="The value of each.",
    )


def _constraints_after(facts: SplitFacts) -> HandStep | None:
    first = before_compression(facts.later_constraints, facts.compressed)
    rest = keys_first([c for c in facts.later_constraints if c not in first])
    flags = [
        statement for index in facts.indexes for statement in index_flag_statements(index, None)
    ]
    if not rest and not flags:
        return None
    return HandStep(
        id="constraints-after",
        title="Add hypertable constraints",
        why="Behind the rows, so that each index is built once; without ONLY, which a hypertable "
        "refuses.",
        code=(target_sql(*map(_where_missing, rest), *flags),),
        expect="Nothing is printed. What CREATE TABLE has brought is left as it is.",
    )


def _where_missing(constraint: Constraint) -> str:
    """Adds it where the target lacks it, so that the step can be repeated."""
    return (
        f"SELECT {literal(constraint_statement(constraint))}\nWHERE NOT EXISTS "
        f"(SELECT FROM pg_catalog.pg_constraint WHERE conname = {literal(constraint.name)} AND "
        f"conrelid = {literal(qualified(*constraint.on))}::pg_catalog.regclass) \\gexec"
    )


def _unless_there(index: HypertableIndex) -> str:
    definition = index.definition or ""
    return definition.replace("CREATE UNIQUE INDEX ", "CREATE UNIQUE INDEX IF NOT EXISTS ", 1)


def _post_data(facts: SplitFacts) -> HandStep:
    expected = expected_errors(facts.ends)
    return HandStep(
        id="post-data",
        title="Restore post-data",
        why="Indexes, constraints of plain tables, triggers, rules, row-level security, "
        "materialized views.",
        code=(shell_code(f"restore_list post-data '{expected}' --jobs=\"$JOBS\""),),
        expect=_LOGGED,
    )


def _dependents(facts: SplitFacts) -> HandStep:
    expected = expected_errors(facts.ends)
    return HandStep(
        id="cagg-dependents",
        title="Restore what depends on continuous aggregates",
        why="Views, materialized views, functions and rules; what needs one that you left out is "
        "not restored.",
        code=(shell_code(f"restore_list after-caggs '{expected}'"),),
        expect=_LOGGED,
    )
