#!/usr/bin/env bash
# Runbook: defaultdb to tsdb, by hand (full)
#
# Source: 127.0.0.1:PORT/defaultdb, PostgreSQL 17.5, TimescaleDB 2.23.0-dev.
# Target: 127.0.0.1:PORT/tsdb, PostgreSQL 17.5, TimescaleDB 2.23.0-dev.
# 6 hypertables, 5 continuous aggregates, 16 tables, 10 jobs: SIZE as stored.
# Disk on this machine: up to SIZE. Disk on the target: about SIZE.
#
# Before you begin:
# - Needed on this machine: bash, psql, pg_dump and pg_restore of PostgreSQL 17 or later.
# - The connections are in the environment: SOURCE and TARGET, each a conninfo without a password
# or the name of a service (service=mst, in ~/.pg_service.conf). The passwords are in ~/.pgpass, or
# in the file that PGPASSFILE names.
# - Take a direct connection, not that of a pooler.
# - Stop whatever writes to the source; what is written after the copy has begun is not migrated.
# - Both databases need the same version of TimescaleDB: a full migration restores the extension's
# own catalog.
#
# Differences from a run of tswizard:
# - An interrupted restore is not cleaned up: empty the target by hand, or take another one, remove
# $WORK/done/restore-* and $WORK/done/enter-restore-mode, and start the script again.
# - Jobs that are enabled run at once, since they never ran on the target; tswizard has each run
# when it would have run on the source.
# - Errors of pg_restore that are not on the list of expected ones stop the script; nobody judges
# them further.
# - The comparison at the end is one of rows, checksums, sequences, names and jobs, not of every
# detail of every object.
#
# SOURCE=service=mst TARGET=service=cloud bash migrate.sh
# Started again, it continues where it stopped. One step: bash migrate.sh NAME

set -uo pipefail

: "${SOURCE:?is not set: the connection to the source, such as service=mst or postgresql://user@host:port/defaultdb?sslmode=require}"
: "${TARGET:?is not set: the connection to the target, such as service=cloud}"
WORK=${WORK:-$PWD/migration} # dumps, lists, logs, and which steps are done
JOBS=${JOBS:-1}         # connections of pg_dump and pg_restore
CHECK=${CHECK:-rows}         # how the last check compares tables: rows or count

mkdir -p "$WORK/done"
chmod 700 "$WORK"

# Nothing hangs on what a role, a database or a client has set.
export LC_MESSAGES=C LANGUAGE=C PGAPPNAME=runbook
export PGOPTIONS='-c search_path=pg_catalog -c DateStyle=ISO,YMD -c IntervalStyle=postgres -c TimeZone=UTC -c extra_float_digits=1 -c bytea_output=hex -c xmloption=content -c xmlbinary=base64 -c lc_monetary=C -c array_nulls=on -c quote_all_identifiers=off -c standard_conforming_strings=on -c transform_null_equals=off -c statement_timeout=0 -c lock_timeout=0 -c idle_in_transaction_session_timeout=0 -c default_transaction_isolation=read\ committed -c default_transaction_read_only=off -c default_transaction_deferrable=off -c default_tablespace= -c temp_tablespaces= -c default_table_access_method=heap -c client_min_messages=notice -c jit=off -c synchronize_seqscans=on -c tcp_keepalives_idle=30 -c tcp_keepalives_interval=10 -c tcp_keepalives_count=6'

say() { printf '%s\n' "$*" >&2; }
stop() {
  say "STOP: $*"
  return 1
}

# SQL from the arguments or from standard input, at one end; an error ends the step.
on_source() { PGCLIENTENCODING=UTF8 psql -X -q -w -v ON_ERROR_STOP=1 -d "$SOURCE" "$@"; }
on_target() { PGCLIENTENCODING=UTF8 psql -X -q -w -v ON_ERROR_STOP=1 -d "$TARGET" "$@"; }

