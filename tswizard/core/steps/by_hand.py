"""What both methods' runbooks have: which ends these are, jobs, statistics, the last comparison."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from shlex import quote

from psycopg import sql

from tswizard.core.catalog.inventory import Inventory, Job, TableKind
from tswizard.core.catalog.roles import missing_roles, role_statements
from tswizard.core.catalog.tables import NOT_USERS, not_member
from tswizard.core.db.connection import connected
from tswizard.core.db.identifiers import literal, qualified
from tswizard.core.model.object_selection import ObjectSelection, left_out
from tswizard.core.model.plan import Task
from tswizard.core.model.runbook import HandStep, shell_code, source_sql, target_sql
from tswizard.core.steps.enable_jobs import to_enable
from tswizard.core.steps.job_switch import switch_statement, takes_timezone

_FILLED = f"""SELECT pg_catalog.count(*) FROM pg_catalog.pg_class c
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p', 'm', 'f') AND {NOT_USERS} AND {not_member("pg_class", "c.oid")}"""

JOBS_AT_ONCE = (
    "Jobs that are enabled run at once, since they never ran on the target; tswizard has each run "
    "when it would have run on the source."
)
"""What enabling does otherwise."""

_JOB_FIELDS = (
    "SELECT 'job', proc_name, schedule_interval, max_runtime, max_retries, retry_period "
    "FROM timescaledb_information.jobs WHERE {} ORDER BY 2, 3, 4, 5, 6"
)

# Of hypertables and plain tables alike; chunks are in the extension's own schema, and their names
# differ where they were recreated.
_OBJECTS = rf"""SELECT 'constraint', n.nspname, r.relname, c.conname, c.contype, c.convalidated
FROM pg_catalog.pg_constraint c
JOIN pg_catalog.pg_class r ON r.oid = c.conrelid
JOIN pg_catalog.pg_namespace n ON n.oid = r.relnamespace
WHERE {NOT_USERS} AND c.contype IN ('p', 'u', 'x', 'f', 'c') {{0}}
ORDER BY 2, 3, 4;
SELECT 'index', n.nspname, r.relname, i.relname
FROM pg_catalog.pg_index x
JOIN pg_catalog.pg_class i ON i.oid = x.indexrelid
JOIN pg_catalog.pg_class r ON r.oid = x.indrelid
JOIN pg_catalog.pg_namespace n ON n.oid = r.relnamespace
WHERE {NOT_USERS} {{0}}
ORDER BY 2, 3, 4;
SELECT 'trigger', n.nspname, r.relname, t.tgname, t.tgenabled
FROM pg_catalog.pg_trigger t
JOIN pg_catalog.pg_class r ON r.oid = t.tgrelid
JOIN pg_catalog.pg_namespace n ON n.oid = r.relnamespace
WHERE NOT t.tgisinternal AND t.tgname !~ '^ts_' AND {NOT_USERS} {{0}}
ORDER BY 2, 3, 4;
SELECT 'relation', n.nspname, r.relname, r.relkind
FROM pg_catalog.pg_class r JOIN pg_catalog.pg_namespace n ON n.oid = r.relnamespace
WHERE r.relkind IN ('r', 'p', 'v', 'm', 'f', 'S') AND {NOT_USERS}
  AND {not_member("pg_class", "r.oid")} {{0}}
ORDER BY 2, 3"""


@dataclass(frozen=True, slots=True)
class Ends:
    """What both databases have to be asked for a runbook of either method."""

    keeps_zone: bool
    """The source's alter_job() takes a time zone, which it would forget."""
    target_keeps_zone: bool
    missing_roles: tuple[str, ...]
    """Roles that own or are granted something on the source, and that the target lacks."""


async def read_ends(task: Task) -> Ends:
    """Ask them. Raises CannotConnect, psycopg.Error."""
    async with connected(task.source) as source:
        ours = await takes_timezone(source, task.inventory.server.timescaledb_schema)
    async with connected(task.target) as target:
        theirs = await takes_timezone(target, task.target_server.timescaledb_schema)
        missing = await missing_roles(target, task.inventory.roles_granted)
    return Ends(ours, theirs, missing)


def expected_errors(ends: Ends) -> str:
    """A regular expression of what pg_restore may say without harm, for `restore`."""
    texts = ["must be owner of extension", "no privileges were granted"]
    texts += [f'role "{name}" does not exist' for name in ends.missing_roles]
    texts.append('unrecognized configuration parameter "transaction_timeout"')
    return "|".join(texts)


def roles_before(ends: Ends) -> tuple[str, ...]:
    """What to do about roles that the target lacks."""
    if not ends.missing_roles:
        return ()
    statements = " ".join(role_statements(ends.missing_roles))
    return (
        "The target lacks roles that own or are granted something on the source. Create them there "
        f"first, or the grants that name them are not restored: {statements}",
    )


