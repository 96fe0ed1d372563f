#!/usr/bin/env bash
# Runbook: defaultdb to tsdb, by hand (split)
#
# Source: 127.0.0.1:PORT/defaultdb, PostgreSQL 17.5, TimescaleDB 2.23.0-dev.
# Target: 127.0.0.1:PORT/tsdb, PostgreSQL 17.5, TimescaleDB 2.23.0-dev.
# 6 hypertables, 5 continuous aggregates, 15 tables, 10 jobs: SIZE as stored.
# Disk on this machine: only a dump of the schema. Disk on the target: about SIZE.
#
# Before you begin:
# - Needed on this machine: bash, psql, pg_dump and pg_restore of PostgreSQL 17 or later.
# - The connections are in the environment: SOURCE and TARGET, each a conninfo without a password
# or the name of a service (service=mst, in ~/.pg_service.conf). The passwords are in ~/.pgpass, or
# in the file that PGPASSFILE names.
# - Take a direct connection, not that of a pooler.
# - Stop whatever writes to the source; what is written after the copy has begun is not migrated.
# - No snapshot holds all of it together: with writers at work, tables are of different moments.
#
# Differences from a run of tswizard:
# - Jobs that are enabled run at once, since they never ran on the target; tswizard has each run
# when it would have run on the source.
# - Rows are read without one snapshot for all, one piece after the other, and what changes
# meanwhile is not reconciled: so nobody may write to the source, and all of its jobs are paused,
# not only those that drop or rewrite chunks.
# - A chunk that the target refuses to create as it is stops the script; tswizard routes its rows
# through the hypertable.
# - Grants on an object are restored together: one that names a role which the target lacks takes
# the others of that object with it.
# - The comparison at the end is one of rows, checksums, sequences, names and jobs, not of every
# detail of every object.
# - What one chunk has and its hypertable has not (an index, options, grants, comments) is not
# made.
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

# sort_toc: the dump's table of contents as lists for pg_restore --use-list: what comes before the
# rows, with continuous aggregates, after the rows; without what is created otherwise.
sort_toc() {
  local dump="$WORK/schema.dump"
  on_source -At -F ' ' > "$WORK/special.txt" << 'SQL'
SELECT CASE WHEN label IN ('public.conditions_hourly', 'public.conditions_daily', 'Plant Ops.Monthly "sums"', 'public.events_hourly', 'public.door_openings_daily') THEN 'cagg' ELSE 'left-out' END, 1259, q.oid FROM (
SELECT c.oid::bigint, g.user_view_schema || '.' || g.user_view_name
FROM _timescaledb_catalog.continuous_agg g
JOIN pg_catalog.pg_namespace n ON n.nspname = g.user_view_schema
JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relname = g.user_view_name
) q (oid, label)
UNION ALL
SELECT 'skip', 2620, q.oid FROM (
SELECT t.oid::bigint
FROM pg_catalog.pg_trigger t
JOIN pg_catalog.pg_depend d ON d.classid = 'pg_catalog.pg_proc'::regclass AND d.objid = t.tgfoid
  AND d.deptype = 'e'
JOIN pg_catalog.pg_extension e ON e.oid = d.refobjid AND e.extname = 'timescaledb'
WHERE NOT t.tgisinternal
) q (oid)
UNION ALL
SELECT 'skip', 2606, q.oid FROM (
SELECT oid::bigint FROM pg_catalog.pg_constraint
WHERE contype IN ('p', 'u', 'x', 'f', 'c')
  AND (conrelid IN (
SELECT c.oid FROM _timescaledb_catalog.hypertable h
JOIN pg_catalog.pg_namespace n ON n.nspname = h.schema_name
JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relname = h.table_name
WHERE n.nspname <> '_timescaledb_internal'
) OR (contype = 'f' AND confrelid IN (
SELECT c.oid FROM _timescaledb_catalog.hypertable h
JOIN pg_catalog.pg_namespace n ON n.nspname = h.schema_name
JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relname = h.table_name
WHERE n.nspname <> '_timescaledb_internal'
)))
) q (oid)
UNION ALL
SELECT 'skip', 1259, q.oid FROM (
SELECT indexrelid::bigint FROM pg_catalog.pg_index
WHERE indisreplident AND indrelid IN (
SELECT c.oid FROM _timescaledb_catalog.hypertable h
JOIN pg_catalog.pg_namespace n ON n.nspname = h.schema_name
JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relname = h.table_name
WHERE n.nspname <> '_timescaledb_internal'
)
) q (oid)
UNION ALL
SELECT 'timescaledb', 3079, q.oid FROM (
SELECT oid::bigint FROM pg_catalog.pg_extension WHERE extname = 'timescaledb'
) q (oid)
UNION ALL
SELECT 'chunk', 1259, q.oid FROM (
SELECT DISTINCT c.oid::bigint
FROM (
SELECT k.id, k.hypertable_id, k.status, k.osm_chunk AS tiered, kc.oid AS rel, zc.oid AS comp
FROM _timescaledb_catalog.chunk k JOIN pg_catalog.pg_namespace kn ON kn.nspname = k.schema_name JOIN pg_catalog.pg_class kc ON kc.relnamespace = kn.oid AND kc.relname = k.table_name
JOIN _timescaledb_catalog.hypertable h ON h.id = k.hypertable_id
LEFT JOIN (_timescaledb_catalog.chunk z JOIN pg_catalog.pg_namespace zn ON zn.nspname = z.schema_name JOIN pg_catalog.pg_class zc ON zc.relnamespace = zn.oid AND zc.relname = z.table_name) ON z.id = k.compressed_chunk_id
WHERE h.compression_state <> 2 AND NOT k.dropped
) k CROSS JOIN LATERAL (VALUES (k.rel), (k.comp)) AS part (oid)
JOIN pg_catalog.pg_class c ON c.oid = part.oid
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_depend ed JOIN pg_catalog.pg_extension ee ON ee.oid = ed.refobjid WHERE ed.classid = 'pg_catalog.pg_namespace'::regclass AND ed.objid = n.oid AND ed.deptype = 'e' AND ed.refclassid = 'pg_catalog.pg_extension'::regclass AND ee.extname ~ '^timescaledb')
) q (oid)
UNION ALL
SELECT 'skip', q.* FROM (
WITH 
part AS MATERIALIZED (
  SELECT p.oid, p.label, c.relname, n.nspname || '.' || c.relname AS name
  FROM (
SELECT c.oid, COALESCE(g.user_view_schema || '.' || g.user_view_name,
                       h.schema_name || '.' || h.table_name) AS label
FROM _timescaledb_catalog.hypertable h
JOIN pg_catalog.pg_namespace hn ON hn.nspname = h.schema_name
JOIN pg_catalog.pg_class hc ON hc.relnamespace = hn.oid AND hc.relname = h.table_name
LEFT JOIN _timescaledb_catalog.continuous_agg g ON g.mat_hypertable_id = h.id
LEFT JOIN (
SELECT k.id, k.hypertable_id, k.status, k.osm_chunk AS tiered, kc.oid AS rel, zc.oid AS comp
FROM _timescaledb_catalog.chunk k JOIN pg_catalog.pg_namespace kn ON kn.nspname = k.schema_name JOIN pg_catalog.pg_class kc ON kc.relnamespace = kn.oid AND kc.relname = k.table_name
JOIN _timescaledb_catalog.hypertable h ON h.id = k.hypertable_id
LEFT JOIN (_timescaledb_catalog.chunk z JOIN pg_catalog.pg_namespace zn ON zn.nspname = z.schema_name JOIN pg_catalog.pg_class zc ON zc.relnamespace = zn.oid AND zc.relname = z.table_name) ON z.id = k.compressed_chunk_id
WHERE h.compression_state <> 2 AND NOT k.dropped
) k ON k.hypertable_id = h.id
CROSS JOIN LATERAL (VALUES (hc.oid), (k.rel), (k.comp)) AS c (oid)
WHERE c.oid IS NOT NULL
GROUP BY 1, 2
) p
  JOIN pg_catalog.pg_class c ON c.oid = p.oid
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  WHERE NOT EXISTS (
    SELECT FROM _timescaledb_catalog.hypertable h
    WHERE h.schema_name = n.nspname AND h.table_name = c.relname
      AND NOT EXISTS (SELECT FROM _timescaledb_catalog.continuous_agg g WHERE g.mat_hypertable_id = h.id))
), own AS MATERIALIZED (
  SELECT c.oid FROM _timescaledb_catalog.continuous_agg g
  CROSS JOIN LATERAL (VALUES (g.partial_view_schema, g.partial_view_name),
    (g.direct_view_schema, g.direct_view_name), (g.user_view_schema, g.user_view_name)) v (s, n)
  JOIN pg_catalog.pg_namespace n ON n.nspname = v.s
  JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relname = v.n
) SELECT DISTINCT b.class::oid::bigint, b.oid::bigint FROM (
SELECT CASE WHEN r.rulename = '_RETURN' THEN 'pg_catalog.pg_class'::regclass
            ELSE 'pg_catalog.pg_rewrite'::regclass END AS class,
  CASE WHEN r.rulename = '_RETURN' THEN r.ev_class ELSE r.oid END AS oid, d.refobjid AS part
FROM pg_catalog.pg_depend d
JOIN pg_catalog.pg_rewrite r ON r.oid = d.objid
WHERE d.classid = 'pg_catalog.pg_rewrite'::regclass AND d.deptype = 'n'
  AND d.refclassid = 'pg_catalog.pg_class'::regclass
  AND (d.refobjid IN (SELECT oid FROM part)) IS TRUE
  AND r.ev_class NOT IN (SELECT oid FROM part) AND r.ev_class NOT IN (SELECT oid FROM own)
UNION
SELECT d.classid, d.objid, d.refobjid
FROM pg_catalog.pg_depend d
LEFT JOIN pg_catalog.pg_policy p
  ON p.oid = d.objid AND d.classid = 'pg_catalog.pg_policy'::regclass
WHERE d.classid IN ('pg_catalog.pg_proc'::regclass, 'pg_catalog.pg_policy'::regclass)
  AND d.deptype = 'n'
  AND d.refclassid = 'pg_catalog.pg_class'::regclass
  AND (d.refobjid IN (SELECT oid FROM part)) IS TRUE
  AND (p.oid IS NULL OR p.polrelid NOT IN (SELECT oid FROM part))
UNION
SELECT 'pg_catalog.pg_constraint'::regclass, k.oid, k.confrelid
FROM pg_catalog.pg_constraint k
LEFT JOIN pg_catalog.pg_inherits i ON i.inhrelid = k.confrelid
WHERE k.contype = 'f' AND (k.confrelid IN (SELECT oid FROM part)) IS TRUE
  AND k.conrelid NOT IN (SELECT oid FROM part)
  AND NOT EXISTS (
    SELECT FROM pg_catalog.pg_constraint o
    WHERE o.contype = 'f' AND o.conrelid = k.conrelid AND o.conkey = k.conkey
      AND o.confrelid = i.inhparent)
) b
) q
UNION ALL SELECT 'skip', 2620, q.* FROM (SELECT t.oid::bigint FROM pg_catalog.pg_trigger t
JOIN pg_catalog.pg_trigger p ON p.oid = t.tgparentid AND p.tgenabled <> t.tgenabled) q;
SQL
  # Grants on the extension's own objects, as the table of contents begins them.
  on_source -At > "$WORK/grants.txt" << 'SQL'