# restore NAME EXPECTED ARGUMENT…: pg_restore into the target. Its messages go to NAME.log; any error
# that the regular expression EXPECTED does not name ends the step.
restore() {
  local log="$WORK/$1.log" expected=$2 unexpected
  shift 2
  if PGOPTIONS="$PGOPTIONS" pg_restore --no-password --no-owner --dbname="$TARGET" "$@" 2> "$log"; then
    return 0
  fi
  grep -q 'errors ignored on restore' "$log" || { cat "$log" >&2; return 1; }
  unexpected=$(grep '^pg_restore: error:' "$log" | grep -Ev "$expected") || true
  [ -z "$unexpected" ] && return 0
  say "$unexpected"
  stop "pg_restore met errors that are not expected; the log is $log"
}

# run STEP TITLE: a step that is not done yet; the first that fails ends the script.
run() {
  if [ -e "$WORK/done/$1" ]; then
    say "== $2: done before"
    return 0
  fi
  say "== $2"
  (set -e; "step_${1//-/_}")
  local code=$?
  if [ "$code" -ne 0 ]; then
    say "Step $1 ended with an error; nothing after it was run."
    say "Fix the cause and start the script again: it continues with this step."
    exit "$code"
  fi
  : > "$WORK/done/$1"
}

# 1. Check both databases
# That SOURCE and TARGET are the two databases that this was written for, and that the target is
# empty. Their versions of TimescaleDB have to be equal.
# Expect: Nothing is printed.
step_check_ends() {
[ "$(pg_dump --version | grep -o "[0-9]*" | head -n 1)" -ge 17 ] ||
  stop "pg_dump is older than the source, which is PostgreSQL 17"
[ "$(on_source -At -c "SELECT pg_catalog.current_database()")" = defaultdb ] ||
  stop "SOURCE is another database: this runbook is for defaultdb"
[ "$(on_target -At -c "SELECT pg_catalog.current_database()")" = tsdb ] ||
  stop "TARGET is another database: this runbook is for tsdb"
[ "$(on_source -At -c "SELECT extversion FROM pg_catalog.pg_extension WHERE extname = 'timescaledb'")" = 2.23.0-dev ] ||
  stop "the source's TimescaleDB was updated: this runbook is for 2.23.0-dev"
[ "$(on_target -At -c "SELECT extversion FROM pg_catalog.pg_extension WHERE extname = 'timescaledb'")" = 2.23.0-dev ] ||
  stop "the target's TimescaleDB was updated: this runbook is for 2.23.0-dev"
hidden=$(on_source -At -c "SELECT 'off' IN (
  pg_catalog.current_setting('timescaledb.enable_transparent_decompression', true),
  pg_catalog.current_setting('timescaledb.enable_columnarscan', true))")
[ "$hidden" != t ] || stop "the source hides compressed rows: a setting is off"
filled=$(on_target -At << 'SQL'
SELECT pg_catalog.count(*) FROM pg_catalog.pg_class c
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p', 'm', 'f') AND n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', '_tswizard') AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend ed JOIN pg_catalog.pg_extension ee ON ee.oid = ed.refobjid WHERE ed.classid = 'pg_catalog.pg_namespace'::regclass AND ed.objid = n.oid AND ed.deptype = 'e' AND ed.refclassid = 'pg_catalog.pg_extension'::regclass AND ee.extname ~ '^timescaledb') AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend x WHERE x.classid = 'pg_catalog.pg_class'::regclass AND x.objid = c.oid AND x.deptype = 'e');
SQL
)
[ "$filled" = 0 ] || stop "the target is not empty: $filled tables are there"
}

