"""Continuous aggregates by hand: created empty, marked valid, their rows copied as stored."""

from collections.abc import Iterable, Iterator
from shlex import quote

from tswizard.core.catalog.cagg_model import WINDOW_FUNCTIONS
from tswizard.core.catalog.cagg_state import RAW_LOG
from tswizard.core.catalog.caggs import CAGG_INDEXES
from tswizard.core.catalog.catalog_shape import CAGG, HYPERTABLE
from tswizard.core.db.identifiers import identifier, literal, qualified
from tswizard.core.model.kept_history import kept_caggs, recomputed_caggs
from tswizard.core.model.object_selection import chosen_caggs
from tswizard.core.model.plan import Task
from tswizard.core.model.runbook import Code, HandStep, shell_code, target_sql
from tswizard.core.split.by_hand.facts import SplitFacts
from tswizard.core.split.caggs.create import (
    MAY_OWN,
    compression_statement,
)
from tswizard.core.split.caggs.logging import TRIGGER
from tswizard.core.split.schema.cagg_facts import CaggFacts
from tswizard.core.steps.by_hand import expected_errors


def wanted(task: Task, facts: SplitFacts) -> tuple[CaggFacts, ...]:
    """Those that can be created, parents first."""
    return tuple(
        facts.caggs[cagg.label]
        for cagg in chosen_caggs(task.inventory, task.answers)
        if cagg.label in facts.caggs and cagg.finalized
    )


def create(task: Task, facts: SplitFacts) -> HandStep:
    """Create them, with their indexes, intervals, grants, comments and compression settings."""
    code: list[Code] = []
    for cagg in wanted(task, facts):
        code.append(_creation(task, facts, cagg))
    code.append(shell_code(f"restore_list on-caggs '{expected_errors(facts.ends)}'"))
    settings = [
        compression_statement(cagg.cagg, cagg.materialization.compression)
        for cagg in wanted(task, facts)
        if cagg.materialization.compression
    ]
    if settings:
        code.append(target_sql(*settings))
    return HandStep(
        id="continuous-aggregates",
        title="Create continuous aggregates",
        why="On the empty hypertables, parents first, without data; grants before compression, "
        "which would refuse those on columns.",
        code=tuple(code),
        expect="set_chunk_time_interval() prints an empty row for each of them.",
    )


def _creation(task: Task, facts: SplitFacts, cagg: CaggFacts) -> Code:
    statements = [
        f"SELECT pg_catalog.set_config(name, 'on', false) IS NULL FROM pg_catalog.pg_settings "
        f"WHERE name = {literal(WINDOW_FUNCTIONS)} \\g /dev/null",
        cagg.cagg.create_statement,
        _indexes(cagg),
        f"SELECT {qualified(facts.schema, 'set_chunk_time_interval')}("
        "pg_catalog.format('%I.%I', h.schema_name, h.table_name)::pg_catalog.regclass, "
        f"{cagg.chunk_interval})\n{_of(cagg)}",
    ]
    if cagg.cagg.owner != task.target_server.role.name:
        statements = _as_owner(cagg, statements)
    return target_sql(f"-- {cagg.cagg.label}", *statements)


def _of(cagg: CaggFacts) -> str:
    """FROM and WHERE that find it and its materialization on the target."""
    return (
        f"FROM {CAGG} g JOIN {HYPERTABLE} h ON h.id = g.mat_hypertable_id\n"
        f"WHERE g.user_view_schema = {literal(cagg.cagg.schema)} "
        f"AND g.user_view_name = {literal(cagg.cagg.name)}"
    )


def _indexes(cagg: CaggFacts) -> str:
    """The indexes of its materialization made those of the source. Names that the server chose
    begin with the materialization's own name, which differs."""
    own = cagg.cagg.materialization_name
    values = ",\n    ".join(
        f"({str(index.name.startswith(f'{own}_')).lower()}, "
        f"{literal(index.name.removeprefix(own))}, {literal(index.definition)})"
        if index.name.startswith(f"{own}_")
        else f"(false, {literal(index.name)}, {literal(index.definition)})"
        for index in cagg.cagg.indexes
    )
    wanted = f"(VALUES {values})" if values else "(SELECT false, '', '' WHERE false)"
    return f"""WITH mat AS (
  SELECT h.id, h.schema_name, h.table_name {_of(cagg)}
), there (id, name, definition) AS ({CAGG_INDEXES.strip()}
), wanted (name, definition) AS (
  SELECT CASE WHEN w.own THEN m.table_name || w.name ELSE w.name END, w.definition
  FROM mat m, {wanted} w (own, name, definition)
)
SELECT pg_catalog.format('DROP INDEX %I.%I', m.schema_name, t.name)
FROM mat m JOIN there t ON t.id = m.id
WHERE (t.name, t.definition) NOT IN (SELECT name, definition FROM wanted)
UNION ALL
SELECT pg_catalog.format('CREATE INDEX %I ON %s %s', w.name, {literal(cagg.cagg.sql)}, w.definition)
FROM wanted w
WHERE (w.name, w.definition) NOT IN (SELECT t.name, t.definition FROM mat m, there t
  WHERE t.id = m.id) \\gexec"""


