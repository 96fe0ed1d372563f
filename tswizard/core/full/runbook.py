"""A full migration by hand: the steps of `full/steps.py` in bash and SQL."""

from collections.abc import Iterator

from tswizard.core.db.identifiers import literal, qualified
from tswizard.core.full.compress_chunks import eligible
from tswizard.core.full.drop_left_out import dropping, something_left_out
from tswizard.core.full.dump import DUMP_OPTIONS, through_roots
from tswizard.core.full.recreate_extension import recreates_extension
from tswizard.core.full.restore import Phase
from tswizard.core.model.plan import Task
from tswizard.core.model.runbook import HandStep, Runbook, shell_code, source_sql, target_sql
from tswizard.core.run.context import shell
from tswizard.core.steps.by_hand import (
    JOBS_AT_ONCE,
    Ends,
    analyze_by_hand,
    check_ends,
    compare_by_hand,
    enabling_order,
    expected_errors,
    pause_jobs,
    read_ends,
    resume_jobs,
    roles_before,
    switch_or_row,
)
from tswizard.core.steps.partition_triggers import (
    PARTITION_TRIGGERS_IN_TOC,
    has_partition_triggers,
    partition_triggers_by_hand,
)
from tswizard.core.steps.source_jobs import to_pause

_DUMP = '"$WORK/dump"'

_NOT_YET = {Phase.SCHEMA: ("--no-privileges",)}
"""What a phase leaves to a later step."""

_KEYS = """FROM pg_catalog.pg_constraint k
JOIN pg_catalog.pg_class c ON c.oid = k.conrelid
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
JOIN pg_catalog.pg_class r ON r.oid = k.confrelid
JOIN pg_catalog.pg_namespace rn ON rn.oid = r.relnamespace
JOIN _timescaledb_catalog.hypertable h ON h.schema_name = rn.nspname AND h.table_name = r.relname
WHERE k.contype = 'f' AND k.conparentid = 0"""
"""Foreign keys of the source that reference a hypertable."""

_IN_TOC = f"""SELECT pg_catalog.format('FK CONSTRAINT %s %s %s ', n.nspname, c.relname, k.conname)
{_KEYS}
UNION ALL
SELECT pg_catalog.format('COMMENT %s CONSTRAINT %I ON %I', n.nspname, k.conname, c.relname)
{_KEYS}"""

_ADDING = f"""SELECT pg_catalog.format('ALTER TABLE %I.%I ADD CONSTRAINT %I %s;',
  n.nspname, c.relname, k.conname, pg_catalog.pg_get_constraintdef(k.oid))
{_KEYS}
UNION ALL
SELECT pg_catalog.format('COMMENT ON CONSTRAINT %I ON %I.%I IS %L;',
  k.conname, n.nspname, c.relname, pg_catalog.obj_description(k.oid, 'pg_constraint'))
{_KEYS} AND pg_catalog.obj_description(k.oid, 'pg_constraint') IS NOT NULL;"""


async def full_runbook(task: Task) -> Runbook:
    """For this database. Raises CannotConnect, psycopg.Error."""
    ends = await read_ends(task)
    return Runbook(
        steps=tuple(_steps(task, ends)),
        before=(
            "Both databases need the same version of TimescaleDB: a full migration restores the "
            "extension's own catalog.",
            *roles_before(ends),
        ),
        differences=(
            "An interrupted restore is not cleaned up: empty the target by hand, or take another "
            "one, remove $WORK/done/restore-* and $WORK/done/enter-restore-mode, and start the "
            "script again.",
            JOBS_AT_ONCE,
            "Errors of pg_restore that are not on the list of expected ones stop the script; "
            "nobody judges them further.",
            "The comparison at the end is one of rows, checksums, sequences, names and jobs, not "
            "of every detail of every object.",
        ),
    )


def _steps(task: Task, ends: Ends) -> Iterator[HandStep]:
    answers = task.answers
    jobs = to_pause(task.inventory) if answers.pause_source_jobs else ()
    if recreates_extension(task):
        yield _recreate(task)
    else:
        yield check_ends(task, versions="Their versions of TimescaleDB have to be equal.")
    if answers.compress_first:
        yield _compress(task)
    if jobs:
        yield pause_jobs(
            task,
            jobs,
            ends,
            why="So that no chunk is dropped or rewritten while it is dumped.",
        )
    yield _dump(task)
    yield _enter(task)
    yield from _restoring(task, ends)
    yield _leave(task, ends)
    if something_left_out(task):
        yield _drop(task)
    yield _add_keys()
    if has_partition_triggers(task):
        yield partition_triggers_by_hand()
    yield analyze_by_hand()
    yield compare_by_hand(task)
    if jobs:
        yield resume_jobs(task, jobs, ends)
    if enabling_order(task):
        yield _enable(task, ends)