# 2. Pause the source's jobs
# So that no chunk is dropped or rewritten while it is dumped. Pausing a job does not end it where
# it is running: that is waited for.
# Expect: A row for each job. Whatever happens from here on, the step resume-source-jobs puts them
# back.
step_pause_source_jobs() {
on_source << 'SQL'
-- compression on public.conditions
SELECT job_id, scheduled FROM "public"."alter_job"(1003, scheduled => false, timezone => (SELECT j.timezone FROM _timescaledb_config.bgw_job j WHERE j.id = 1003));
-- compression on public.conditions_hourly
SELECT job_id, scheduled FROM "public"."alter_job"(1004, scheduled => false, timezone => (SELECT j.timezone FROM _timescaledb_config.bgw_job j WHERE j.id = 1004));
-- retention on public.fill_levels
SELECT job_id, scheduled FROM "public"."alter_job"(1005, scheduled => false, timezone => (SELECT j.timezone FROM _timescaledb_config.bgw_job j WHERE j.id = 1005));
-- retention on public.events
SELECT job_id, scheduled FROM "public"."alter_job"(1006, scheduled => false, timezone => (SELECT j.timezone FROM _timescaledb_config.bgw_job j WHERE j.id = 1006));
-- reorder on public.fill_levels
SELECT job_id, scheduled FROM "public"."alter_job"(1007, scheduled => false, timezone => (SELECT j.timezone FROM _timescaledb_config.bgw_job j WHERE j.id = 1007));
SQL
running() {
  on_source -At << 'SQL'
SELECT pg_catalog.count(*) FROM pg_catalog.pg_stat_activity WHERE datname = pg_catalog.current_database() AND application_name IN ('Columnstore Policy [1003]', 'Columnstore Policy [1004]', 'Retention Policy [1005]', 'Retention Policy [1006]', 'Reorder Policy [1007]');
SQL
}
while left=$(running) && [ "$left" != 0 ]; do
  say "waiting for $left jobs that are still running on the source"
  sleep 5
done
}

# 3. Dump the source
# One pg_dump of everything, by its own snapshot. The source stays in use; what is written from
# here on is not migrated.
# Expect: Warnings about circular foreign keys of hypertable, chunk and continuous_agg, and notices
# "hypertable data are in the chunks", concern the extension's own tables and are harmless. A lock
# that could not be obtained is a job that still runs: wait and repeat.
step_dump() {
rm -rf "$WORK/dump"
pg_dump --no-password --format=directory --exclude-schema=_tswizard --compress=1 \
  --jobs="$JOBS" --file="$WORK/dump" --dbname="$SOURCE" 2> "$WORK/dump.log" || {
  cat "$WORK/dump.log" >&2
  stop "pg_dump failed"
}
}

# 4. Enter restore mode on the target
# In it the extension lets its own catalog be written, and starts no job.
step_enter_restore_mode() {
on_target << 'SQL'
SELECT "public"."timescaledb_pre_restore"();
SQL
[ "$(on_target -At -c "SELECT pg_catalog.current_setting('timescaledb.restoring')")" = on ] ||
  stop "restore mode is not on in a new session: is there a pooler in between?"
}

# 5. Restore the schema
# Schemas, types, functions, tables: everything before rows, but for privileges: an owner who has
# revoked its own INSERT could restore no row.
# Expect: Nothing is printed. In the log, "must be owner of extension timescaledb" and "no
# privileges were granted" are harmless; any other error stops the script.
step_restore_schema() {
restore restore-schema 'must be owner of extension|no privileges were granted|unrecognized configuration parameter "transaction_timeout"' --format=directory --jobs=1 \
  --section=pre-data --no-privileges "$WORK/dump"
}

# 6. Restore TimescaleDB's catalog
# Hypertables, chunks, continuous aggregates and jobs. With one job: in parallel its foreign keys
# break.
# Expect: Nothing is printed. In the log, "must be owner of extension timescaledb" and "no
# privileges were granted" are harmless; any other error stops the script.
step_restore_catalog() {
restore restore-catalog 'must be owner of extension|no privileges were granted|unrecognized configuration parameter "transaction_timeout"' --format=directory --jobs=1 \
  --section=data --schema=_timescaledb_catalog --schema=_timescaledb_config "$WORK/dump"
}

# 7. Restore the rows
# Every chunk and table; compressed chunks as they are stored.
# Expect: Nothing is printed. In the log, "must be owner of extension timescaledb" and "no
# privileges were granted" are harmless; any other error stops the script.
step_restore_rows() {
restore restore-rows 'must be owner of extension|no privileges were granted|unrecognized configuration parameter "transaction_timeout"' --format=directory --jobs="$JOBS" \
  --section=data --exclude-schema=_timescaledb_catalog --exclude-schema=_timescaledb_config "$WORK/dump"
}