def _as_owner(cagg: CaggFacts, statements: Iterable[str]) -> list[str]:
    """As the role that owns it, where the target has it and lets us; else as our own."""
    reads = qualified(*cagg.cagg.reads)
    owner = identifier(cagg.cagg.owner)
    may = MAY_OWN.strip()
    for name, text in (
        ("reads", reads),
        ("owner", cagg.cagg.owner),
        ("schema", cagg.cagg.schema),
    ):
        may = may.replace(f"%({name})s", literal(text))
    lacks = (
        f"pg_catalog.has_table_privilege({literal(cagg.cagg.owner)}, {literal(reads)}, 'TRIGGER')"
    )
    return [
        f"SELECT COALESCE((\n{may}), false) AS as_owner \\gset",
        "\\if :as_owner",
        f"SELECT NOT {lacks} AS lend \\gset",
        "\\if :lend",
        f"GRANT TRIGGER ON {reads} TO {owner}",
        "\\endif",
        f"SET ROLE {owner}",
        "\\endif",
        *statements,
        "RESET ROLE",
        "\\if :as_owner",
        "\\if :lend",
        f"REVOKE TRIGGER ON {reads} FROM {owner}",
        "\\endif",
        "\\endif",
    ]


def mark(task: Task, facts: SplitFacts) -> HandStep | None:
    """Watermarks and valid ranges as on the source, while there is nothing to compute."""
    kept = {cagg.label for cagg in kept_caggs(task.inventory, task.answers) if cagg.state}
    some = [cagg for cagg in wanted(task, facts) if cagg.cagg.label in kept]
    if not some:
        return None
    states = {cagg.label: cagg.state for cagg in task.inventory.caggs}
    lines = []
    for cagg in some:
        state = states[cagg.cagg.label]
        assert state is not None
        column = quote(identifier(state.time_column))
        lines.append(f"seed_watermark {_arguments(task, cagg)} {column}")
    lines += [f"mark_valid {_arguments(task, cagg)}" for cagg in some]
    return HandStep(
        id="cagg-ranges",
        title="Set watermarks and valid ranges",
        why="Read from the source now, and set before any row arrives: nothing is computed then, "
        "and history outlives every later refresh. Before 2.17 a watermark moves only by "
        "computing rows, so there it stays where it is.",
        code=(shell_code("\n".join(lines)),),
    )


def _arguments(task: Task, cagg: CaggFacts) -> str:
    state = next(c.state for c in task.inventory.caggs if c.label == cagg.cagg.label)
    assert state is not None
    return " ".join(
        (
            quote(cagg.cagg.schema),
            quote(cagg.cagg.name),
            str(max(1, state.width)),
            str(state.fixed).lower(),
            quote(state.time_type),
        )
    )


def stop_logging(facts: SplitFacts) -> HandStep | None:
    """Drop the triggers that log changes (up to 2.22)."""
    if not facts.triggers:
        return None
    on = (
        f"FROM pg_catalog.pg_trigger t JOIN pg_catalog.pg_class c ON c.oid = t.tgrelid "
        "JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace "
        f"JOIN {HYPERTABLE} h ON h.schema_name = n.nspname AND h.table_name = c.relname "
        f"WHERE t.tgname = {literal(TRIGGER)}"
    )
    lines = (
        "# The definitions are kept first: log-again puts them back.",
        'if [ ! -e "$WORK/triggers.sql" ]; then',
        "  on_target -At << 'SQL' > \"$WORK/triggers.new\"",
        f"SELECT pg_catalog.pg_get_triggerdef(t.oid) || ';' {on};",
        "SQL",
        '  mv "$WORK/triggers.new" "$WORK/triggers.sql"',
        "fi",
        "on_target << 'SQL'",
        f"SELECT pg_catalog.format('DROP TRIGGER %I ON %I.%I', t.tgname, n.nspname, c.relname) {on}"
        " \\gexec",
        "SQL",
    )
    return HandStep(
        id="stop-logging",
        title="Stop logging changes",
        why="Rows that arrive change nothing: their buckets come with them. Up to 2.22 triggers "
        "log changes for continuous aggregates.",
        code=(shell_code("\n".join(lines)),),
    )


def logging_again(facts: SplitFacts) -> HandStep:
    """Put the triggers back, and take out of the log what the copy has written."""
    code = []
    if facts.triggers:
        code.append(
            shell_code(
                'if [ -e "$WORK/triggers.sql" ]; then\n'
                '  on_target -1 -f "$WORK/triggers.sql"\n'
                '  mv "$WORK/triggers.sql" "$WORK/triggers.done"\n'
                "fi"
            )
        )
    clear = f"""DO $$ BEGIN
  DELETE FROM {RAW_LOG};
EXCEPTION WHEN insufficient_privilege THEN
  RAISE WARNING 'this role may not clear the log: the next refresh computes those buckets again';
END $$"""
    code.append(target_sql(clear))
    return HandStep(
        id="log-again",
        title="Log changes again",
        why="From here on continuous aggregates notice again what changes. What the copy has "
        "logged is removed: nobody else has written to the target.",
        code=tuple(code),
        expect="Nothing. Where this role may not clear the log, a warning says so; then refresh "
        "nothing whose raw rows are gone before its entries are removed.",
    )


def recompute(task: Task, facts: SplitFacts) -> HandStep | None:
    """Refresh what was chosen to be recomputed."""
    again = {cagg.label for cagg in recomputed_caggs(task.inventory, task.answers) if cagg.state}
    lines = [
        f"recompute {_arguments(task, cagg)}"
        for cagg in wanted(task, facts)
        if cagg.cagg.label in again
    ]
    if not lines:
        return None
    return HandStep(
        id="cagg-refresh",
        title="Refresh continuous aggregates",
        why="Those that you chose to recompute, parents first, as far as the source had refreshed "
        "them. Buckets whose raw rows are gone do not come back.",
        code=(shell_code("\n".join(lines)),),
    )


def not_created(task: Task) -> Iterator[str]:
    """What cannot be created at all."""
    old = [cagg.label for cagg in chosen_caggs(task.inventory, task.answers) if not cagg.finalized]
    if old:
        yield (
            f"Continuous aggregates of the old format are not created: {', '.join(old)}. Run "
            "cagg_migrate() on the source first, then write this again."
        )