WITH member AS (
  SELECT d.classid, d.objid FROM pg_catalog.pg_depend d
  JOIN pg_catalog.pg_extension e ON e.oid = d.refobjid
  WHERE d.refclassid = 'pg_catalog.pg_extension'::regclass AND d.deptype = 'e'
    AND e.extname = 'timescaledb'
)
SELECT n.nspname || k.kind || c.relname || k.after
FROM member m JOIN pg_catalog.pg_class c ON c.oid = m.objid
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
CROSS JOIN (VALUES (' TABLE ', ' '), (' SEQUENCE ', ' '), (' COLUMN ', '.')) k (kind, after)
WHERE m.classid = 'pg_catalog.pg_class'::regclass
UNION
SELECT n.nspname || k.kind || p.proname || '('
FROM member m JOIN pg_catalog.pg_proc p ON p.oid = m.objid
JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
CROSS JOIN (VALUES (' FUNCTION '), (' PROCEDURE '), (' AGGREGATE ')) k (kind)
WHERE m.classid = 'pg_catalog.pg_proc'::regclass AND NOT EXISTS (
  SELECT FROM pg_catalog.pg_proc o
  WHERE o.pronamespace = p.pronamespace AND o.proname = p.proname
    AND o.oid NOT IN (SELECT objid FROM member WHERE classid = 'pg_catalog.pg_proc'::regclass))
UNION
SELECT n.nspname || ' TYPE ' || t.typname || ' '
FROM member m JOIN pg_catalog.pg_type t ON t.oid = m.objid
JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace
WHERE m.classid = 'pg_catalog.pg_type'::regclass
UNION
SELECT '- SCHEMA ' || n.nspname || ' '
FROM member m JOIN pg_catalog.pg_namespace n ON n.oid = m.objid
WHERE m.classid = 'pg_catalog.pg_namespace'::regclass;
SQL
  pg_restore --list --section=pre-data "$dump" > "$WORK/pre-data.toc"
  pg_restore --list --section=post-data "$dump" > "$WORK/post-data.toc"
  pg_restore --list --verbose "$dump" > "$WORK/all.toc"
  for list in pre-data keys post-data on-caggs after-caggs; do : > "$WORK/$list.list"; done
  awk -v folder="$WORK" '
    function spread(mark, into, parts,    again, k, id, n, d, j) {
      do {
        again = 0
        for (k = 1; k <= count; k++) {
          id = order[k]
          if (special[id] == mark || into[id] || (parts && kind[id] !~ parts)) continue
          n = split(needs[id], d, " ")
          for (j = 1; j <= n; j++)
            if (special[d[j]] == mark || into[d[j]]) { into[id] = 1; again = 1; break }
        }
      } while (again)
    }
    function of_extension(text,    start) {
      for (start in granted) if (index(text, start) == 1) return 1
      return 0
    }
    function needs_one(id, pattern, mark,    n, d, j) {
      n = split(needs[id], d, " ")
      for (j = 1; j <= n; j++)
        if (mark ? special[d[j]] == mark : kind[d[j]] ~ pattern) return 1
      return 0
    }
    FILENAME == ARGV[1] { marks[$2 " " $3] = $1; next }
    FILENAME == ARGV[2] { granted["ACL " $0] = 1; next }
    FILENAME == ARGV[3] { if ($1 ~ /^[0-9]+;$/) section[$1 + 0] = "pre-data"; next }
    FILENAME == ARGV[4] { if ($1 ~ /^[0-9]+;$/) section[$1 + 0] = "post-data"; next }
    /^[0-9]+; [0-9]+ [0-9]+ / {
      id = $1 + 0; order[++count] = id; line[id] = $0; special[id] = marks[$2 " " $3]
      kind[id] = $0; sub(/^[0-9]+; [0-9]+ [0-9]+ /, "", kind[id])
      next
    }
    /^;[ \t]+depends on:/ { sub(/^;[ \t]+depends on:/, ""); needs[id] = $0 }
    END {
      spread("cagg", late)
      spread("left-out", gone)
      spread("chunk", gone, "^(ACL|CHECK CONSTRAINT|COMMENT|CONSTRAINT|DEFAULT|FK CONSTRAINT|INDEX|POLICY|ROW SECURITY|RULE|SECURITY LABEL|STATISTICS|TRIGGER) ")
      for (k = 1; k <= count; k++) {
        id = order[k]
        if (special[id] != "" || gone[id] || !section[id]) continue
        if (kind[id] ~ /^ACL / && of_extension(kind[id])) continue
        if (kind[id] ~ /^COMMENT / && needs_one(id, "", "timescaledb")) continue
        if (late[id]) {
          marked = kind[id] ~ /^(ACL|COMMENT|SECURITY LABEL) / && needs_one(id, "", "cagg")
          file = marked ? "on-caggs" : "after-caggs"
        } else if (kind[id] ~ /^CONSTRAINT / || (kind[id] ~ /^INDEX ATTACH / && !needs_one(id, "^INDEX ")))
          file = "keys"
        else
          file = section[id]
        print line[id] > (folder "/" file ".list")
      }
    }' "$WORK/special.txt" "$WORK/grants.txt" "$WORK/pre-data.toc" "$WORK/post-data.toc" "$WORK/all.toc"
}

# restore_list LIST EXPECTED ARGUMENT…: the entries of one of these lists.
restore_list() {
  local list=$1 expected=$2
  shift 2
  [ -s "$WORK/$list.list" ] || return 0
  restore "restore-$list" "$expected" --no-tablespaces --use-list="$WORK/$list.list" "$@" "$WORK/schema.dump"
}

# copy_rows FROM WHERE INTO COLUMNS FORMAT: rows from the source into the target, in place of those
# that an earlier attempt left. A stream that breaks off may look complete to the target: the step
# ends with an error then, and its rows are removed when it is repeated.
copy_rows() {
  PGOPTIONS="$PGOPTIONS -c row_security=off" on_source -c "COPY (SELECT $4 FROM $1 $2) TO STDOUT (FORMAT $5)" |
    PGOPTIONS="$PGOPTIONS -c row_security=off" on_target -c BEGIN -c "DELETE FROM $3 $2" \
      -c "COPY ${3#ONLY }${4:+ ($4)} FROM STDIN (FORMAT $5)" -c COMMIT
}

# copy_table TABLE COLUMNS FORMAT [WHERE]: a plain table's own rows, once.
copy_table() {
  local mark="$WORK/done/rows of ${1//\//_}"
  [ -e "$mark" ] && return 0
  copy_rows "ONLY $1" "${4:-}" "ONLY $1" "$2" "$3"
  : > "$mark"
}

# copy_hypertable SCHEMA NAME INTO COLUMNS FORMAT COMPRESS: chunk by chunk, each with the source's
# own slices; with COMPRESS = now a compressed chunk is compressed again behind its copy.
copy_hypertable() {
  local file="$WORK/chunks of ${1//\//_}.${2//\//_}" chunk state there
  on_source -At -v schema="$1" -v name="$2" -v into="$3" << 'SQL' > "$file.sql"
SELECT 'SET search_path = pg_catalog;';
SELECT pg_catalog.format('SELECT %L, %L, pg_catalog.format(''%%I.%%I'', schema_name, table_name) '
  'FROM _timescaledb_functions.create_chunk(%L, %L::jsonb);', chunk, state, :'into', slices)
FROM (
  SELECT k.id, pg_catalog.format('%I.%I', n.nspname, c.relname) AS chunk,
    CASE WHEN k.status & 1 = 1 THEN 'compressed' ELSE 'plain' END AS state,
    pg_catalog.jsonb_object_agg(d.column_name,
      pg_catalog.jsonb_build_array(s.range_start, s.range_end)) AS slices
  FROM (SELECT k.id, k.hypertable_id, k.status, k.osm_chunk AS tiered, kc.oid AS rel, zc.oid AS comp
FROM _timescaledb_catalog.chunk k JOIN pg_catalog.pg_namespace kn ON kn.nspname = k.schema_name JOIN pg_catalog.pg_class kc ON kc.relnamespace = kn.oid AND kc.relname = k.table_name
JOIN _timescaledb_catalog.hypertable h ON h.id = k.hypertable_id
LEFT JOIN (_timescaledb_catalog.chunk z JOIN pg_catalog.pg_namespace zn ON zn.nspname = z.schema_name JOIN pg_catalog.pg_class zc ON zc.relnamespace = zn.oid AND zc.relname = z.table_name) ON z.id = k.compressed_chunk_id
WHERE h.compression_state <> 2 AND NOT k.dropped) k
  JOIN _timescaledb_catalog.hypertable h ON h.id = k.hypertable_id
  JOIN pg_catalog.pg_class c ON c.oid = k.rel
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  JOIN (SELECT s.*, cc.chunk_id AS chunk FROM _timescaledb_catalog.dimension_slice s JOIN _timescaledb_catalog.chunk_constraint cc ON cc.dimension_slice_id = s.id) s ON s.chunk = k.id
  JOIN _timescaledb_catalog.dimension d ON d.id = s.dimension_id
  WHERE h.schema_name = :'schema' AND h.table_name = :'name' AND NOT k.tiered
  GROUP BY 1, 2, 3) x
ORDER BY id;
SQL
  on_target -At -F $'\t' -f "$file.sql" > "$file"
  while IFS=$'\t' read -r -u 3 chunk state there; do
    copy_chunk "$chunk" "$state" "$there" "$4" "$5" "$6"
  done 3< "$file"
  # Rows that lie in the hypertable's own table belong into chunks.
  copy_root "$1" "$2" "$3" "$4" "$5"
}