# 8. Restore post-data
# Indexes, constraints, triggers, rules: everything after rows.
# Expect: Nothing is printed. In the log, "must be owner of extension timescaledb" and "no
# privileges were granted" are harmless; any other error stops the script.
step_restore_post_data() {
# Foreign keys to hypertables have to wait: in restore mode their rows are hidden.
on_source -At << 'SQL' > "$WORK/later.txt"
SELECT pg_catalog.format('FK CONSTRAINT %s %s %s ', n.nspname, c.relname, k.conname)
FROM pg_catalog.pg_constraint k
JOIN pg_catalog.pg_class c ON c.oid = k.conrelid
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
JOIN pg_catalog.pg_class r ON r.oid = k.confrelid
JOIN pg_catalog.pg_namespace rn ON rn.oid = r.relnamespace
JOIN _timescaledb_catalog.hypertable h ON h.schema_name = rn.nspname AND h.table_name = r.relname
WHERE k.contype = 'f' AND k.conparentid = 0
UNION ALL
SELECT pg_catalog.format('COMMENT %s CONSTRAINT %I ON %I', n.nspname, k.conname, c.relname)
FROM pg_catalog.pg_constraint k
JOIN pg_catalog.pg_class c ON c.oid = k.conrelid
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
JOIN pg_catalog.pg_class r ON r.oid = k.confrelid
JOIN pg_catalog.pg_namespace rn ON rn.oid = r.relnamespace
JOIN _timescaledb_catalog.hypertable h ON h.schema_name = rn.nspname AND h.table_name = r.relname
WHERE k.contype = 'f' AND k.conparentid = 0
UNION ALL
SELECT pg_catalog.format('TRIGGER %s %s %s ', n.nspname, c.relname, t.tgname)
FROM pg_catalog.pg_trigger t
JOIN pg_catalog.pg_trigger p ON p.oid = t.tgparentid AND p.tgenabled <> t.tgenabled
JOIN pg_catalog.pg_class c ON c.oid = t.tgrelid
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace;
SQL
pg_restore --list --format=directory --section=post-data "$WORK/dump" |
  grep -v -F -f "$WORK/later.txt" > "$WORK/post-data.list"
restore restore-post-data 'must be owner of extension|no privileges were granted|unrecognized configuration parameter "transaction_timeout"' --format=directory --jobs="$JOBS" \
  --use-list="$WORK/post-data.list" "$WORK/dump"
}

# 9. Restore privileges
# Last, as a plain pg_restore has them.
# Expect: Nothing is printed. In the log, "must be owner of extension timescaledb" and "no
# privileges were granted" are harmless; any other error stops the script.
step_restore_privileges() {
pg_restore --list --format=directory "$WORK/dump" |
  grep -E '^[0-9]+; [0-9]+ [0-9]+ (DEFAULT )?ACL ' > "$WORK/privileges.list" || true
restore restore-privileges 'must be owner of extension|no privileges were granted|unrecognized configuration parameter "transaction_timeout"' --format=directory --jobs=1 \
  --use-list="$WORK/privileges.list" "$WORK/dump"
}

# 10. Leave restore mode
# All jobs are paused in the same transaction: otherwise retention could drop chunks before anybody
# has looked.
step_leave_restore_mode() {
on_target << 'SQL'
BEGIN;
SELECT "public"."timescaledb_post_restore"();
DO $$
DECLARE job record;
BEGIN
  FOR job IN SELECT id, timezone FROM _timescaledb_config.bgw_job WHERE id >= 1000 AND scheduled LOOP
    BEGIN
      PERFORM "public"."alter_job"(job.id, scheduled => false, timezone => job.timezone);
    EXCEPTION WHEN OTHERS THEN
      UPDATE _timescaledb_config.bgw_job SET scheduled = false WHERE id = job.id;
    END;
  END LOOP;
END $$;
COMMIT;
SQL
}