def _of_target(task: Task, function: str) -> str:
    return f"{qualified(task.target_server.timescaledb_schema or 'public', function)}()"


def _recreate(task: Task) -> HandStep:
    version = literal(task.inventory.server.timescaledb or "")
    return HandStep(
        id="recreate-extension",
        title="Recreate TimescaleDB on the target",
        why="At the source's version, which a full migration needs. The target has to be empty, "
        "and only the extension's owner may drop it.",
        code=(
            target_sql("DROP EXTENSION IF EXISTS timescaledb CASCADE"),
            target_sql(f"CREATE EXTENSION timescaledb WITH SCHEMA public VERSION {version}"),
        ),
    )


def _compress(task: Task) -> HandStep:
    schema = task.inventory.server.timescaledb_schema or "public"
    call = qualified(schema, "compress_chunk")
    return HandStep(
        id="compress-chunks",
        title="Compress chunks on the source",
        why="All but the newest one of each hypertable. This writes to the source.",
        code=(
            source_sql(
                *(
                    f"SELECT {call}({literal(chunk.sql)}, true)"
                    for _, chunk in eligible(task.inventory)
                )
            ),
        ),
    )


def _dump(task: Task) -> HandStep:
    return HandStep(
        id="dump",
        title="Dump the source",
        why="One pg_dump of everything, by its own snapshot. The source stays in use; what is "
        "written from here on is not migrated.",
        code=(
            shell_code(
                f"""
rm -rf {_DUMP}
pg_dump {shell((*DUMP_OPTIONS, *through_roots(task)))} --compress=1 \\
  --jobs="$JOBS" --file={_DUMP} --dbname="$SOURCE" 2> "$WORK/dump.log" || {{
  cat "$WORK/dump.log" >&2
  stop "pg_dump failed"
}}"""
            ),
        ),
        expect="Warnings about circular foreign keys of hypertable, chunk and continuous_agg, and "
        'notices "hypertable data are in the chunks", concern the extension\'s own tables and are '
        "harmless. A lock that could not be obtained is a job that still runs: wait and repeat.",
    )


def _enter(task: Task) -> HandStep:
    check = "SELECT pg_catalog.current_setting('timescaledb.restoring')"
    return HandStep(
        id="enter-restore-mode",
        title="Enter restore mode on the target",
        why="In it the extension lets its own catalog be written, and starts no job.",
        code=(
            target_sql(f"SELECT {_of_target(task, 'timescaledb_pre_restore')}"),
            shell_code(
                f'[ "$(on_target -At -c "{check}")" = on ] ||\n'
                '  stop "restore mode is not on in a new session: is there a pooler in between?"'
            ),
        ),
    )