copy_chunk() { # CHUNK STATE INTO COLUMNS FORMAT COMPRESS
  local mark="$WORK/done/rows of ${1//\//_}"
  if [ ! -e "$mark" ]; then
    copy_rows "$1" "" "ONLY $3" "$4" "$5"
    : > "$mark"
  fi
  if [ "$2" = compressed ] && [ "$6" = now ] && [ ! -e "$mark, compressed" ]; then
    compress "$3"
    : > "$mark, compressed"
  fi
}

compress() { # CHUNK of the target
  on_target -At -v chunk="$1" << 'SQL' > /dev/null
SELECT "public"."compress_chunk"(:'chunk', true);
SQL
}

# compress_rest SCHEMA NAME: chunks of a hypertable that had to wait for its constraints.
compress_rest() {
  local chunk state there
  while IFS=$'\t' read -r -u 3 chunk state there; do
    [ "$state" = compressed ] && compress "$there"
  done 3< "$WORK/chunks of ${1//\//_}.${2//\//_}"
  return 0
}

copy_root() { # SCHEMA NAME INTO COLUMNS FORMAT
  local table mark="$WORK/done/rows of ${1//\//_}.${2//\//_} itself"
  [ -e "$mark" ] && return 0
  table=$(on_source -At -v schema="$1" -v name="$2" <<< "SELECT pg_catalog.format('%I.%I', :'schema', :'name');")
  if [ "$(on_source -At -c "SELECT EXISTS (SELECT FROM ONLY $table)")" = t ]; then
    copy_rows "ONLY $table" "" "ONLY $3" "$4" "$5"
  fi
  : > "$mark"
}

# materialization SCHEMA NAME: where the target keeps the rows of a continuous aggregate.
materialization() {
  on_target -At -v schema="$1" -v name="$2" << 'SQL'
SELECT pg_catalog.format('%I.%I', h.schema_name, h.table_name)
FROM _timescaledb_catalog.continuous_agg g
JOIN _timescaledb_catalog.hypertable h ON h.id = g.mat_hypertable_id
WHERE g.user_view_schema = :'schema' AND g.user_view_name = :'name';
SQL
}

# view SCHEMA NAME: its name as SQL.
view() { on_target -At -v schema="$1" -v name="$2" <<< "SELECT pg_catalog.format('%I.%I', :'schema', :'name');"; }

# TimescaleDB counts time in microseconds since 1970, or in the numbers of an integer column.
time_as_sql() { # TYPE NUMBER: as SQL for the target
  case "$1" in
    'timestamp with time zone') echo "_timescaledb_functions.to_timestamp(($2)::bigint)" ;;
    'timestamp without time zone') echo "_timescaledb_functions.to_timestamp_without_timezone(($2)::bigint)" ;;
    date) echo "_timescaledb_functions.to_date(($2)::bigint)" ;;
    *) echo "($2)::$1" ;;
  esac
}

# facts SCHEMA NAME WIDTH FIXED TYPE QUERY: a query about a continuous aggregate on the source, which
# finds in psql's variables where its rows begin and end, and from where on nothing was refreshed.
facts() {
  local first=-210866803200000000 converts=
  case "$5" in
    'timestamp with time zone') converts=_timescaledb_functions.to_timestamp ;;
    'timestamp without time zone') converts=_timescaledb_functions.to_timestamp_without_timezone ;;
    date) converts=_timescaledb_functions.to_date ;;
    smallint) first=-32768 ;;
    integer) first=-2147483648 ;;
    bigint) first=-9223372036854775807 ;;
  esac
  (
    cat << 'SQL'
SELECT m.id AS mat_id, r.id AS raw_id, rd.id AS raw_dimension,
  pg_catalog.format('%I.%I', m.schema_name, m.table_name) AS mat,
  pg_catalog.format('%I.%I', r.schema_name, r.table_name) AS raw,
  pg_catalog.quote_ident(md.column_name) AS mat_time,
  CASE WHEN rd.column_type = 'uuid'::pg_catalog.regtype
    THEN pg_catalog.format('%I.uuid_timestamp(%I)', e.extnamespace::pg_catalog.regnamespace,
      rd.column_name)
    ELSE pg_catalog.quote_ident(rd.column_name) END AS raw_time
FROM _timescaledb_catalog.continuous_agg g
JOIN _timescaledb_catalog.hypertable m ON m.id = g.mat_hypertable_id
JOIN _timescaledb_catalog.hypertable r ON r.id = g.raw_hypertable_id
JOIN LATERAL (SELECT d.* FROM _timescaledb_catalog.dimension d
  WHERE d.hypertable_id = m.id ORDER BY d.id LIMIT 1) md ON true
JOIN LATERAL (SELECT d.* FROM _timescaledb_catalog.dimension d
  WHERE d.hypertable_id = r.id ORDER BY d.id LIMIT 1) rd ON true
JOIN pg_catalog.pg_extension e ON e.extname = 'timescaledb'
WHERE g.user_view_schema = :'schema' AND g.user_view_name = :'name' \gset
SELECT COALESCE(_timescaledb_functions.time_to_internal(pg_catalog.min(:mat_time))::text, '') AS first_bucket,
  COALESCE(_timescaledb_functions.time_to_internal(pg_catalog.max(:mat_time))::text, '') AS last FROM :mat \gset
SELECT COALESCE(_timescaledb_functions.time_to_internal(pg_catalog.min(:raw_time))::text, '') AS first_raw FROM :raw \gset
SELECT COALESCE(pg_catalog.min(s.range_start)::text, '') AS raw_from
FROM (SELECT s.*, cc.chunk_id AS chunk FROM _timescaledb_catalog.dimension_slice s JOIN _timescaledb_catalog.chunk_constraint cc ON cc.dimension_slice_id = s.id) s JOIN _timescaledb_catalog.chunk k ON k.id = s.chunk WHERE NOT k.dropped AND s.dimension_id = :raw_dimension \gset
SELECT COALESCE((CASE WHEN pg_catalog.count(*) = 0
    THEN _timescaledb_functions.cagg_watermark(:mat_id)
  WHEN pg_catalog.min(lowest_modified_value) > :first
    THEN pg_catalog.min(lowest_modified_value) END)::text, '') AS until
FROM _timescaledb_catalog.continuous_aggs_materialization_invalidation_log WHERE materialization_id = :mat_id AND greatest_modified_value = 9223372036854775807 \gset
SQL
    printf '%s\n' "$6"
  ) | on_source -At -F ' ' -v schema="$1" -v name="$2" -v width="$3" -v fixed="$4" \
    -v kind="$5" -v first="$first" -v converts="$converts"
}

# seed_watermark SCHEMA NAME WIDTH FIXED TYPE COLUMN: while the target holds nothing, two rows are put
# where the source's rows end and a refresh removes one: that moves the watermark there.
seed_watermark() {
  local last unit=1 mat
  last=$(facts "$1" "$2" "$3" "$4" "$5" "SELECT :'last' WHERE :'last' <> '';")
  [ -n "$last" ] || return 0
  [ "$5" = date ] && unit=86400000000
  mat=$(materialization "$1" "$2")
  on_target -v view="$(view "$1" "$2")" << SQL
-- nothing to set here
INSERT INTO $mat ($6) VALUES ($(time_as_sql "$5" "$last")), ($(time_as_sql "$5" "$last - $unit"));
CALL "public"."refresh_continuous_aggregate"(:'view', $(time_as_sql "$5" "$last - 2 * $3"), $(time_as_sql "$5" "$last"));
SELECT pg_catalog.format('DROP TABLE %I.%I', n.nspname, c.relname)
FROM pg_catalog.pg_inherits i
JOIN pg_catalog.pg_class c ON c.oid = i.inhrelid
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE i.inhparent = '$mat'::pg_catalog.regclass \\gexec
SQL
}