# 11. Add foreign keys to hypertables
# In restore mode they could not be checked. Where there is none, nothing happens.
step_hypertable_foreign_keys() {
on_source -At << 'SQL' | on_target
SELECT pg_catalog.format('ALTER TABLE %I.%I ADD CONSTRAINT %I %s;',
  n.nspname, c.relname, k.conname, pg_catalog.pg_get_constraintdef(k.oid))
FROM pg_catalog.pg_constraint k
JOIN pg_catalog.pg_class c ON c.oid = k.conrelid
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
JOIN pg_catalog.pg_class r ON r.oid = k.confrelid
JOIN pg_catalog.pg_namespace rn ON rn.oid = r.relnamespace
JOIN _timescaledb_catalog.hypertable h ON h.schema_name = rn.nspname AND h.table_name = r.relname
WHERE k.contype = 'f' AND k.conparentid = 0
UNION ALL
SELECT pg_catalog.format('COMMENT ON CONSTRAINT %I ON %I.%I IS %L;',
  k.conname, n.nspname, c.relname, pg_catalog.obj_description(k.oid, 'pg_constraint'))
FROM pg_catalog.pg_constraint k
JOIN pg_catalog.pg_class c ON c.oid = k.conrelid
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
JOIN pg_catalog.pg_class r ON r.oid = k.confrelid
JOIN pg_catalog.pg_namespace rn ON rn.oid = r.relnamespace
JOIN _timescaledb_catalog.hypertable h ON h.schema_name = rn.nspname AND h.table_name = r.relname
WHERE k.contype = 'f' AND k.conparentid = 0 AND pg_catalog.obj_description(k.oid, 'pg_constraint') IS NOT NULL;
SQL
}

# 12. Set how triggers of partitions fire
# pg_dump writes it before those triggers exist. Where all fire as their partitioned table's do,
# nothing happens.
step_partition_triggers() {
on_source -At << 'SQL' | on_target
SELECT pg_catalog.format('ALTER TABLE %I.%I %s TRIGGER %I;', n.nspname, c.relname,
  CASE t.tgenabled WHEN 'D' THEN 'DISABLE' WHEN 'A' THEN 'ENABLE ALWAYS'
    WHEN 'R' THEN 'ENABLE REPLICA' ELSE 'ENABLE' END, t.tgname)
FROM pg_catalog.pg_trigger t
JOIN pg_catalog.pg_trigger p ON p.oid = t.tgparentid AND p.tgenabled <> t.tgenabled
JOIN pg_catalog.pg_class c ON c.oid = t.tgrelid
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace;
SQL
}

# 13. Analyze the target
# Neither a restore nor a copy brings the planner's statistics.
# Expect: Warnings "only superuser can analyze it" concern system catalogs and are harmless.
step_analyze() {
on_target << 'SQL'
ANALYZE;
SQL
}

