"""A split migration by hand: constraints and compression of hypertables."""

from collections.abc import Iterator
from shlex import quote

from tswizard.core.catalog.inventory import Constraint
from tswizard.core.db.identifiers import literal, qualified
from tswizard.core.model.runbook import HandStep, shell_code, target_sql
from tswizard.core.split.by_hand.facts import SplitFacts
from tswizard.core.split.by_hand.functions import LOGGED
from tswizard.core.split.schema.compression import compression_statements
from tswizard.core.split.schema.constraints import (
    before_compression,
    constraint_statement,
    keys_first,
)
from tswizard.core.split.schema.index_flags import HypertableIndex, index_flag_statements
from tswizard.core.steps.by_hand import expected_errors


def primary_keys(facts: SplitFacts) -> HandStep:
    return HandStep(
        id="primary-keys",
        title="Add primary keys",
        why="Of hypertables with many chunks, while there are none: added to chunks that are "
        "there, each takes time or memory that grows with the square of their number.",
        code=(target_sql(*map(_where_missing, facts.early_keys)),),
        expect="Nothing is printed.",
    )


def before_rows(facts: SplitFacts) -> Iterator[HandStep]:
    yield HandStep(
        id="keys",
        title="Restore keys of plain tables",
        why="Foreign keys of hypertables point to them.",
        code=(shell_code(f"restore_list keys '{expected_errors(facts.ends)}' --jobs=\"$JOBS\""),),
        expect=LOGGED,
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


def compression_set(facts: SplitFacts, *, last: bool) -> HandStep | None:
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


def after_rows(facts: SplitFacts) -> HandStep | None:
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