# mark_valid SCHEMA NAME WIDTH FIXED TYPE: what is valid on the source is refreshed while there is
# nothing to compute, so no later refresh computes it again. What is invalid there stays so.
mark_valid() {
  local start end all view
  view=$(view "$1" "$2")
  facts "$1" "$2" "$3" "$4" "$5" "$VALID" > "$WORK/valid.txt"
  while read -r -u 3 start end all; do
    if [ "$start" = - ]; then start=NULL::$5; else start=$(time_as_sql "$5" "$start"); fi
    on_target -v view="$view" << SQL
CALL "public"."refresh_continuous_aggregate"(:'view', $start, $(time_as_sql "$5" "$end"));
SQL
    # Of integers a window without a start would break the log: so the first one has one, and all up
    # to the threshold follows where nothing lies behind it.
    if [ "$all" = t ]; then
      on_target -At -v view="$view" -v schema="$1" -v name="$2" << SQL
SELECT 'CALL "public"."refresh_continuous_aggregate"(' || pg_catalog.quote_literal(:'view') || ', NULL::$5, NULL::$5)'
FROM _timescaledb_catalog.continuous_agg g
JOIN _timescaledb_catalog.continuous_aggs_invalidation_threshold t ON t.hypertable_id = g.raw_hypertable_id
WHERE g.user_view_schema = :'schema' AND g.user_view_name = :'name' AND t.watermark = $end \\gexec
SQL
    fi
  done 3< "$WORK/valid.txt"
}
VALID=$(
  cat << 'SQL'
WITH given AS (
  SELECT NULLIF(:'first_bucket', '')::bigint AS first_bucket, NULLIF(:'last', '')::bigint AS last,
    NULLIF(:'first_raw', '')::bigint AS first_raw, NULLIF(:'raw_from', '')::bigint AS raw_from,
    NULLIF(:'until', '')::bigint AS until
), history AS (
  SELECT CASE WHEN first_bucket IS NULL OR first_bucket >= raw_from THEN NULL
    WHEN raw_from IS NULL THEN until
    WHEN NOT :'fixed' THEN raw_from + :width
    ELSE last - pg_catalog.floor((last - raw_from)::numeric / :width)::bigint * :width END AS kept
  FROM given
), changed (low, high) AS (
  SELECT lowest_modified_value, greatest_modified_value
  FROM _timescaledb_catalog.continuous_aggs_materialization_invalidation_log WHERE materialization_id = :mat_id AND greatest_modified_value <> 9223372036854775807
  UNION ALL SELECT lowest_modified_value, greatest_modified_value
  FROM _timescaledb_catalog.continuous_aggs_hypertable_invalidation_log WHERE hypertable_id = :raw_id
  UNION ALL SELECT lowest_modified_value, greatest_modified_value
  FROM _timescaledb_catalog.continuous_aggs_materialization_ranges WHERE materialization_id = :mat_id
), invalid AS (
  SELECT GREATEST(c.low, h.kept, :first) AS low, LEAST(c.high, g.until - 1) AS high
  FROM changed c, history h, given g WHERE g.until IS NOT NULL
), bounds AS (
  SELECT i.low, i.high FROM invalid i
  WHERE i.low <= i.high AND EXISTS (SELECT FROM :raw r
    WHERE :raw_time >= :converts((GREATEST(i.low::numeric - :width, :first))::bigint)
      AND :raw_time <= :converts((i.high::numeric + :width)::bigint))
  UNION ALL SELECT until, NULL FROM given WHERE until IS NOT NULL
), ranges AS (
  SELECT pg_catalog.max(high) OVER (ORDER BY low, high
    ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) + 1 AS start, low AS end_before,
    :'kind' IN ('smallint', 'integer', 'bigint') AS counted
  FROM bounds
)
SELECT CASE WHEN r.start IS NOT NULL THEN r.start::text
    WHEN r.counted THEN (LEAST(g.first_bucket, g.first_raw, r.end_before) - :width)::text
    ELSE '-' END, r.end_before, r.start IS NULL AND r.counted
FROM ranges r, given g
WHERE r.start IS NULL AND r.end_before > :first OR r.end_before - r.start >= 2 * :width
ORDER BY r.end_before;
SQL
)

# recompute SCHEMA NAME WIDTH FIXED TYPE: from the raw rows on the target, as far as on the source.
recompute() {
  local until first start view
  facts "$1" "$2" "$3" "$4" "$5" "SELECT :'until', :'first_raw' WHERE '' NOT IN (:'until', :'first_raw');" > "$WORK/until.txt"
  read -r until first < "$WORK/until.txt" || return 0
  start=NULL::$5
  case "$5" in smallint | integer | bigint) start=$(time_as_sql "$5" "$first - $3") ;; esac
  view=$(view "$1" "$2")
  on_target -v view="$view" << SQL
CALL "public"."refresh_continuous_aggregate"(:'view', $start, $(time_as_sql "$5" "$until"));
SQL
}

# 1. Check both databases
# That SOURCE and TARGET are the two databases that this was written for, and that the target is
# empty. Their versions of TimescaleDB may differ.
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
# All of them: nothing may change the source while it is read piece by piece. Pausing a job does
# not end it where it is running: that is waited for.
# Expect: A row for each job. Whatever happens from here on, the step resume-source-jobs puts them
# back.
step_pause_source_jobs() {
on_source << 'SQL'
-- refresh on public.conditions_hourly
SELECT job_id, scheduled FROM "public"."alter_job"(1000, scheduled => false, timezone => (SELECT j.timezone FROM _timescaledb_config.bgw_job j WHERE j.id = 1000));
-- refresh on public.conditions_daily
SELECT job_id, scheduled FROM "public"."alter_job"(1001, scheduled => false, timezone => (SELECT j.timezone FROM _timescaledb_config.bgw_job j WHERE j.id = 1001));
-- refresh on public.events_hourly
SELECT job_id, scheduled FROM "public"."alter_job"(1002, scheduled => false, timezone => (SELECT j.timezone FROM _timescaledb_config.bgw_job j WHERE j.id = 1002));
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
-- public.count_events on nothing
SELECT job_id, scheduled FROM "public"."alter_job"(1008, scheduled => false, timezone => (SELECT j.timezone FROM _timescaledb_config.bgw_job j WHERE j.id = 1008));
SQL
running() {
  on_source -At << 'SQL'
SELECT pg_catalog.count(*) FROM pg_catalog.pg_stat_activity WHERE datname = pg_catalog.current_database() AND application_name IN ('Refresh Continuous Aggregate Policy [1000]', 'Refresh Continuous Aggregate Policy [1001]', 'Refresh Continuous Aggregate Policy [1002]', 'Columnstore Policy [1003]', 'Columnstore Policy [1004]', 'Retention Policy [1005]', 'Retention Policy [1006]', 'Reorder Policy [1007]', 'User-Defined Action [1008]');
SQL
}
while left=$(running) && [ "$left" != 0 ]; do
  say "waiting for $left jobs that are still running on the source"
  sleep 5
done
}

# 3. Dump the schema
# Pre-data and post-data in one file. Its table of contents is sorted into lists: what depends on
# continuous aggregates comes after them, and what ALTER TABLE ONLY would break on a hypertable, or
# what TimescaleDB makes by itself, is left out.
# Expect: Nothing is printed. The lists are $WORK/*.list.
step_dump_schema() {
pg_dump --no-password --format=custom --section=pre-data --section=post-data '--exclude-schema="_timescaledb_cache"|"_timescaledb_catalog"|"_timescaledb_config"|"_timescaledb_debug"|"_timescaledb_functions"|"_timescaledb_internal"|"timescaledb_experimental"|"timescaledb_information"|"_tswizard"' --no-blobs --no-publications --no-subscriptions \
  --file="$WORK/schema.dump" --dbname="$SOURCE" 2> "$WORK/dump.log" || {
  cat "$WORK/dump.log" >&2
  stop "pg_dump failed"
}
sort_toc
}

# 4. Restore pre-data
# Schemas, types, functions, tables: everything that rows need.
# Expect: Its messages are in $WORK/restore-*.log; any error that is not expected stops the script.
step_pre_data() {
restore_list pre-data 'must be owner of extension|no privileges were granted|unrecognized configuration parameter "transaction_timeout"'
}

# 5. Create hypertables
# Each with all its dimensions. Their indexes come with the post-data.
# Expect: A row for each; hints that the time column should be NOT NULL are harmless.
step_hypertables() {
on_target << 'SQL'
BEGIN;
SELECT "public"."create_hypertable"('"Plant Ops"."Meter ""Readings"" °C"', "public"."by_range"('Zeit', INTERVAL '30 days'), create_default_indexes => false);
COMMIT;
BEGIN;
SELECT "public"."create_hypertable"('"public"."conditions"', "public"."by_range"('time', INTERVAL '1 day'), create_default_indexes => false);
COMMIT;
BEGIN;
SELECT "public"."create_hypertable"('"public"."daily_costs"', "public"."by_range"('day', INTERVAL '90 days'), create_default_indexes => false);
COMMIT;
BEGIN;
SELECT "public"."create_hypertable"('"public"."door_openings"', "public"."by_range"('opened', INTERVAL '10 days'), create_default_indexes => false);
COMMIT;
BEGIN;
SELECT "public"."create_hypertable"('"public"."events"', "public"."by_range"('ts', bigint '86400'), create_default_indexes => false);
SELECT "public"."add_dimension"('"public"."events"', "public"."by_hash"('device', 2));
SELECT "public"."set_integer_now_func"('"public"."events"', '"public"."unix_now"');
COMMIT;
BEGIN;
SELECT "public"."create_hypertable"('"public"."fill_levels"', "public"."by_range"('time', INTERVAL '2 days'), create_default_indexes => false);
COMMIT;
SQL
}