# 14. Compare both databases
# Rows and a checksum of them for every table, the values of sequences, constraints, indexes,
# triggers, relations, jobs. CHECK=count counts rows only, which reads less.
# Expect: How many facts are equal. Rows written to the source since the first step show as
# differences: copy them again before anybody uses the target.
step_compare() {
queries() {
  local rows="pg_catalog.count(*), pg_catalog.sum(pg_catalog.hashtextextended(one_row::text, 0)::numeric)"
  [ "$CHECK" = rows ] || rows="pg_catalog.count(*)"
  cat << SQL
SELECT 'Plant Ops.Meter "Readings" °C', $rows FROM "Plant Ops"."Meter ""Readings"" °C" one_row;
SELECT 'public.alarms', $rows FROM "public"."alarms" one_row;
SELECT 'public.archive', $rows FROM "public"."archive" one_row;
SELECT 'public.conditions', $rows FROM "public"."conditions" one_row;
SELECT 'public.contracts', $rows FROM "public"."contracts" one_row;
SELECT 'public.daily_costs', $rows FROM "public"."daily_costs" one_row;
SELECT 'public.documents', $rows FROM "public"."documents" one_row;
SELECT 'public.door_openings', $rows FROM "public"."door_openings" one_row;
SELECT 'public.events', $rows FROM "public"."events" one_row;
SELECT 'public.fill_levels', $rows FROM "public"."fill_levels" one_row;
SELECT 'public.heartbeat', $rows FROM "public"."heartbeat" one_row;
SELECT 'public.import_buffer', $rows FROM "public"."import_buffer" one_row;
SELECT 'public.operators', $rows FROM "public"."operators" one_row;
SELECT 'public.rounds_first', $rows FROM "public"."rounds_first" one_row;
SELECT 'public.sensors', $rows FROM "public"."sensors" one_row;
SELECT 'public.sites', $rows FROM "public"."sites" one_row;
SELECT 'public.visits_2025', $rows FROM "public"."visits_2025" one_row;
SELECT 'public.visits_2026', $rows FROM "public"."visits_2026" one_row;
SELECT 'public.warmest', $rows FROM "public"."warmest" one_row;
SELECT pg_catalog.format('SELECT %L, $rows FROM %I.%I one_row', 'continuous aggregate public.conditions_hourly', materialization_hypertable_schema, materialization_hypertable_name) FROM timescaledb_information.continuous_aggregates WHERE view_schema = 'public' AND view_name = 'conditions_hourly' \\gexec
SELECT pg_catalog.format('SELECT %L, $rows FROM %I.%I one_row', 'continuous aggregate public.conditions_daily', materialization_hypertable_schema, materialization_hypertable_name) FROM timescaledb_information.continuous_aggregates WHERE view_schema = 'public' AND view_name = 'conditions_daily' \\gexec
SELECT pg_catalog.format('SELECT %L, $rows FROM %I.%I one_row', 'continuous aggregate Plant Ops.Monthly "sums"', materialization_hypertable_schema, materialization_hypertable_name) FROM timescaledb_information.continuous_aggregates WHERE view_schema = 'Plant Ops' AND view_name = 'Monthly "sums"' \\gexec
SELECT pg_catalog.format('SELECT %L, $rows FROM %I.%I one_row', 'continuous aggregate public.events_hourly', materialization_hypertable_schema, materialization_hypertable_name) FROM timescaledb_information.continuous_aggregates WHERE view_schema = 'public' AND view_name = 'events_hourly' \\gexec
SELECT pg_catalog.format('SELECT %L, $rows FROM %I.%I one_row', 'continuous aggregate public.door_openings_daily', materialization_hypertable_schema, materialization_hypertable_name) FROM timescaledb_information.continuous_aggregates WHERE view_schema = 'public' AND view_name = 'door_openings_daily' \\gexec
SELECT 'sequence public.documents_document_id_seq', last_value, is_called FROM "public"."documents_document_id_seq";
SELECT 'sequence public.operators_operator_id_seq', last_value, is_called FROM "public"."operators_operator_id_seq";
SELECT 'sequence public.sensors_sensor_id_seq', last_value, is_called FROM "public"."sensors_sensor_id_seq";
SELECT 'sequence public.ticket_seq', last_value, is_called FROM "public"."ticket_seq";
SQL
  cat << 'SQL'
SELECT 'constraint', n.nspname, r.relname, c.conname, c.contype, c.convalidated
FROM pg_catalog.pg_constraint c
JOIN pg_catalog.pg_class r ON r.oid = c.conrelid
JOIN pg_catalog.pg_namespace n ON n.oid = r.relnamespace
WHERE n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', '_tswizard') AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend ed JOIN pg_catalog.pg_extension ee ON ee.oid = ed.refobjid WHERE ed.classid = 'pg_catalog.pg_namespace'::regclass AND ed.objid = n.oid AND ed.deptype = 'e' AND ed.refclassid = 'pg_catalog.pg_extension'::regclass AND ee.extname ~ '^timescaledb') AND c.contype IN ('p', 'u', 'x', 'f', 'c') 
ORDER BY 2, 3, 4;
SELECT 'index', n.nspname, r.relname, i.relname
FROM pg_catalog.pg_index x
JOIN pg_catalog.pg_class i ON i.oid = x.indexrelid
JOIN pg_catalog.pg_class r ON r.oid = x.indrelid
JOIN pg_catalog.pg_namespace n ON n.oid = r.relnamespace
WHERE n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', '_tswizard') AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend ed JOIN pg_catalog.pg_extension ee ON ee.oid = ed.refobjid WHERE ed.classid = 'pg_catalog.pg_namespace'::regclass AND ed.objid = n.oid AND ed.deptype = 'e' AND ed.refclassid = 'pg_catalog.pg_extension'::regclass AND ee.extname ~ '^timescaledb') 
ORDER BY 2, 3, 4;
SELECT 'trigger', n.nspname, r.relname, t.tgname, t.tgenabled
FROM pg_catalog.pg_trigger t
JOIN pg_catalog.pg_class r ON r.oid = t.tgrelid
JOIN pg_catalog.pg_namespace n ON n.oid = r.relnamespace
WHERE NOT t.tgisinternal AND t.tgname !~ '^ts_' AND n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', '_tswizard') AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend ed JOIN pg_catalog.pg_extension ee ON ee.oid = ed.refobjid WHERE ed.classid = 'pg_catalog.pg_namespace'::regclass AND ed.objid = n.oid AND ed.deptype = 'e' AND ed.refclassid = 'pg_catalog.pg_extension'::regclass AND ee.extname ~ '^timescaledb') 
ORDER BY 2, 3, 4;
SELECT 'relation', n.nspname, r.relname, r.relkind
FROM pg_catalog.pg_class r JOIN pg_catalog.pg_namespace n ON n.oid = r.relnamespace
WHERE r.relkind IN ('r', 'p', 'v', 'm', 'f', 'S') AND n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', '_tswizard') AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend ed JOIN pg_catalog.pg_extension ee ON ee.oid = ed.refobjid WHERE ed.classid = 'pg_catalog.pg_namespace'::regclass AND ed.objid = n.oid AND ed.deptype = 'e' AND ed.refclassid = 'pg_catalog.pg_extension'::regclass AND ee.extname ~ '^timescaledb')
  AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend x WHERE x.classid = 'pg_catalog.pg_class'::regclass AND x.objid = r.oid AND x.deptype = 'e') 
ORDER BY 2, 3;
SQL
}
source_jobs() {
  cat << 'SQL'
SELECT 'job', proc_name, schedule_interval, max_runtime, max_retries, retry_period FROM timescaledb_information.jobs WHERE job_id IN (1000, 1001, 1002, 1003, 1004, 1005, 1006, 1007, 1008, 1009) ORDER BY 2, 3, 4, 5, 6;
SQL
}
target_jobs() {
  cat << 'SQL'
SELECT 'job', proc_name, schedule_interval, max_runtime, max_retries, retry_period FROM timescaledb_information.jobs WHERE job_id >= 1000 ORDER BY 2, 3, 4, 5, 6;
SQL
}
both() { (queries; "$1_jobs") | "on_$1" -At; }
both source > "$WORK/source.txt" & # both databases at once
both target > "$WORK/target.txt"
wait $!
diff "$WORK/source.txt" "$WORK/target.txt" > "$WORK/differences.txt" || {
  head -n 50 "$WORK/differences.txt" >&2
  stop "source (<) and target (>) differ; all of it is in $WORK/differences.txt"
}
say "$(wc -l < "$WORK/source.txt") facts are equal on both databases"
}

