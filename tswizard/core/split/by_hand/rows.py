"""A split migration by hand: what moves rows."""

from shlex import quote

from tswizard.core.db.identifiers import identifier, literal, qualified
from tswizard.core.model.plan import Task
from tswizard.core.model.runbook import HandStep, shell_code
from tswizard.core.split.by_hand.facts import SplitFacts
from tswizard.core.split.plan.piece import SourceTable
from tswizard.core.steps.by_hand import expected_errors


def plain_tables(facts: SplitFacts) -> HandStep:
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


def large_objects(facts: SplitFacts) -> HandStep:
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


def hypertable_rows(facts: SplitFacts) -> HandStep:
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


def sequence_values(task: Task) -> HandStep | None:
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


def _columns(table: SourceTable) -> str:
    return ", ".join(identifier(column.name) for column in table.columns)