# 6. Create continuous aggregates
# On the empty hypertables, parents first, without data; grants before compression, which would
# refuse those on columns.
# Expect: set_chunk_time_interval() prints an empty row for each of them.
step_continuous_aggregates() {
on_target << 'SQL'
-- public.conditions_hourly
SELECT pg_catalog.set_config(name, 'on', false) IS NULL FROM pg_catalog.pg_settings WHERE name = 'timescaledb.enable_cagg_window_functions' \g /dev/null
CREATE MATERIALIZED VIEW "public"."conditions_hourly" WITH (timescaledb.continuous, timescaledb.materialized_only = false, timescaledb.create_group_indexes = false) AS
SELECT public.time_bucket('01:00:00'::interval, "time") AS bucket,
    sensor_id,
    avg(temperature) AS temperature,
    max((humidity)::numeric) AS most_humid,
    count(*) AS readings
   FROM public.conditions
  GROUP BY (public.time_bucket('01:00:00'::interval, "time")), sensor_id
WITH NO DATA;
WITH mat AS (
  SELECT h.id, h.schema_name, h.table_name FROM _timescaledb_catalog.continuous_agg g JOIN _timescaledb_catalog.hypertable h ON h.id = g.mat_hypertable_id
WHERE g.user_view_schema = 'public' AND g.user_view_name = 'conditions_hourly'
), there (id, name, definition) AS (SELECT g.mat_hypertable_id, ic.relname::text,
  pg_catalog.substr(d.text, pg_catalog.strpos(d.text, ' ON ' || c.name || ' USING ')
    + pg_catalog.length(' ON ' || c.name || ' '))
FROM _timescaledb_catalog.continuous_agg g
JOIN _timescaledb_catalog.hypertable m ON m.id = g.mat_hypertable_id
JOIN pg_catalog.pg_namespace n ON n.nspname = m.schema_name
JOIN LATERAL (SELECT r.oid, pg_catalog.format('%I.%I', m.schema_name, m.table_name) AS name
  FROM pg_catalog.pg_class r WHERE r.relnamespace = n.oid AND r.relname = m.table_name) c ON true
JOIN pg_catalog.pg_index i ON i.indrelid = c.oid
JOIN pg_catalog.pg_class ic ON ic.oid = i.indexrelid
CROSS JOIN LATERAL (SELECT pg_catalog.pg_get_indexdef(i.indexrelid) AS text) d
ORDER BY 1, 2
), wanted (name, definition) AS (
  SELECT CASE WHEN w.own THEN m.table_name || w.name ELSE w.name END, w.definition
  FROM mat m, (VALUES (true, '_bucket_idx', 'USING btree (bucket DESC)'),
    (true, '_sensor_id_bucket_idx', 'USING btree (sensor_id, bucket DESC)')) w (own, name, definition)
)
SELECT pg_catalog.format('DROP INDEX %I.%I', m.schema_name, t.name)
FROM mat m JOIN there t ON t.id = m.id
WHERE (t.name, t.definition) NOT IN (SELECT name, definition FROM wanted)
UNION ALL
SELECT pg_catalog.format('CREATE INDEX %I ON %s %s', w.name, '"public"."conditions_hourly"', w.definition)
FROM wanted w
WHERE (w.name, w.definition) NOT IN (SELECT t.name, t.definition FROM mat m, there t
  WHERE t.id = m.id) \gexec
SELECT "public"."set_chunk_time_interval"(pg_catalog.format('%I.%I', h.schema_name, h.table_name)::pg_catalog.regclass, INTERVAL '10 days')
FROM _timescaledb_catalog.continuous_agg g JOIN _timescaledb_catalog.hypertable h ON h.id = g.mat_hypertable_id
WHERE g.user_view_schema = 'public' AND g.user_view_name = 'conditions_hourly';
SQL
on_target << 'SQL'
-- public.conditions_daily
SELECT pg_catalog.set_config(name, 'on', false) IS NULL FROM pg_catalog.pg_settings WHERE name = 'timescaledb.enable_cagg_window_functions' \g /dev/null
CREATE MATERIALIZED VIEW "public"."conditions_daily" WITH (timescaledb.continuous, timescaledb.materialized_only = true, timescaledb.create_group_indexes = false) AS
SELECT public.time_bucket('1 day'::interval, bucket) AS day,
    sensor_id,
    avg(temperature) AS temperature,
    sum(readings) AS readings
   FROM public.conditions_hourly
  GROUP BY (public.time_bucket('1 day'::interval, bucket)), sensor_id
WITH NO DATA;
WITH mat AS (
  SELECT h.id, h.schema_name, h.table_name FROM _timescaledb_catalog.continuous_agg g JOIN _timescaledb_catalog.hypertable h ON h.id = g.mat_hypertable_id
WHERE g.user_view_schema = 'public' AND g.user_view_name = 'conditions_daily'
), there (id, name, definition) AS (SELECT g.mat_hypertable_id, ic.relname::text,
  pg_catalog.substr(d.text, pg_catalog.strpos(d.text, ' ON ' || c.name || ' USING ')
    + pg_catalog.length(' ON ' || c.name || ' '))
FROM _timescaledb_catalog.continuous_agg g
JOIN _timescaledb_catalog.hypertable m ON m.id = g.mat_hypertable_id
JOIN pg_catalog.pg_namespace n ON n.nspname = m.schema_name
JOIN LATERAL (SELECT r.oid, pg_catalog.format('%I.%I', m.schema_name, m.table_name) AS name
  FROM pg_catalog.pg_class r WHERE r.relnamespace = n.oid AND r.relname = m.table_name) c ON true
JOIN pg_catalog.pg_index i ON i.indrelid = c.oid
JOIN pg_catalog.pg_class ic ON ic.oid = i.indexrelid
CROSS JOIN LATERAL (SELECT pg_catalog.pg_get_indexdef(i.indexrelid) AS text) d
ORDER BY 1, 2
), wanted (name, definition) AS (
  SELECT CASE WHEN w.own THEN m.table_name || w.name ELSE w.name END, w.definition
  FROM mat m, (VALUES (true, '_day_idx', 'USING btree (day DESC)'),
    (true, '_sensor_id_day_idx', 'USING btree (sensor_id, day DESC)'),
    (false, 'conditions_daily_readings_idx', 'USING btree (readings)')) w (own, name, definition)
)
SELECT pg_catalog.format('DROP INDEX %I.%I', m.schema_name, t.name)
FROM mat m JOIN there t ON t.id = m.id
WHERE (t.name, t.definition) NOT IN (SELECT name, definition FROM wanted)
UNION ALL
SELECT pg_catalog.format('CREATE INDEX %I ON %s %s', w.name, '"public"."conditions_daily"', w.definition)
FROM wanted w
WHERE (w.name, w.definition) NOT IN (SELECT t.name, t.definition FROM mat m, there t
  WHERE t.id = m.id) \gexec
SELECT "public"."set_chunk_time_interval"(pg_catalog.format('%I.%I', h.schema_name, h.table_name)::pg_catalog.regclass, INTERVAL '10 days')
FROM _timescaledb_catalog.continuous_agg g JOIN _timescaledb_catalog.hypertable h ON h.id = g.mat_hypertable_id
WHERE g.user_view_schema = 'public' AND g.user_view_name = 'conditions_daily';
SQL
on_target << 'SQL'
-- Plant Ops.Monthly "sums"
SELECT pg_catalog.set_config(name, 'on', false) IS NULL FROM pg_catalog.pg_settings WHERE name = 'timescaledb.enable_cagg_window_functions' \g /dev/null
CREATE MATERIALIZED VIEW "Plant Ops"."Monthly ""sums""" WITH (timescaledb.continuous, timescaledb.materialized_only = true, timescaledb.create_group_indexes = false) AS
SELECT public.time_bucket('1 mon'::interval, "Zeit") AS "Monat",
    "Zähler Nr.",
    sum("Wert €") AS "Summe €"
   FROM "Plant Ops"."Meter ""Readings"" °C"
  GROUP BY (public.time_bucket('1 mon'::interval, "Zeit")), "Zähler Nr."
WITH NO DATA;
WITH mat AS (
  SELECT h.id, h.schema_name, h.table_name FROM _timescaledb_catalog.continuous_agg g JOIN _timescaledb_catalog.hypertable h ON h.id = g.mat_hypertable_id
WHERE g.user_view_schema = 'Plant Ops' AND g.user_view_name = 'Monthly "sums"'
), there (id, name, definition) AS (SELECT g.mat_hypertable_id, ic.relname::text,
  pg_catalog.substr(d.text, pg_catalog.strpos(d.text, ' ON ' || c.name || ' USING ')
    + pg_catalog.length(' ON ' || c.name || ' '))
FROM _timescaledb_catalog.continuous_agg g
JOIN _timescaledb_catalog.hypertable m ON m.id = g.mat_hypertable_id
JOIN pg_catalog.pg_namespace n ON n.nspname = m.schema_name
JOIN LATERAL (SELECT r.oid, pg_catalog.format('%I.%I', m.schema_name, m.table_name) AS name
  FROM pg_catalog.pg_class r WHERE r.relnamespace = n.oid AND r.relname = m.table_name) c ON true
JOIN pg_catalog.pg_index i ON i.indrelid = c.oid
JOIN pg_catalog.pg_class ic ON ic.oid = i.indexrelid
CROSS JOIN LATERAL (SELECT pg_catalog.pg_get_indexdef(i.indexrelid) AS text) d
ORDER BY 1, 2
), wanted (name, definition) AS (
  SELECT CASE WHEN w.own THEN m.table_name || w.name ELSE w.name END, w.definition
  FROM mat m, (VALUES (true, '_Monat_idx', 'USING btree ("Monat" DESC)'),
    (true, '_Zähler Nr._Monat_idx', 'USING btree ("Zähler Nr.", "Monat" DESC)')) w (own, name, definition)
)
SELECT pg_catalog.format('DROP INDEX %I.%I', m.schema_name, t.name)
FROM mat m JOIN there t ON t.id = m.id
WHERE (t.name, t.definition) NOT IN (SELECT name, definition FROM wanted)
UNION ALL
SELECT pg_catalog.format('CREATE INDEX %I ON %s %s', w.name, '"Plant Ops"."Monthly ""sums"""', w.definition)
FROM wanted w
WHERE (w.name, w.definition) NOT IN (SELECT t.name, t.definition FROM mat m, there t
  WHERE t.id = m.id) \gexec
SELECT "public"."set_chunk_time_interval"(pg_catalog.format('%I.%I', h.schema_name, h.table_name)::pg_catalog.regclass, INTERVAL '300 days')
FROM _timescaledb_catalog.continuous_agg g JOIN _timescaledb_catalog.hypertable h ON h.id = g.mat_hypertable_id
WHERE g.user_view_schema = 'Plant Ops' AND g.user_view_name = 'Monthly "sums"';
SQL
on_target << 'SQL'
-- public.events_hourly
SELECT pg_catalog.set_config(name, 'on', false) IS NULL FROM pg_catalog.pg_settings WHERE name = 'timescaledb.enable_cagg_window_functions' \g /dev/null
CREATE MATERIALIZED VIEW "public"."events_hourly" WITH (timescaledb.continuous, timescaledb.materialized_only = true, timescaledb.create_group_indexes = false) AS
SELECT public.time_bucket((3600)::bigint, ts) AS bucket,
    device,
    count(*) AS events
   FROM public.events
  GROUP BY (public.time_bucket((3600)::bigint, ts)), device
WITH NO DATA;
WITH mat AS (
  SELECT h.id, h.schema_name, h.table_name FROM _timescaledb_catalog.continuous_agg g JOIN _timescaledb_catalog.hypertable h ON h.id = g.mat_hypertable_id
WHERE g.user_view_schema = 'public' AND g.user_view_name = 'events_hourly'
), there (id, name, definition) AS (SELECT g.mat_hypertable_id, ic.relname::text,
  pg_catalog.substr(d.text, pg_catalog.strpos(d.text, ' ON ' || c.name || ' USING ')
    + pg_catalog.length(' ON ' || c.name || ' '))
FROM _timescaledb_catalog.continuous_agg g
JOIN _timescaledb_catalog.hypertable m ON m.id = g.mat_hypertable_id
JOIN pg_catalog.pg_namespace n ON n.nspname = m.schema_name
JOIN LATERAL (SELECT r.oid, pg_catalog.format('%I.%I', m.schema_name, m.table_name) AS name
  FROM pg_catalog.pg_class r WHERE r.relnamespace = n.oid AND r.relname = m.table_name) c ON true
JOIN pg_catalog.pg_index i ON i.indrelid = c.oid
JOIN pg_catalog.pg_class ic ON ic.oid = i.indexrelid
CROSS JOIN LATERAL (SELECT pg_catalog.pg_get_indexdef(i.indexrelid) AS text) d
ORDER BY 1, 2
), wanted (name, definition) AS (
  SELECT CASE WHEN w.own THEN m.table_name || w.name ELSE w.name END, w.definition
  FROM mat m, (VALUES (true, '_bucket_idx', 'USING btree (bucket DESC)'),
    (true, '_device_bucket_idx', 'USING btree (device, bucket DESC)')) w (own, name, definition)
)
SELECT pg_catalog.format('DROP INDEX %I.%I', m.schema_name, t.name)
FROM mat m JOIN there t ON t.id = m.id
WHERE (t.name, t.definition) NOT IN (SELECT name, definition FROM wanted)
UNION ALL
SELECT pg_catalog.format('CREATE INDEX %I ON %s %s', w.name, '"public"."events_hourly"', w.definition)
FROM wanted w
WHERE (w.name, w.definition) NOT IN (SELECT t.name, t.definition FROM mat m, there t
  WHERE t.id = m.id) \gexec
SELECT "public"."set_chunk_time_interval"(pg_catalog.format('%I.%I', h.schema_name, h.table_name)::pg_catalog.regclass, bigint '864000')
FROM _timescaledb_catalog.continuous_agg g JOIN _timescaledb_catalog.hypertable h ON h.id = g.mat_hypertable_id
WHERE g.user_view_schema = 'public' AND g.user_view_name = 'events_hourly';
SQL
on_target << 'SQL'
-- public.door_openings_daily
SELECT pg_catalog.set_config(name, 'on', false) IS NULL FROM pg_catalog.pg_settings WHERE name = 'timescaledb.enable_cagg_window_functions' \g /dev/null
CREATE MATERIALIZED VIEW "public"."door_openings_daily" WITH (timescaledb.continuous, timescaledb.materialized_only = true, timescaledb.create_group_indexes = false) AS
SELECT public.time_bucket('1 day'::interval, opened) AS day,
    door,
    count(*) AS openings,
    sum(seconds) AS open_for
   FROM public.door_openings
  GROUP BY (public.time_bucket('1 day'::interval, opened)), door
WITH NO DATA;
WITH mat AS (
  SELECT h.id, h.schema_name, h.table_name FROM _timescaledb_catalog.continuous_agg g JOIN _timescaledb_catalog.hypertable h ON h.id = g.mat_hypertable_id
WHERE g.user_view_schema = 'public' AND g.user_view_name = 'door_openings_daily'
), there (id, name, definition) AS (SELECT g.mat_hypertable_id, ic.relname::text,
  pg_catalog.substr(d.text, pg_catalog.strpos(d.text, ' ON ' || c.name || ' USING ')
    + pg_catalog.length(' ON ' || c.name || ' '))
FROM _timescaledb_catalog.continuous_agg g
JOIN _timescaledb_catalog.hypertable m ON m.id = g.mat_hypertable_id
JOIN pg_catalog.pg_namespace n ON n.nspname = m.schema_name
JOIN LATERAL (SELECT r.oid, pg_catalog.format('%I.%I', m.schema_name, m.table_name) AS name
  FROM pg_catalog.pg_class r WHERE r.relnamespace = n.oid AND r.relname = m.table_name) c ON true
JOIN pg_catalog.pg_index i ON i.indrelid = c.oid
JOIN pg_catalog.pg_class ic ON ic.oid = i.indexrelid
CROSS JOIN LATERAL (SELECT pg_catalog.pg_get_indexdef(i.indexrelid) AS text) d
ORDER BY 1, 2
), wanted (name, definition) AS (
  SELECT CASE WHEN w.own THEN m.table_name || w.name ELSE w.name END, w.definition
  FROM mat m, (VALUES (true, '_day_idx', 'USING btree (day DESC)'),
    (true, '_door_day_idx', 'USING btree (door, day DESC)')) w (own, name, definition)
)
SELECT pg_catalog.format('DROP INDEX %I.%I', m.schema_name, t.name)
FROM mat m JOIN there t ON t.id = m.id
WHERE (t.name, t.definition) NOT IN (SELECT name, definition FROM wanted)
UNION ALL
SELECT pg_catalog.format('CREATE INDEX %I ON %s %s', w.name, '"public"."door_openings_daily"', w.definition)
FROM wanted w
WHERE (w.name, w.definition) NOT IN (SELECT t.name, t.definition FROM mat m, there t
  WHERE t.id = m.id) \gexec
SELECT "public"."set_chunk_time_interval"(pg_catalog.format('%I.%I', h.schema_name, h.table_name)::pg_catalog.regclass, INTERVAL '100 days')
FROM _timescaledb_catalog.continuous_agg g JOIN _timescaledb_catalog.hypertable h ON h.id = g.mat_hypertable_id
WHERE g.user_view_schema = 'public' AND g.user_view_name = 'door_openings_daily';
SQL
restore_list on-caggs 'must be owner of extension|no privileges were granted|unrecognized configuration parameter "transaction_timeout"'
on_target << 'SQL'
ALTER MATERIALIZED VIEW "public"."conditions_hourly" SET (timescaledb.compress, timescaledb.compress_segmentby = '"sensor_id"', timescaledb.compress_orderby = '"bucket" ASC NULLS LAST');
SQL
}