# 15. Resume the source's jobs
# Exactly those that were paused.
step_resume_source_jobs() {
on_source << 'SQL'
-- compression on public.conditions
SELECT job_id, scheduled FROM "public"."alter_job"(1003, scheduled => true, timezone => (SELECT j.timezone FROM _timescaledb_config.bgw_job j WHERE j.id = 1003));
-- compression on public.conditions_hourly
SELECT job_id, scheduled FROM "public"."alter_job"(1004, scheduled => true, timezone => (SELECT j.timezone FROM _timescaledb_config.bgw_job j WHERE j.id = 1004));
-- retention on public.fill_levels
SELECT job_id, scheduled FROM "public"."alter_job"(1005, scheduled => true, timezone => (SELECT j.timezone FROM _timescaledb_config.bgw_job j WHERE j.id = 1005));
-- retention on public.events
SELECT job_id, scheduled FROM "public"."alter_job"(1006, scheduled => true, timezone => (SELECT j.timezone FROM _timescaledb_config.bgw_job j WHERE j.id = 1006));
-- reorder on public.fill_levels
SELECT job_id, scheduled FROM "public"."alter_job"(1007, scheduled => true, timezone => (SELECT j.timezone FROM _timescaledb_config.bgw_job j WHERE j.id = 1007));
SQL
}