def check_ends(task: Task, *, versions: str) -> HandStep:
    """Are these the two databases that the runbook was written for? `versions` says why theirs
    have to be these."""
    server, target = task.inventory.server, task.target_server
    schema = "SELECT pg_catalog.current_database()"
    version = "SELECT extversion FROM pg_catalog.pg_extension WHERE extname = 'timescaledb'"
    lines = [
        f'[ "$(pg_dump --version | grep -o "[0-9]*" | head -n 1)" -ge {server.major} ] ||',
        f'  stop "pg_dump is older than the source, which is PostgreSQL {server.major}"',
    ]
    for end, query, wanted, wrong in (
        ("source", schema, server.database, "SOURCE is another database"),
        ("target", schema, target.database, "TARGET is another database"),
        ("source", version, server.timescaledb or "", "the source's TimescaleDB was updated"),
        ("target", version, target.timescaledb or "", "the target's TimescaleDB was updated"),
    ):
        lines += [
            f'[ "$(on_{end} -At -c "{query}")" = {quote(wanted)} ] ||',
            f'  stop "{wrong}: this runbook is for {wanted}"',
        ]
    lines += [
        "hidden=$(on_source -At -c \"SELECT 'off' IN (",
        "  pg_catalog.current_setting('timescaledb.enable_transparent_decompression', true),",
        "  pg_catalog.current_setting('timescaledb.enable_columnarscan', true))\")",
        '[ "$hidden" != t ] || stop "the source hides compressed rows: a setting is off"',
        "filled=$(on_target -At << 'SQL'",
        f"{_FILLED};",
        "SQL",
        ")",
        '[ "$filled" = 0 ] || stop "the target is not empty: $filled tables are there"',
    ]
    return HandStep(
        id="check-ends",
        title="Check both databases",
        why="That SOURCE and TARGET are the two databases that this was written for, and that the "
        f"target is empty. {versions}",
        code=(shell_code("\n".join(lines)),),
        expect="Nothing is printed.",
    )


def pause_jobs(task: Task, jobs: Sequence[Job], ends: Ends, *, why: str) -> HandStep:
    """Pause these jobs of the source, and wait for those that are running."""
    running = (
        "SELECT pg_catalog.count(*) FROM pg_catalog.pg_stat_activity "
        "WHERE datname = pg_catalog.current_database() AND application_name IN "
        f"({', '.join(literal(job.application) for job in jobs)})"
    )
    wait = "\n".join(
        (
            "running() {",
            "  on_source -At << 'SQL'",
            f"{running};",
            "SQL",
            "}",
            'while left=$(running) && [ "$left" != 0 ]; do',
            '  say "waiting for $left jobs that are still running on the source"',
            "  sleep 5",
            "done",
        )
    )
    return HandStep(
        id="pause-source-jobs",
        title="Pause the source's jobs",
        why=f"{why} Pausing a job does not end it where it is running: that is waited for.",
        code=(source_sql(*_switches(task, jobs, ends, on=False)), shell_code(wait)),
        expect="A row for each job. Whatever happens from here on, the step "
        "resume-source-jobs puts them back.",
    )


def resume_jobs(task: Task, jobs: Sequence[Job], ends: Ends) -> HandStep:
    """Switch on what was paused."""
    return HandStep(
        id="resume-source-jobs",
        title="Resume the source's jobs",
        why="Exactly those that were paused.",
        code=(source_sql(*_switches(task, jobs, ends, on=True)),),
    )


def _switches(task: Task, jobs: Sequence[Job], ends: Ends, *, on: bool) -> tuple[str, ...]:
    schema = task.inventory.server.timescaledb_schema
    return tuple(
        statement
        for job in jobs
        for statement in (
            f"-- {job.what} on {job.target or 'nothing'}",
            switch_or_row(schema, job, job.id, on=on, keep_zone=ends.keeps_zone),
        )
    )


def switch_or_row(schema: str | None, job: Job, id: int | str, *, on: bool, keep_zone: bool) -> str:
    """alter_job(), or the job's own row where 2.23 refuses it (a policy by creation time). `id`
    may be a variable of bash."""
    known = sql.SQL(id) if isinstance(id, str) else sql.Literal(id)
    call = switch_statement(schema, known, on, keep_zone=keep_zone).as_string(None)
    call = call.removeprefix("SELECT ")
    if "created_before" not in (job.config or ""):
        return f"SELECT job_id, scheduled FROM {call}"
    return (
        f"DO $$ BEGIN PERFORM {call};\nEXCEPTION WHEN OTHERS THEN\n"
        f"  UPDATE _timescaledb_config.bgw_job SET scheduled = {str(on).lower()} "
        f"WHERE id = {id};\nEND $$"
    )


def analyze_by_hand() -> HandStep:
    """Statistics for the planner."""
    return HandStep(
        id="analyze",
        title="Analyze the target",
        why="Neither a restore nor a copy brings the planner's statistics.",
        code=(target_sql("ANALYZE"),),
        expect='Warnings "only superuser can analyze it" concern system catalogs and are harmless.',
    )