# 7. Set watermarks and valid ranges
# Read from the source now, and set before any row arrives: nothing is computed then, and history
# outlives every later refresh. Before 2.17 a watermark moves only by computing rows, so there it
# stays where it is.
step_cagg_ranges() {
seed_watermark public conditions_hourly 3600000000 true 'timestamp with time zone' '"bucket"'
seed_watermark public conditions_daily 86400000000 true 'timestamp with time zone' '"day"'
seed_watermark 'Plant Ops' 'Monthly "sums"' 2790000000000 false 'timestamp without time zone' '"Monat"'
seed_watermark public events_hourly 3600 true bigint '"bucket"'
seed_watermark public door_openings_daily 86400000000 true 'timestamp with time zone' '"day"'
mark_valid public conditions_hourly 3600000000 true 'timestamp with time zone'
mark_valid public conditions_daily 86400000000 true 'timestamp with time zone'
mark_valid 'Plant Ops' 'Monthly "sums"' 2790000000000 false 'timestamp without time zone'
mark_valid public events_hourly 3600 true bigint
mark_valid public door_openings_daily 86400000000 true 'timestamp with time zone'
}

# 8. Copy plain tables
# Tables and partitions, before the hypertables whose foreign keys point to them. Generated columns
# are left out: the target computes them.
# Expect: Nothing is printed. Started again, it continues with the table that failed.
step_copy_tables() {
copy_table '"public"."alarms"' '"alarm_id", "raised", "sensor_id"' binary
copy_table '"public"."contracts"' '"document_id", "title", "value", "scan"' binary
copy_table '"public"."documents"' '"document_id", "title"' binary
copy_table '"public"."heartbeat"' '' binary
copy_table '"public"."import_buffer"' '"line", "content"' binary
copy_table '"public"."operators"' '"operator_id", "name", "shift"' binary
copy_table '"public"."rounds_first"' '"day", "site"' binary
copy_table '"public"."sensors"' '"sensor_id", "site_id", "kind", "serial_number", "ticket", "installed"' binary
copy_table '"public"."sites"' '"site_id", "name", "location", "main_sensor_id"' binary
copy_table '"public"."visits_2025"' '"visited", "site_id", "remark"' binary
copy_table '"public"."visits_2026"' '"visited", "site_id", "remark"' binary
}

# 9. Copy large objects
# By a dump of nothing else, which keeps their numbers, grants and comments.
# Expect: Nothing is printed.
step_copy_large_objects() {
pg_dump --no-password --format=custom --blobs --section=pre-data --section=data \
  --exclude-schema='*' --file="$WORK/large-objects.dump" --dbname="$SOURCE"
pg_restore --list "$WORK/large-objects.dump" |
  grep -E '^[0-9]+; [0-9]+ [0-9]+ (BLOB|BLOBS|BLOB METADATA|(ACL|COMMENT) - LARGE OBJECT) ' \
    > "$WORK/large-objects.list" || true
restore copy-large-objects 'must be owner of extension|no privileges were granted|unrecognized configuration parameter "transaction_timeout"' \
  --use-list="$WORK/large-objects.list" "$WORK/large-objects.dump"
}

# 10. Restore keys of plain tables
# Foreign keys of hypertables point to them.
# Expect: Its messages are in $WORK/restore-*.log; any error that is not expected stops the script.
step_keys() {
restore_list keys 'must be owner of extension|no privileges were granted|unrecognized configuration parameter "transaction_timeout"' --jobs="$JOBS"
}

# 11. Add constraints needed before compression
# Once chunks are compressed, foreign keys and CHECK constraints cannot be added; older versions
# refuse every constraint.
# Expect: Nothing is printed. What CREATE TABLE has brought is left as it is.
step_constraints_before() {
on_target << 'SQL'
SELECT 'ALTER TABLE "public"."events" ADD CONSTRAINT "events_pkey" PRIMARY KEY (ts, device)'
WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_constraint WHERE conname = 'events_pkey' AND conrelid = '"public"."events"'::pg_catalog.regclass) \gexec
SELECT 'ALTER TABLE "public"."conditions" ADD CONSTRAINT "conditions_sensor_id_fkey" FOREIGN KEY (sensor_id) REFERENCES public.sensors(sensor_id)'
WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_constraint WHERE conname = 'conditions_sensor_id_fkey' AND conrelid = '"public"."conditions"'::pg_catalog.regclass) \gexec
SQL
}

