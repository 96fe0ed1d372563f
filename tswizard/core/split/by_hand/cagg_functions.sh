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
    'timestamp with time zone') echo "@THERE@.to_timestamp(($2)::bigint)" ;;
    'timestamp without time zone') echo "@THERE@.to_timestamp_without_timezone(($2)::bigint)" ;;
    date) echo "@THERE@.to_date(($2)::bigint)" ;;
    *) echo "($2)::$1" ;;
  esac
}

# facts SCHEMA NAME WIDTH FIXED TYPE QUERY: a query about a continuous aggregate on the source, which
# finds in psql's variables where its rows begin and end, and from where on nothing was refreshed.
facts() {
  local first=-210866803200000000 converts=
  case "$5" in
    'timestamp with time zone') converts=@HERE@.to_timestamp ;;
    'timestamp without time zone') converts=@HERE@.to_timestamp_without_timezone ;;
    date) converts=@HERE@.to_date ;;
    smallint) first=-32768 ;;
    integer) first=-2147483648 ;;
    bigint) first=-9223372036854775807 ;;
  esac
  (
    cat << 'SQL'
@FACTS@
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
@SKIP_SQL@
INSERT INTO $mat ($6) VALUES ($(time_as_sql "$5" "$last")), ($(time_as_sql "$5" "$last - $unit"));
CALL @REFRESH@(:'view', $(time_as_sql "$5" "$last - 2 * $3"), $(time_as_sql "$5" "$last")@OPTIONS@);
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
CALL @REFRESH@(:'view', $start, $(time_as_sql "$5" "$end")@OPTIONS@);
SQL
    # Of integers a window without a start would break the log: so the first one has one, and all up
    # to the threshold follows where nothing lies behind it.
    if [ "$all" = t ]; then
      on_target -At -v view="$view" -v schema="$1" -v name="$2" << SQL
SELECT 'CALL @REFRESH@(' || pg_catalog.quote_literal(:'view') || ', NULL::$5, NULL::$5@OPTIONS_QUOTED@)'
FROM _timescaledb_catalog.continuous_agg g
JOIN _timescaledb_catalog.continuous_aggs_invalidation_threshold t ON t.hypertable_id = g.raw_hypertable_id
WHERE g.user_view_schema = :'schema' AND g.user_view_name = :'name' AND t.watermark = $end \\gexec
SQL
    fi
  done 3< "$WORK/valid.txt"
}
VALID=$(
  cat << 'SQL'
@VALID@
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
CALL @REFRESH@(:'view', $start, $(time_as_sql "$5" "$until")@OPTIONS@);
SQL
}