def _restoring(task: Task, ends: Ends) -> Iterator[HandStep]:
    expected = expected_errors(ends)
    for phase, id, title, why in (
        (
            Phase.SCHEMA,
            "restore-schema",
            "Restore the schema",
            "Schemas, types, functions, tables: everything before rows, but for privileges: an "
            "owner who has revoked its own INSERT could restore no row.",
        ),
        (
            Phase.CATALOG,
            "restore-catalog",
            "Restore TimescaleDB's catalog",
            "Hypertables, chunks, continuous aggregates and jobs. With one job: in parallel its "
            "foreign keys break.",
        ),
        (
            Phase.ROWS,
            "restore-rows",
            "Restore the rows",
            "Every chunk and table; compressed chunks as they are stored.",
        ),
    ):
        jobs = '"$JOBS"' if phase.parallel else "1"
        call = (
            f"restore {id} '{expected}' --format=directory --jobs={jobs} \\\n"
            f"  {shell((*phase.selection, *_NOT_YET.get(phase, ())))} {_DUMP}"
        )
        yield _restored(ends, id, title, why, call)
    later = [_IN_TOC, *([PARTITION_TRIGGERS_IN_TOC] if has_partition_triggers(task) else [])]
    lines = [
        "# Foreign keys to hypertables have to wait: in restore mode their rows are hidden.",
        "on_source -At << 'SQL' > \"$WORK/later.txt\"",
        "\nUNION ALL\n".join(later) + ";",
        "SQL",
        f"pg_restore --list --format=directory {shell(Phase.REST.selection)} {_DUMP} |",
        '  grep -v -F -f "$WORK/later.txt" > "$WORK/post-data.list"',
        f"restore restore-post-data '{expected}' --format=directory --jobs=\"$JOBS\" \\",
        f'  --use-list="$WORK/post-data.list" {_DUMP}',
    ]
    why = "Indexes, constraints, triggers, rules: everything after rows."
    yield _restored(ends, "restore-post-data", "Restore post-data", why, *lines)
    lines = [
        f"pg_restore --list --format=directory {_DUMP} |",
        "  grep -E '^[0-9]+; [0-9]+ [0-9]+ (DEFAULT )?ACL ' > \"$WORK/privileges.list\" || true",
        f"restore restore-privileges '{expected}' --format=directory --jobs=1 \\",
        f'  --use-list="$WORK/privileges.list" {_DUMP}',
    ]
    why = "Last, as a plain pg_restore has them."
    yield _restored(ends, "restore-privileges", "Restore privileges", why, *lines)


def _restored(ends: Ends, id: str, title: str, why: str, *lines: str) -> HandStep:
    code = (shell_code("\n".join(lines)),)
    return HandStep(id=id, title=title, why=why, code=code, expect=_expected(ends))


def _expected(ends: Ends) -> str:
    missing = ", ".join(ends.missing_roles)
    roles = f' and "role … does not exist" for {missing}' if missing else ""
    return (
        'Nothing is printed. In the log, "must be owner of extension timescaledb" and "no '
        f'privileges were granted"{roles} are harmless; any other error stops the script.'
    )


def _leave(task: Task, ends: Ends) -> HandStep:
    alter = qualified(task.target_server.timescaledb_schema or "public", "alter_job")
    zone = ", timezone => job.timezone" if ends.target_keeps_zone else ""
    fields = "id, timezone" if ends.target_keeps_zone else "id"
    pausing = f"""DO $$
DECLARE job record;
BEGIN
  FOR job IN SELECT {fields} FROM _timescaledb_config.bgw_job WHERE id >= 1000 AND scheduled LOOP
    BEGIN
      PERFORM {alter}(job.id, scheduled => false{zone});
    EXCEPTION WHEN OTHERS THEN
      UPDATE _timescaledb_config.bgw_job SET scheduled = false WHERE id = job.id;
    END;
  END LOOP;
END $$"""
    return HandStep(
        id="leave-restore-mode",
        title="Leave restore mode",
        why="All jobs are paused in the same transaction: otherwise retention could drop chunks "
        "before anybody has looked.",
        code=(
            target_sql(
                "BEGIN", f"SELECT {_of_target(task, 'timescaledb_post_restore')}", pausing, "COMMIT"
            ),
        ),
    )


def _drop(task: Task) -> HandStep:
    return HandStep(
        id="drop-left-out",
        title="Drop what you left out",
        why="The restore brought all continuous aggregates and policies.",
        code=(target_sql(*(text.removesuffix(";") for text in dropping(task))),),
    )


def _add_keys() -> HandStep:
    return HandStep(
        id="hypertable-foreign-keys",
        title="Add foreign keys to hypertables",
        why="In restore mode they could not be checked. Where there is none, nothing happens.",
        code=(shell_code(f"on_source -At << 'SQL' | on_target\n{_ADDING}\nSQL"),),
    )


def _enable(task: Task, ends: Ends) -> HandStep:
    statements: list[str] = []
    for job in enabling_order(task):
        statements += (
            f"-- {job.what} on {job.target or 'nothing'}",
            switch_or_row(
                task.target_server.timescaledb_schema,
                job,
                job.id,
                on=True,
                keep_zone=ends.target_keeps_zone,
            ),
        )
    return HandStep(
        id="enable-jobs",
        title="Enable the target's jobs",
        why="As they were on the source, retention last. A restore keeps their ids.",
        code=(target_sql(*statements),),
        expect="A row for each job. Do this only when the comparison passed.",
    )