# 12. Set compression
# segmentby, orderby and intervals as on the source.
step_compression() {
on_target << 'SQL'
BEGIN;
ALTER TABLE "public"."conditions" SET (timescaledb.compress, timescaledb.compress_segmentby = '"sensor_id"', timescaledb.compress_orderby = '"time" DESC NULLS LAST, "temperature" ASC NULLS LAST');
COMMIT;
BEGIN;
ALTER TABLE "public"."events" SET (timescaledb.compress, timescaledb.compress_segmentby = '"device"');
COMMIT;
SQL
}

# 13. Stop logging changes
# Rows that arrive change nothing: their buckets come with them. Up to 2.22 triggers log changes
# for continuous aggregates.
step_stop_logging() {
# The definitions are kept first: log-again puts them back.
if [ ! -e "$WORK/triggers.sql" ]; then
  on_target -At << 'SQL' > "$WORK/triggers.new"
SELECT pg_catalog.pg_get_triggerdef(t.oid) || ';' FROM pg_catalog.pg_trigger t JOIN pg_catalog.pg_class c ON c.oid = t.tgrelid JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace JOIN _timescaledb_catalog.hypertable h ON h.schema_name = n.nspname AND h.table_name = c.relname WHERE t.tgname = 'ts_cagg_invalidation_trigger';
SQL
  mv "$WORK/triggers.new" "$WORK/triggers.sql"
fi
on_target << 'SQL'
SELECT pg_catalog.format('DROP TRIGGER %I ON %I.%I', t.tgname, n.nspname, c.relname) FROM pg_catalog.pg_trigger t JOIN pg_catalog.pg_class c ON c.oid = t.tgrelid JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace JOIN _timescaledb_catalog.hypertable h ON h.schema_name = n.nspname AND h.table_name = c.relname WHERE t.tgname = 'ts_cagg_invalidation_trigger' \gexec
SQL
}

# 14. Copy hypertables
# Chunk by chunk, each created with the source's own slices; compressed chunks are read as rows and
# compressed again. Rows of continuous aggregates are copied as stored: nothing is computed, and
# history whose raw rows are gone comes along.
# Expect: Nothing is printed. Started again, it continues with the chunk that failed.
step_copy_hypertables() {
# Plant Ops.Meter "Readings" °C
copy_hypertable 'Plant Ops' 'Meter "Readings" °C' '"Plant Ops"."Meter ""Readings"" °C"' \
  '"Zeit", "Zähler Nr.", "Wert €"' binary now
# public.events_hourly
copy_hypertable _timescaledb_internal _materialized_hypertable_10 "$(materialization public events_hourly)" \
  '"bucket", "device", "events"' binary now
# public.door_openings_daily
copy_hypertable _timescaledb_internal _materialized_hypertable_11 "$(materialization public door_openings_daily)" \
  '"day", "door", "openings", "open_for"' binary now
# public.conditions_hourly
copy_hypertable _timescaledb_internal _materialized_hypertable_7 "$(materialization public conditions_hourly)" \
  '"bucket", "sensor_id", "temperature", "most_humid", "readings"' binary now
# public.conditions_daily
copy_hypertable _timescaledb_internal _materialized_hypertable_8 "$(materialization public conditions_daily)" \
  '"day", "sensor_id", "temperature", "readings"' binary now
# Plant Ops.Monthly "sums"
copy_hypertable _timescaledb_internal _materialized_hypertable_9 "$(materialization 'Plant Ops' 'Monthly "sums"')" \
  '"Monat", "Zähler Nr.", "Summe €"' binary now
# public.conditions
copy_hypertable public conditions '"public"."conditions"' \
  '"time", "sensor_id", "temperature", "humidity", "remark"' binary now
# public.daily_costs
copy_hypertable public daily_costs '"public"."daily_costs"' \
  '"day", "site_id", "amount"' binary now
# public.door_openings
copy_hypertable public door_openings '"public"."door_openings"' \
  '"opened", "door", "seconds"' binary now
# public.events
copy_hypertable public events '"public"."events"' \
  '"ts", "device", "payload", "tags", "origin"' binary now
# public.fill_levels
copy_hypertable public fill_levels '"public"."fill_levels"' \
  '"time", "sensor_id", "level", "note"' binary now
}

# 15. Log changes again
# From here on continuous aggregates notice again what changes. What the copy has logged is
# removed: nobody else has written to the target.
# Expect: Nothing. Where this role may not clear the log, a warning says so; then refresh nothing
# whose raw rows are gone before its entries are removed.
step_log_again() {
if [ -e "$WORK/triggers.sql" ]; then
  on_target -1 -f "$WORK/triggers.sql"
  mv "$WORK/triggers.sql" "$WORK/triggers.done"
fi
on_target << 'SQL'
DO $$ BEGIN
  DELETE FROM _timescaledb_catalog.continuous_aggs_hypertable_invalidation_log;
EXCEPTION WHEN insufficient_privilege THEN
  RAISE WARNING 'this role may not clear the log: the next refresh computes those buckets again';
END $$;
SQL
}

# 16. Set sequences
# Serial, identity and standalone ones, to their values on the source.
# Expect: The value of each.
step_sequences() {
on_source -At << 'SQL' | on_target
SELECT pg_catalog.format('SELECT pg_catalog.setval(%L, %s, %L);', '"public"."documents_document_id_seq"', last_value, is_called) FROM "public"."documents_document_id_seq";
SELECT pg_catalog.format('SELECT pg_catalog.setval(%L, %s, %L);', '"public"."operators_operator_id_seq"', last_value, is_called) FROM "public"."operators_operator_id_seq";
SELECT pg_catalog.format('SELECT pg_catalog.setval(%L, %s, %L);', '"public"."sensors_sensor_id_seq"', last_value, is_called) FROM "public"."sensors_sensor_id_seq";
SELECT pg_catalog.format('SELECT pg_catalog.setval(%L, %s, %L);', '"public"."ticket_seq"', last_value, is_called) FROM "public"."ticket_seq";
SQL
}

# 17. Add hypertable constraints
# Behind the rows, so that each index is built once; without ONLY, which a hypertable refuses.
# Expect: Nothing is printed. What CREATE TABLE has brought is left as it is.
step_constraints_after() {
on_target << 'SQL'
SELECT 'ALTER TABLE "Plant Ops"."Meter ""Readings"" °C" ADD CONSTRAINT "Meter ""Readings"" °C_pkey" PRIMARY KEY ("Zeit", "Zähler Nr.")'
WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_constraint WHERE conname = 'Meter "Readings" °C_pkey' AND conrelid = '"Plant Ops"."Meter ""Readings"" °C"'::pg_catalog.regclass) \gexec
SELECT 'ALTER TABLE "public"."fill_levels" ADD CONSTRAINT "fill_levels_key" UNIQUE (sensor_id, "time")'
WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_constraint WHERE conname = 'fill_levels_key' AND conrelid = '"public"."fill_levels"'::pg_catalog.regclass) \gexec
SELECT 'ALTER TABLE "public"."fill_levels" ADD CONSTRAINT "fill_levels_level_check" CHECK ((level >= (0)::numeric))'
WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_constraint WHERE conname = 'fill_levels_level_check' AND conrelid = '"public"."fill_levels"'::pg_catalog.regclass) \gexec
SQL
}

# 18. Restore post-data
# Indexes, constraints of plain tables, triggers, rules, row-level security, materialized views.
# Expect: Its messages are in $WORK/restore-*.log; any error that is not expected stops the script.
step_post_data() {
restore_list post-data 'must be owner of extension|no privileges were granted|unrecognized configuration parameter "transaction_timeout"' --jobs="$JOBS"
}

# 19. Set how triggers of partitions fire
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

# 20. Restore what depends on continuous aggregates
# Views, materialized views, functions and rules; what needs one that you left out is not restored.
# Expect: Its messages are in $WORK/restore-*.log; any error that is not expected stops the script.
step_cagg_dependents() {
restore_list after-caggs 'must be owner of extension|no privileges were granted|unrecognized configuration parameter "transaction_timeout"'
}

