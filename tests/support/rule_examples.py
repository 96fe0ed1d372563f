"""One message for each rule, as the tools print it: what the rule is for."""

from typing import NamedTuple

from tswizard.core.model.verdict import Verdict

SAFE, LATER, LOOK, LOST = Verdict


class Example(NamedTuple):
    """A log, where it comes from, and the verdict once a proof holds (or none is needed)."""

    rule: str
    verdict: Verdict
    text: str
    method: str = "full"
    phase: str = "data"


def failed(message: str, command: str = "", toc: str = "") -> str:
    """An error of pg_restore with its TOC entry and its command, as --verbose prints them."""
    lines = ["pg_restore: while PROCESSING TOC:"] if toc else []
    lines += [f"pg_restore: from TOC entry {toc}"] if toc else []
    lines += [f"pg_restore: error: could not execute query: ERROR:  {message}"]
    lines += [f"Command was: {command}", "", ""] if command else []
    return "\n".join((*lines, "pg_restore: warning: errors ignored on restore: 1", ""))


def copy(table: str, message: str) -> str:
    return (
        f"pg_restore: from TOC entry 4859; 0 20297 TABLE DATA {table} postgres\n"
        f'pg_restore: error: COPY failed for table "{table}": ERROR:  {message}\n'
        f'CONTEXT:  COPY {table}, line 1: "x"\n'
        "pg_restore: warning: errors ignored on restore: 1\n"
    )


def fatal(tool: str, message: str) -> str:
    return f"{tool}: error: {message}\n"


_HINTS = """\
pg_dump: hint: You might not be able to restore the dump without using --disable-triggers or \
temporarily dropping the constraints.
pg_dump: hint: Consider using a full dump instead of a --data-only dump to avoid this problem.
"""
_CIRCLE = "pg_dump: warning: there are circular foreign-key constraints on this table:\n"
_IN_CHUNKS = """\
pg_dump: NOTICE:  hypertable data are in the chunks, no data will be copied
DETAIL:  Data for hypertables are stored in the chunks of a hypertable so COPY TO of a \
hypertable will not copy any data.
HINT:  Use "COPY (SELECT * FROM <hypertable>) TO ..." to copy all data in hypertable, or copy \
each chunk individually.
"""
_WELCOME = """\
pg_restore: NOTICE:
WELCOME TO
 _____ _
|_   _(_)
               Running version 2.19.3
For more information on TimescaleDB, please visit the following links:

 1. Getting started: https://docs.timescale.com/timescaledb/latest/getting-started

"""
_VIEW = "CREATE VIEW metrics.daily AS\n SELECT x.day\n   FROM metrics.hourly x;"
_INDEX = "CREATE INDEX t_time_idx ON public.t USING btree (time DESC);"
_CHUNK_INDEX = (
    "CREATE INDEX _hyper_1_1_chunk_t_time_idx ON _timescaledb_internal._hyper_1_1_chunk (t);"
)
_FK = (
    "ALTER TABLE ONLY public.b\n    ADD CONSTRAINT b_a_fkey FOREIGN KEY (a) REFERENCES public.a(i);"
)
_PK = "ALTER TABLE ONLY public.t\n    ADD CONSTRAINT t_pkey PRIMARY KEY (i);"
_GRANT = "GRANT SELECT ON TABLE public.t TO reporting;"