def compare_by_hand(task: Task, *, recomputed: Iterable[str] = ()) -> HandStep:
    """Both databases summed up by the same queries. `recomputed` are continuous aggregates whose
    rows are not those of the source."""
    inventory = task.inventory
    chosen = ObjectSelection.of(inventory, task.answers).chosen
    again = set(recomputed)
    out = left_out(inventory, task.answers)
    absent = {c.label for c in out.caggs} | {d.identity.replace('"', "") for d in out.dependents}
    lines = [
        "queries() {",
        '  local rows="pg_catalog.count(*), pg_catalog.sum(pg_catalog.hashtextextended('
        'one_row::text, 0)::numeric)"',
        '  [ "$CHECK" = rows ] || rows="pg_catalog.count(*)"',
        "  cat << SQL",
        *(
            f"SELECT {_dollar(literal(label))}, $rows FROM {_dollar(name)} one_row;"
            for label, name in _tables(inventory, absent)
        ),
        *(_stored_rows(cagg.schema, cagg.name) for cagg in chosen.caggs if cagg.label not in again),
        *(
            f"SELECT {_dollar(literal(f'sequence {s.label}'))}, last_value, is_called "
            f"FROM {_dollar(qualified(s.schema, s.name))};"
            for s in inventory.sequences
            if s.readable
        ),
        "SQL",
        "  cat << 'SQL'",
        f"{_OBJECTS.format(_without(absent))};",
        "SQL",
        "}",
        *_job_queries(job.id for job in chosen.jobs),
        'both() { (queries; "$1_jobs") | "on_$1" -At; }',
        'both source > "$WORK/source.txt" & # both databases at once',
        'both target > "$WORK/target.txt"',
        "wait $!",
        'diff "$WORK/source.txt" "$WORK/target.txt" > "$WORK/differences.txt" || {',
        '  head -n 50 "$WORK/differences.txt" >&2',
        '  stop "source (<) and target (>) differ; all of it is in $WORK/differences.txt"',
        "}",
        'say "$(wc -l < "$WORK/source.txt") facts are equal on both databases"',
    ]
    return HandStep(
        id="compare",
        title="Compare both databases",
        why="Rows and a checksum of them for every table, the values of sequences, constraints, "
        "indexes, triggers, relations, jobs. CHECK=count counts rows only, which reads less.",
        code=(shell_code("\n".join(lines)),),
        expect="How many facts are equal. Rows written to the source since the first step show as "
        "differences: copy them again before anybody uses the target.",
    )


def _tables(inventory: Inventory, absent: set[str]) -> list[tuple[str, str]]:
    """Label and SQL of everything that holds rows of its own, or shows them."""
    found = [(h.label, h.sql) for h in inventory.hypertables if h.cagg is None]
    found += [
        (t.label, t.sql)
        for t in inventory.tables
        if t.kind in (TableKind.PLAIN, TableKind.PARTITION, TableKind.MATVIEW)
        and t.label not in absent
    ]
    return sorted(found)


def _stored_rows(schema: str, name: str) -> str:
    """The rows that a continuous aggregate has stored, by a name that differs on each end."""
    label = literal(f"continuous aggregate {schema}.{name}")
    query = (
        "SELECT pg_catalog.format('SELECT %L, $rows FROM %I.%I one_row', "
        f"{label}, materialization_hypertable_schema, materialization_hypertable_name) "
        "FROM timescaledb_information.continuous_aggregates "
        f"WHERE view_schema = {literal(schema)} AND view_name = {literal(name)} \\gexec"
    )
    return _dollar(query, keep="$rows")


def _dollar(text: str, keep: str = "") -> str:
    """Text for a here-document that expands variables: of these only the one to keep is one, and a
    backslash stays one."""
    escaped = text.replace("\\", "\\\\").replace("$", "\\$").replace("`", "\\`")
    return escaped.replace("\\" + keep, keep) if keep else escaped


def _without(absent: set[str]) -> str:
    if not absent:
        return ""
    names = ", ".join(literal(name) for name in sorted(absent))
    return f"AND n.nspname || '.' || r.relname NOT IN ({names})"


def _job_queries(ids: Iterable[int]) -> list[str]:
    chosen = ", ".join(map(str, ids))
    if not chosen:
        return ["source_jobs() { :; }", "target_jobs() { :; }"]
    lines = []
    for end, which in (("source", f"job_id IN ({chosen})"), ("target", "job_id >= 1000")):
        lines += [f"{end}_jobs() {{", "  cat << 'SQL'", f"{_JOB_FIELDS.format(which)};", "SQL", "}"]
    return lines


def enabling_order(task: Task) -> tuple[Job, ...]:
    """Jobs to enable on the target at the end; none where they are to stay paused."""
    return to_enable(task) if task.answers.enable_jobs else ()
