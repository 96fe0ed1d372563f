# sort_toc: the dump's table of contents as lists for pg_restore --use-list: what comes before the
# rows, with continuous aggregates, after the rows; without what is created otherwise.
sort_toc() {
  local dump="$WORK/schema.dump"
  on_source -At -F ' ' > "$WORK/special.txt" << 'SQL'
@SPECIAL@
SQL
  # Grants on the extension's own objects, as the table of contents begins them.
  on_source -At > "$WORK/grants.txt" << 'SQL'
@GRANTS@
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
    PGOPTIONS="$PGOPTIONS -c row_security=off" on_target @SKIP@-c BEGIN -c "DELETE FROM $3 $2" \
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
@CHUNKS@
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
SELECT @COMPRESS@(:'chunk', true);
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