EXAMPLES = (
    Example("catalog-circle", SAFE, f"{_CIRCLE}pg_dump: detail: hypertable\n{_HINTS}"),
    Example("hypertable-in-chunks", SAFE, _IN_CHUNKS),
    Example(
        "hypercore-in-chunks",
        SAFE,
        'pg_dump: NOTICE:  skipping compressed data when copying "_hyper_1_1_chunk"\n'
        "DETAIL:  Use timescaledb.hypercore_copy_to_behavior to change this behavior.\n",
    ),
    Example(
        "source-collation",
        SAFE,
        'pg_dump: WARNING:  database "defaultdb" has a collation version mismatch\n'
        "DETAIL:  The database was created using collation version 2.31, but the operating system "
        "provides version 2.36.\n",
    ),
    Example(
        "ext-owner",
        SAFE,
        failed(
            "must be owner of extension timescaledb",
            "COMMENT ON EXTENSION timescaledb IS 'Enables scalable inserts';",
            "6239; 0 0 COMMENT EXTENSION timescaledb ",
        ),
    ),
    Example(
        "public-comment",
        SAFE,
        failed(
            "must be owner of schema public",
            "COMMENT ON SCHEMA public IS 'standard public schema';",
            "5; 0 0 COMMENT SCHEMA public postgres",
        ),
    ),
    Example(
        "no-privileges",
        SAFE,
        'pg_restore: WARNING:  no privileges were granted for "pg_stat_statements"\n',
    ),
    Example(
        "not-revoked",
        LOOK,
        'pg_restore: WARNING:  no privileges could be revoked for "digest"\n',
    ),
    Example(
        "timeout-unknown",
        SAFE,
        failed(
            'unrecognized configuration parameter "transaction_timeout"',
            "SET transaction_timeout = 0;",
        ),
    ),
    Example(
        "schema-exists",
        SAFE,
        failed(
            'schema "metrics" already exists',
            "CREATE SCHEMA metrics;",
            "7; 2615 16389 SCHEMA metrics postgres",
        ),
    ),
    Example(
        "analyze-system",
        SAFE,
        'WARNING:  skipping "pg_authid" --- only superuser can analyze it\n',
    ),
    Example(
        "best-practice",
        SAFE,
        'psql:ht.sql:6: WARNING:  column type "timestamp without time zone" used for "at" does not '
        "follow best practices\nHINT:  Use datatype TIMESTAMPTZ instead.\n",
        "split",
    ),
    Example("welcome-split", SAFE, _WELCOME, "split", "pre-data"),
    Example(
        "mat-hypertable",
        LATER,
        failed(
            'relation "_timescaledb_internal._materialized_hypertable_5" does not exist\n'
            "LINE 2:    FROM _timescaledb_internal._materialized_hypertable_5;\n"
            "                ^",
            "CREATE VIEW metrics.hourly AS\n SELECT * FROM "
            "_timescaledb_internal._materialized_hypertable_5;",
            "300; 1259 17000 VIEW hourly postgres",
        ),
        "split",
        "pre-data",
    ),
    Example(
        "waits-for-cagg",
        LATER,
        failed(
            'relation "metrics.hourly" does not exist\nLINE 3:    FROM metrics.hourly x;\n'
            "                ^",
            _VIEW,
            "301; 1259 17001 VIEW daily postgres",
        ),
        "split",
        "pre-data",
    ),
    Example(
        "index-exists",
        SAFE,
        failed(
            'relation "t_time_idx" already exists', _INDEX, "9; 1259 3 INDEX t_time_idx postgres"
        ),
        "split",
        "post-data",
    ),
    Example(
        "own-trigger-exists",
        SAFE,
        failed(
            'trigger "ts_insert_blocker" for relation "t" already exists',
            "CREATE TRIGGER ts_insert_blocker BEFORE INSERT ON public.t FOR EACH ROW EXECUTE "
            "FUNCTION _timescaledb_functions.insert_blocker();",
            "10; 2620 4 TRIGGER t ts_insert_blocker postgres",
        ),
        "split",
        "post-data",
    ),
    Example(
        "own-trigger-gone",
        SAFE,
        failed(
            "function _timescaledb_functions.insert_blocker() does not exist",
            "CREATE TRIGGER ts_insert_blocker BEFORE INSERT ON public.t FOR EACH ROW EXECUTE "
            "FUNCTION _timescaledb_functions.insert_blocker();",
            "10; 2620 4 TRIGGER t ts_insert_blocker postgres",
        ),
        "split",
        "post-data",
    ),
    Example(
        "null-column",
        LOST,
        copy("compress_hyper_2_96_chunk", "function 0x7f9f013e2230 returned NULL"),
    ),
    Example(
        "chunk-column-stats",
        LOST,
        copy(
            "chunk_column_stats",
            'insert or update on table "chunk_column_stats" violates foreign key constraint '
            '"chunk_column_stats_chunk_id_fkey"\n'
            'DETAIL:  Key (chunk_id)=(0) is not present in table "chunk".',
        ),
        phase="catalog",
    ),
    Example("jobs-role", LOST, copy("bgw_job", 'role "ops" does not exist'), phase="catalog"),
    Example(
        "catalog-broken",
        LOST,
        copy(
            "chunk_constraint",
            'insert or update on table "chunk_constraint" violates foreign key constraint '
            '"chunk_constraint_chunk_id_fkey"\n'
            'DETAIL:  Key (chunk_id)=(2) is not present in table "chunk".',
        ),
    ),
    Example(
        "chunk-unknown",
        LOST,
        failed(
            "chunk not found\nDETAIL:  schema_name: _timescaledb_internal, table_name: x", _INDEX
        ),
        phase="post-data",
    ),
    Example(
        "restore-mode-off",
        LOST,
        copy(
            "_hyper_1_1_chunk",
            'invalid INSERT on the root table of hypertable "_hyper_1_1_chunk"\n'
            "HINT:  Make sure the TimescaleDB extension has been preloaded.",
        ),
    ),
    Example("not-a-hypertable", LOST, failed('table "conditions" is not a hypertable')),
    Example(
        "copy-disk-full",
        LOST,
        copy("big", 'could not extend file "base/1/2": No space left on device'),
    ),
    Example(
        "copy-duplicate",
        LOST,
        copy("t", 'duplicate key value violates unique constraint "t_pkey"'),
    ),
    Example("copy-denied", LOST, copy("chunk", "permission denied for table chunk")),
    Example("copy-failed", LOST, copy("t", "invalid byte sequence for encoding")),
    Example(
        "copy-put",
        LOST,
        fatal("pg_restore", "error returned by PQputCopyData: server closed the connection"),
    ),
    Example(
        "copy-fields",
        LOST,
        "ERROR:  row field count is 5, expected 4\nCONTEXT:  COPY t, line 1\n",
        "split",
    ),
    Example(
        "copy-stopped",
        LOST,
        "psql:load.sql:3: ERROR:  value too long for type character varying(3)\n"
        'CONTEXT:  COPY t, line 7, column c: "abcd"\n',
        "split",
    ),
    Example(
        "rows-refused",
        LOST,
        failed(
            'relation "public.t" does not exist',
            "COPY public.t (i) FROM stdin;",
            "11; 0 5 TABLE DATA t postgres",
        ),
    ),
    Example(
        "rows-inhibited",
        LOST,
        'pg_restore: table "t" could not be created, will not restore its data\n',
    ),
    Example(
        "large-object",
        LOST,
        failed("permission denied", "SELECT pg_catalog.lo_create('1');", "12; 2613 6 BLOB 1 a"),
    ),
    Example(
        "sequence-value",
        LOST,
        failed(
            'relation "public.t_id_seq" does not exist',
            "SELECT pg_catalog.setval('public.t_id_seq', 9, true);",
            "13; 0 0 SEQUENCE SET t_id_seq postgres",
        ),
    ),
    Example(
        "only-refused-full",
        LOST,
        failed(
            "ONLY option not supported on hypertable operations",
            _PK,
            "14; 2606 7 CONSTRAINT t t_pkey postgres",
        ),
        "full",
        "post-data",
    ),
    Example(
        "only-constraint",
        LOST,
        failed(
            "ONLY option not supported on hypertable operations",
            _PK,
            "14; 2606 7 CONSTRAINT t t_pkey postgres",
        ),
        "split",
        "post-data",
    ),
    Example(
        "only-refused",
        LOST,
        failed(
            "ONLY option not supported on hypertable operations",
            "ALTER TABLE ONLY public.t REPLICA IDENTITY FULL;",
            "15; 0 0 TABLE t postgres",
        ),
        "split",
        "post-data",
    ),
    Example(
        "foreign-key",
        LOST,
        failed(
            'insert or update on table "b" violates foreign key constraint "b_a_fkey"\n'
            'DETAIL:  Key (a)=(1) is not present in table "a".',
            _FK,
            "16; 2606 8 FK CONSTRAINT b b_a_fkey postgres",
        ),
        phase="post-data",
    ),
    Example(
        "foreign-key-target",
        LOST,
        failed(
            'there is no unique constraint matching given keys for referenced table "a"',
            _FK,
            "16; 2606 8 FK CONSTRAINT b b_a_fkey postgres",
        ),
        phase="post-data",
    ),
    Example(
        "unique-violated",
        LOST,
        failed(
            'could not create unique index "t_pkey"\nDETAIL:  Key (i)=(1) is duplicated.',
            _PK,
            "14; 2606 7 CONSTRAINT t t_pkey postgres",
        ),
        phase="post-data",
    ),
    Example(
        "unique-without-time",
        LOST,
        failed(
            'cannot create a unique index without the column "time" (used in partitioning)',
            _PK,
            "14; 2606 7 CONSTRAINT t t_pkey postgres",
        ),
        phase="post-data",
    ),
    Example(
        "compressed-constraint",
        LOST,
        failed(
            "operation not supported on hypertables that have compression enabled",
            _FK,
            "16; 2606 8 FK CONSTRAINT b b_a_fkey postgres",
        ),
        phase="post-data",
    ),
    Example(
        "job-errors-denied",
        LOST,
        "pg_dump: error: query failed: ERROR:  permission denied for table job_errors\n"
        "pg_dump: detail: Query was: LOCK TABLE _timescaledb_internal.job_errors IN ACCESS SHARE "
        "MODE\n",
    ),
    Example(
        "dump-denied",
        LOST,
        "pg_dump: error: query failed: ERROR:  permission denied for schema a\n"
        "pg_dump: error: query was: LOCK TABLE a.t IN ACCESS SHARE MODE\n",
    ),
    Example(
        "dump-row-security",
        LOST,
        "pg_dump: error: query failed: ERROR:  query would be affected by row-level security "
        'policy for table "secrets"\n'
        "pg_dump: detail: Query was: COPY app.secrets (owner) TO stdout;\n",
    ),
    Example(
        "dump-table-broke",
        LOST,
        'pg_dump: error: Dumping the contents of table "t" failed: PQgetCopyData() failed.\n'
        "pg_dump: detail: Error message from server: SSL SYSCALL error: EOF detected\n"
        "pg_dump: detail: Command was: COPY public.t (i) TO stdout;\n",
    ),
    Example("dump-deadlock", LOST, "pg_dump: error: query failed: ERROR:  deadlock detected\n"),
    Example(
        "out-of-locks",
        LOST,
        "pg_dump: error: query failed: ERROR:  out of shared memory\n"
        "HINT:  You might need to increase max_locks_per_transaction.\n",
    ),
    Example(
        "archive-broken",
        LOST,
        fatal("pg_restore", "could not read from input file: end of file"),
    ),
    Example("worker-died", LOST, fatal("pg_restore", "a worker process died unexpectedly")),
    Example(
        "no-decompression",
        LOST,
        "pg_restore: warning: archive is compressed, but this installation does not support "
        "compression (zstd) -- no data will be available\n",
    ),
    Example(
        "role-missing",
        LOOK,
        failed('role "reporting" does not exist', _GRANT, "17; 0 0 ACL TABLE t postgres"),
    ),
    Example("welcome-full", LOOK, _WELCOME, "full", "pre-data"),
    Example(
        "chunk-index-exists",
        LOOK,
        failed(
            'relation "_hyper_1_1_chunk_t_time_idx" already exists',
            _CHUNK_INDEX,
            "18; 1259 9 INDEX _hyper_1_1_chunk_t_time_idx postgres",
        ),
        phase="post-data",
    ),
    Example(
        "exists",
        LOOK,
        failed('relation "t" already exists', "CREATE TABLE public.t (\n    i integer\n);"),
        phase="pre-data",
    ),
    Example(
        "primary-key-exists",
        LOOK,
        failed('multiple primary keys for table "t" are not allowed', _PK),
        phase="post-data",
    ),
    Example(
        "extension-missing",
        LOOK,
        failed(
            'extension "postgis" is not available',
            "CREATE EXTENSION IF NOT EXISTS postgis WITH SCHEMA public;",
        ),
    ),
    Example(
        "restoring-denied",
        LOOK,
        'ERROR:  permission denied to set parameter "timescaledb.restoring"\n',
    ),
    Example(
        "internal-denied",
        LOOK,
        failed(
            "permission denied for schema _timescaledb_internal",
            "CREATE VIEW _timescaledb_internal._direct_view_3 AS SELECT 1;",
        ),
    ),
    Example(
        "denied",
        LOOK,
        failed("permission denied for schema metrics", "CREATE TABLE metrics.t (i integer);"),
    ),
    Example(
        "extension-file",
        LOOK,
        'ERROR:  could not access file "$libdir/timescaledb-2.9.1": No such file or directory\n',
    ),
    Example(
        "version-mismatch",
        LOOK,
        'ERROR:  catalog version mismatch, expected "2.19.3" seen "2.19.2"\n',
    ),
    Example(
        "client-too-old",
        LOOK,
        "pg_dump: error: aborting because of server version mismatch\n"
        "pg_dump: detail: server version: 17.5; pg_dump version: 15.18\n",
    ),
    Example(
        "no-connection",
        LOOK,
        'pg_dump: error: connection to server at "h", port 1 failed: Connection refused\n'
        "\tIs the server running on that host and accepting TCP/IP connections?\n",
    ),
    Example(
        "connection-lost",
        LOOK,
        failed("terminating connection due to administrator command", _INDEX),
    ),
    Example(
        "disk-full",
        LOOK,
        failed('could not extend file "base/5/16": No space left on device', _INDEX),
    ),
    Example("dump-disk-full", LOST, fatal("pg_dump", "could not write: No space left on device")),
    Example("dump-stopped", LOST, fatal("pg_dump", "query failed: ERROR:  nobody knows this")),
    Example(
        "dumpall-stopped",
        LOST,
        fatal("pg_dumpall", 'pg_dump failed on database "meters", exiting'),
    ),
    Example(
        "psql-restrict", SAFE, "psql:meters.sql:5: error: invalid command \\restrict\n", "split"
    ),
    Example(
        "row-check",
        LOST,
        'psql:i.sql:9: ERROR:  new row for relation "t" violates check constraint "c"\n'
        "DETAIL:  Failing row contains (1).\n",
    ),
    Example(
        "row-null",
        LOST,
        'psql:i.sql:9: ERROR:  null value in column "n" of relation "t" violates not-null '
        "constraint\n",
    ),
    Example(
        "row-duplicate",
        LOST,
        'psql:i.sql:9: ERROR:  duplicate key value violates unique constraint "t_pkey"\n',
    ),
    Example(
        "row-unfit",
        LOST,
        'psql:i.sql:9: ERROR:  no partition of relation "t" found for row\n'
        "DETAIL:  Partition key of the failing row contains (n) = (1).\n",
    ),
    Example(
        "catalog-columns",
        LOST,
        'psql:i.sql:9: ERROR:  column "schema_name" of relation "chunk" does not exist\n',
    ),
    Example(
        "row-or-foreign-key",
        LOST,
        'psql:i.sql:9: ERROR:  insert or update on table "t" violates foreign key constraint "f"\n',
    ),
    Example(
        "batch-failed",
        LOST,
        'failed to copy CSV: ERROR: relation "t" does not exist (SQLSTATE 42P01)\n',
    ),
    Example(
        "copy-data",
        LOST,
        'psql:d.sql:9: ERROR:  missing data for column "kw"\n',
    ),
    Example(
        "copied-nothing",
        LOST,
        "psql:e.sql:9: NOTICE:  hypertable data are in the chunks, no data will be copied\n",
    ),
    Example(
        "copy-named",
        LOST,
        'pg_restore: klaida: COPY nepavyko lentelei "u": KLAIDA:  x\n'
        "KONTEKSTAS:  COPY u, eilutė 1\n",
    ),
    Example("stream-broken", LOST, "gzip: stdin: unexpected end of file\n"),
    Example(
        "rows-violate",
        LOST,
        failed(
            'check constraint "positive" of relation "t" is violated by some row',
            "ALTER TABLE public.t\n    ADD CONSTRAINT positive CHECK ((kw > 0));",
            "13; 2606 7 CHECK CONSTRAINT t positive postgres",
        ),
    ),
    Example(
        "foreign-key-to-hypertable",
        LOST,
        failed(
            "foreign keys to hypertables are not supported",
            "ALTER TABLE ONLY public.t\n    ADD CONSTRAINT f FOREIGN KEY (i) REFERENCES h(i);",
            "13; 2606 7 FK CONSTRAINT t f postgres",
        ),
    ),
    Example("psql-lost", LOST, "psql:all.sql:99: error: connection to server was lost\n"),
    Example("data-as-commands", LOOK, "psql:meters.sql:812: error: invalid command \\N\n"),
    Example(
        "own-metadata-row",
        LOOK,
        copy(
            "metadata",
            'duplicate key value violates unique constraint "metadata_pkey"\n'
            "DETAIL:  Key (key)=(install_timestamp) already exists.",
        ),
    ),
    Example(
        "own-metadata",
        LOOK,
        failed(
            "permission denied for table metadata",
            "COPY _timescaledb_catalog.metadata (key, value, include_in_telemetry) FROM stdin;",
            "12; 0 6 TABLE DATA metadata postgres",
        ),
    ),
    Example(
        "drop-missing",
        SAFE,
        failed(
            'relation "public.t" does not exist',
            "ALTER TABLE ONLY public.t DROP CONSTRAINT t_pkey;",
            "13; 2606 7 CONSTRAINT t t_pkey postgres",
        ),
    ),
    Example(
        "drop-missing",
        SAFE,
        failed(
            'schema "app" does not exist',
            "DROP TABLE app.t;",
            "14; 1259 8 TABLE app t postgres",
        ),
    ),
    Example(
        "drop-refused",
        LOOK,
        failed(
            "ONLY option not supported on hypertable operations",
            "ALTER TABLE IF EXISTS ONLY public.t DROP CONSTRAINT IF EXISTS t_pkey;",
            "13; 2606 7 CONSTRAINT t t_pkey postgres",
        ),
    ),
    Example(
        "trigger-state",
        LOOK,
        failed(
            'permission denied: "RI_ConstraintTrigger_c_5" is a system trigger',
            "ALTER TABLE public.t DISABLE TRIGGER ALL;",
            "11; 0 5 TABLE DATA t postgres",
        ),
    ),
    Example(
        "trigger-firing",
        LOOK,
        failed(
            'trigger "stamp" for table "parts_2024" does not exist',
            "ALTER TABLE public.parts_2024 DISABLE TRIGGER stamp;",
            "4012; 2620 17 TRIGGER parts_2024 stamp postgres",
        ),
    ),
    Example(
        "truncate-refused",
        LOOK,
        failed(
            "permission denied for table t",
            "TRUNCATE TABLE ONLY public.t;",
            "11; 0 5 TABLE DATA t postgres",
        ),
    ),
    Example(
        "temp-limit",
        LOOK,
        failed("temporary file size exceeds temp_file_limit (5120kB)", _INDEX),
    ),
    Example(
        "no-file",
        LOOK,
        fatal("pg_restore", 'could not open input file "x.bak": No such file or directory'),
    ),
    Example(
        "locks-restore",
        LOOK,
        failed(
            "out of shared memory\nHINT:  You might need to increase max_locks_per_transaction.",
            _INDEX,
        ),
    ),
    Example(
        "canceled",
        LOOK,
        failed("canceling statement due to statement timeout", _INDEX),
    ),
    Example(
        "missing",
        LOOK,
        failed('relation "metrics.hourly" does not exist', _VIEW),
        "full",
        "pre-data",
    ),
    Example(
        "target-collation",
        LOOK,
        'pg_restore: WARNING:  database "tsdb" has a collation version mismatch\n',
    ),
    Example(
        "publication-wal",
        LOOK,
        "pg_restore: WARNING:  wal_level is insufficient to publish logical changes\n"
        'HINT:  Set wal_level to "logical" before creating subscriptions.\n',
    ),
    Example("circle", LOOK, f"{_CIRCLE}pg_dump: detail: employees\n{_HINTS}"),
    Example("in-chunks", LOOK, _IN_CHUNKS, "split"),
    Example(
        "subscriptions",
        LOOK,
        "pg_dump: warning: subscriptions not dumped because current user is not a superuser\n",
    ),
    Example(
        "analyze-skipped",
        LOOK,
        'WARNING:  skipping "orders" --- only table or database owner can analyze it\n',
    ),
)
