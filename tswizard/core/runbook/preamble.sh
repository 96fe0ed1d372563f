set -uo pipefail

: "${SOURCE:?is not set: the connection to the source, such as service=mst or postgresql://user@host:port/defaultdb?sslmode=require}"
: "${TARGET:?is not set: the connection to the target, such as service=cloud}"
WORK=${WORK:-$PWD/migration} # dumps, lists, logs, and which steps are done
JOBS=${JOBS:-@JOBS@}         # connections of pg_dump and pg_restore
CHECK=${CHECK:-rows}         # how the last check compares tables: rows or count

mkdir -p "$WORK/done"
chmod 700 "$WORK"

# Nothing hangs on what a role, a database or a client has set.
export LC_MESSAGES=C LANGUAGE=C PGAPPNAME=runbook
export PGOPTIONS='@OPTIONS@'

say() { printf '%s\n' "$*" >&2; }
stop() {
  say "STOP: $*"
  return 1
}

# SQL from the arguments or from standard input, at one end; an error ends the step.
on_source() { PGCLIENTENCODING=@ENCODING@ psql -X -q -w -v ON_ERROR_STOP=1 -d "$SOURCE" "$@"; }
on_target() { PGCLIENTENCODING=@ENCODING@ psql -X -q -w -v ON_ERROR_STOP=1 -d "$TARGET" "$@"; }

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