# 21. Recreate policies and jobs
# Refresh before compression, retention last, all paused: the time zone is told in every call, or
# alter_job() would forget it. Ids are the target's own.
# Expect: Nothing is printed; $WORK/jobs.txt holds two ids for each job.
step_recreate_policies() {
: > "$WORK/jobs.txt"
# Each prints the source's id and the new one.
on_target -At << 'SQL' > "$WORK/jobs.txt"
-- 1000: refresh on public.conditions_hourly
\o /dev/null
BEGIN;
SELECT ("public"."alter_job"("public"."add_continuous_aggregate_policy"('"public"."conditions_hourly"'::pg_catalog.regclass, end_offset => INTERVAL '01:00:00', start_offset => INTERVAL '3 days', schedule_interval => INTERVAL '00:20:00'), schedule_interval => INTERVAL '00:20:00', max_runtime => INTERVAL '00:00:00', max_retries => -1, retry_period => INTERVAL '00:20:00', scheduled => false, fixed_schedule => false, timezone => NULL)).job_id AS job \gset
COMMIT;
\o
\echo 1000 :job
-- 1001: refresh on public.conditions_daily
\o /dev/null
BEGIN;
SELECT ("public"."alter_job"("public"."add_continuous_aggregate_policy"('"public"."conditions_daily"'::pg_catalog.regclass, end_offset => NULL, start_offset => INTERVAL '1 mon', schedule_interval => INTERVAL '1 day', initial_start => '2026-03-01 02:30:00+00'::timestamptz, timezone => 'Europe/Stockholm'), schedule_interval => INTERVAL '1 day', max_runtime => INTERVAL '00:00:00', max_retries => -1, retry_period => INTERVAL '1 day', scheduled => false, fixed_schedule => true, timezone => 'Europe/Stockholm', initial_start => '2026-03-01 02:30:00+00'::timestamptz)).job_id AS job \gset
COMMIT;
\o
\echo 1001 :job
-- 1002: refresh on public.events_hourly
\o /dev/null
BEGIN;
SELECT ("public"."alter_job"("public"."add_continuous_aggregate_policy"('"public"."events_hourly"'::pg_catalog.regclass, end_offset => '3600'::bigint, start_offset => '864000'::bigint, schedule_interval => INTERVAL '02:00:00'), schedule_interval => INTERVAL '02:00:00', max_runtime => INTERVAL '00:00:00', max_retries => -1, retry_period => INTERVAL '02:00:00', scheduled => false, fixed_schedule => false, timezone => NULL)).job_id AS job \gset
COMMIT;
\o
\echo 1002 :job
-- 1003: compression on public.conditions
\o /dev/null
BEGIN;
SELECT ("public"."alter_job"("public"."add_compression_policy"('"public"."conditions"'::pg_catalog.regclass, compress_after => INTERVAL '14 days', schedule_interval => INTERVAL '06:00:00'), schedule_interval => INTERVAL '06:00:00', max_runtime => INTERVAL '00:00:00', max_retries => -1, retry_period => INTERVAL '01:00:00', scheduled => false, fixed_schedule => false, timezone => NULL)).job_id AS job \gset
COMMIT;
\o
\echo 1003 :job
-- 1004: compression on public.conditions_hourly
\o /dev/null
BEGIN;
SELECT ("public"."alter_job"("public"."add_compression_policy"('"public"."conditions_hourly"'::pg_catalog.regclass, compress_after => INTERVAL '60 days', schedule_interval => INTERVAL '12:00:00'), schedule_interval => INTERVAL '12:00:00', max_runtime => INTERVAL '00:00:00', max_retries => -1, retry_period => INTERVAL '01:00:00', scheduled => false, fixed_schedule => false, timezone => NULL)).job_id AS job \gset
COMMIT;
\o
\echo 1004 :job
-- 1007: reorder on public.fill_levels
\o /dev/null
BEGIN;
SELECT ("public"."alter_job"("public"."add_reorder_policy"('"public"."fill_levels"'::pg_catalog.regclass, index_name => 'fill_levels_key'), schedule_interval => INTERVAL '24:00:00', max_runtime => INTERVAL '00:00:00', max_retries => -1, retry_period => INTERVAL '00:05:00', scheduled => false, fixed_schedule => false, timezone => NULL)).job_id AS job \gset
COMMIT;
\o
\echo 1007 :job
-- 1008: public.count_events on nothing
\o /dev/null
BEGIN;
SET LOCAL ROLE "tsdbadmin";
SELECT ("public"."alter_job"("public"."add_job"('"public"."count_events"(integer, jsonb)'::pg_catalog.regprocedure, INTERVAL '01:30:00', config => '{"note": "it''s ours", "limit": 10}'::jsonb, scheduled => false, fixed_schedule => true, initial_start => '2026-02-01 00:15:00+00'::timestamptz, timezone => 'UTC'), schedule_interval => INTERVAL '01:30:00', max_runtime => INTERVAL '00:00:00', max_retries => -1, retry_period => INTERVAL '00:05:00', scheduled => false, fixed_schedule => true, timezone => 'UTC', initial_start => '2026-02-01 00:15:00+00'::timestamptz)).job_id AS job \gset
COMMIT;
\o
\echo 1008 :job
-- 1009: public.count_events on nothing
\o /dev/null
BEGIN;
SET LOCAL ROLE "tsdbadmin";
SELECT ("public"."alter_job"("public"."add_job"('"public"."count_events"(integer, jsonb)'::pg_catalog.regprocedure, INTERVAL '1 day', config => NULL, scheduled => false, fixed_schedule => false), schedule_interval => INTERVAL '1 day', max_runtime => INTERVAL '00:10:00', max_retries => 3, retry_period => INTERVAL '00:02:00', scheduled => false, fixed_schedule => false, timezone => NULL)).job_id AS job \gset
COMMIT;
\o
\echo 1009 :job
-- 1005: retention on public.fill_levels
\o /dev/null
BEGIN;
SELECT ("public"."alter_job"("public"."add_retention_policy"('"public"."fill_levels"'::pg_catalog.regclass, drop_after => INTERVAL '10 years', schedule_interval => INTERVAL '1 day'), schedule_interval => INTERVAL '1 day', max_runtime => INTERVAL '00:05:00', max_retries => -1, retry_period => INTERVAL '00:05:00', scheduled => false, fixed_schedule => false, timezone => NULL)).job_id AS job \gset
COMMIT;
\o
\echo 1005 :job
-- 1006: retention on public.events
\o /dev/null
BEGIN;
SELECT ("public"."alter_job"("public"."add_retention_policy"('"public"."events"'::pg_catalog.regclass, drop_after => '315360000'::bigint, schedule_interval => INTERVAL '7 days'), schedule_interval => INTERVAL '7 days', max_runtime => INTERVAL '00:05:00', max_retries => -1, retry_period => INTERVAL '00:05:00', scheduled => false, fixed_schedule => false, timezone => NULL)).job_id AS job \gset
COMMIT;
\o
\echo 1006 :job
SQL
}

# 22. Analyze the target
# Neither a restore nor a copy brings the planner's statistics.
# Expect: Warnings "only superuser can analyze it" concern system catalogs and are harmless.
step_analyze() {
on_target << 'SQL'
ANALYZE;
SQL
}

# 23. Compare both databases
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

# 24. Resume the source's jobs
# Exactly those that were paused.
step_resume_source_jobs() {
on_source << 'SQL'
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
-- retention on public.fill_levels
SELECT job_id, scheduled FROM "public"."alter_job"(1005, scheduled => true, timezone => (SELECT j.timezone FROM _timescaledb_config.bgw_job j WHERE j.id = 1005));
-- retention on public.events
SELECT job_id, scheduled FROM "public"."alter_job"(1006, scheduled => true, timezone => (SELECT j.timezone FROM _timescaledb_config.bgw_job j WHERE j.id = 1006));
-- reorder on public.fill_levels
SELECT job_id, scheduled FROM "public"."alter_job"(1007, scheduled => true, timezone => (SELECT j.timezone FROM _timescaledb_config.bgw_job j WHERE j.id = 1007));
-- public.count_events on nothing
SELECT job_id, scheduled FROM "public"."alter_job"(1008, scheduled => true, timezone => (SELECT j.timezone FROM _timescaledb_config.bgw_job j WHERE j.id = 1008));
SQL
}

# 25. Enable the target's jobs
# As they were on the source, retention last.
# Expect: A row for each job. Do this only when the comparison passed.
step_enable_jobs() {
job() { awk -v id="$1" '$1 == id { print $2 }' "$WORK/jobs.txt"; }
# refresh on public.conditions_hourly
id=$(job 1000)
if [ -n "$id" ]; then on_target << SQL; fi
SELECT job_id, scheduled FROM "public"."alter_job"($id, scheduled => true, timezone => (SELECT j.timezone FROM _timescaledb_config.bgw_job j WHERE j.id = $id));
SQL
# refresh on public.conditions_daily
id=$(job 1001)
if [ -n "$id" ]; then on_target << SQL; fi
SELECT job_id, scheduled FROM "public"."alter_job"($id, scheduled => true, timezone => (SELECT j.timezone FROM _timescaledb_config.bgw_job j WHERE j.id = $id));
SQL
# refresh on public.events_hourly
id=$(job 1002)
if [ -n "$id" ]; then on_target << SQL; fi
SELECT job_id, scheduled FROM "public"."alter_job"($id, scheduled => true, timezone => (SELECT j.timezone FROM _timescaledb_config.bgw_job j WHERE j.id = $id));
SQL
# compression on public.conditions
id=$(job 1003)
if [ -n "$id" ]; then on_target << SQL; fi
SELECT job_id, scheduled FROM "public"."alter_job"($id, scheduled => true, timezone => (SELECT j.timezone FROM _timescaledb_config.bgw_job j WHERE j.id = $id));
SQL
# compression on public.conditions_hourly
id=$(job 1004)
if [ -n "$id" ]; then on_target << SQL; fi
SELECT job_id, scheduled FROM "public"."alter_job"($id, scheduled => true, timezone => (SELECT j.timezone FROM _timescaledb_config.bgw_job j WHERE j.id = $id));
SQL
# reorder on public.fill_levels
id=$(job 1007)
if [ -n "$id" ]; then on_target << SQL; fi
SELECT job_id, scheduled FROM "public"."alter_job"($id, scheduled => true, timezone => (SELECT j.timezone FROM _timescaledb_config.bgw_job j WHERE j.id = $id));
SQL
# public.count_events on nothing
id=$(job 1008)
if [ -n "$id" ]; then on_target << SQL; fi
SELECT job_id, scheduled FROM "public"."alter_job"($id, scheduled => true, timezone => (SELECT j.timezone FROM _timescaledb_config.bgw_job j WHERE j.id = $id));
SQL
# retention on public.fill_levels
id=$(job 1005)
if [ -n "$id" ]; then on_target << SQL; fi
SELECT job_id, scheduled FROM "public"."alter_job"($id, scheduled => true, timezone => (SELECT j.timezone FROM _timescaledb_config.bgw_job j WHERE j.id = $id));
SQL
# retention on public.events
id=$(job 1006)
if [ -n "$id" ]; then on_target << SQL; fi
SELECT job_id, scheduled FROM "public"."alter_job"($id, scheduled => true, timezone => (SELECT j.timezone FROM _timescaledb_config.bgw_job j WHERE j.id = $id));
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
run dump-schema '3. Dump the schema'
run pre-data '4. Restore pre-data'
run hypertables '5. Create hypertables'
run continuous-aggregates '6. Create continuous aggregates'
run cagg-ranges '7. Set watermarks and valid ranges'
run copy-tables '8. Copy plain tables'
run copy-large-objects '9. Copy large objects'
run keys '10. Restore keys of plain tables'
run constraints-before '11. Add constraints needed before compression'
run compression '12. Set compression'
run stop-logging '13. Stop logging changes'
run copy-hypertables '14. Copy hypertables'
run log-again '15. Log changes again'
run sequences '16. Set sequences'
run constraints-after '17. Add hypertable constraints'
run post-data '18. Restore post-data'
run partition-triggers '19. Set how triggers of partitions fire'
run cagg-dependents '20. Restore what depends on continuous aggregates'
run recreate-policies '21. Recreate policies and jobs'
run analyze '22. Analyze the target'
run compare '23. Compare both databases'
run resume-source-jobs '24. Resume the source'"'"'s jobs'
run enable-jobs '25. Enable the target'"'"'s jobs'
say "Everything is done."