# 16. Enable the target's jobs
# As they were on the source, retention last. A restore keeps their ids.
# Expect: A row for each job. Do this only when the comparison passed.
step_enable_jobs() {
on_target << 'SQL'
-- refresh on public.conditions_hourly
SELECT job_id, scheduled FROM "public"."alter_job"(1000, scheduled => true, timezone => (SELECT j.timezone FROM _timescaledb_config.bgw_job j WHERE j.id = 1000));
-- refresh on public.conditions_daily
SELECT job_id, scheduled FROM "public"."alter_job"(1001, scheduled => true, timezone => (SELECT j.timezone FROM _timescaledb_config.bgw_job j WHERE j.id = 1001));
-- refresh on public.events_hourly
SELECT job_id, scheduled FROM "public"."alter_job"(1002, scheduled => true, timezone => (SELECT j.timezone FROM _timescaledb_config.bgw_job j WHERE j.id = 1002));
-- compression on public.conditions
SELECT job_id, scheduled FROM "public"."alter_job"(1003, scheduled => true, timezone => (SELECT j.timezone FROM _timescaledb_config.bgw_job j WHERE j.id = 1003));
-- compression on public.conditions_hourly
SELECT job_id, scheduled FROM "public"."alter_job"(1004, scheduled => true, timezone => (SELECT j.timezone FROM _timescaledb_config.bgw_job j WHERE j.id = 1004));
-- reorder on public.fill_levels
SELECT job_id, scheduled FROM "public"."alter_job"(1007, scheduled => true, timezone => (SELECT j.timezone FROM _timescaledb_config.bgw_job j WHERE j.id = 1007));
-- public.count_events on nothing
SELECT job_id, scheduled FROM "public"."alter_job"(1008, scheduled => true, timezone => (SELECT j.timezone FROM _timescaledb_config.bgw_job j WHERE j.id = 1008));
-- retention on public.fill_levels
SELECT job_id, scheduled FROM "public"."alter_job"(1005, scheduled => true, timezone => (SELECT j.timezone FROM _timescaledb_config.bgw_job j WHERE j.id = 1005));
-- retention on public.events
SELECT job_id, scheduled FROM "public"."alter_job"(1006, scheduled => true, timezone => (SELECT j.timezone FROM _timescaledb_config.bgw_job j WHERE j.id = 1006));
SQL
}

# One step by its name, done before or not; without a name all that are left.
if [ $# -gt 0 ]; then
  rm -f "$WORK/done/$1"
  run "$1" "$1"
  exit
fi
run check-ends '1. Check both databases'
run pause-source-jobs '2. Pause the source'"'"'s jobs'
run dump '3. Dump the source'
run enter-restore-mode '4. Enter restore mode on the target'
run restore-schema '5. Restore the schema'
run restore-catalog '6. Restore TimescaleDB'"'"'s catalog'
run restore-rows '7. Restore the rows'
run restore-post-data '8. Restore post-data'
run restore-privileges '9. Restore privileges'
run leave-restore-mode '10. Leave restore mode'
run hypertable-foreign-keys '11. Add foreign keys to hypertables'
run partition-triggers '12. Set how triggers of partitions fire'
run analyze '13. Analyze the target'
run compare '14. Compare both databases'
run resume-source-jobs '15. Resume the source'"'"'s jobs'
run enable-jobs '16. Enable the target'"'"'s jobs'
say "Everything is done."
