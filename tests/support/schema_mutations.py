"""What somebody might do by hand to a target that got `hard_schema.sql`, each to another object.

Each entry is a statement, the kind of the difference that must be named, and words in its name.
Chunks are chosen by the server: their names hold numbers.
"""


def _on_a_chunk(statement: str, table: str) -> str:
    """The statement with `%s` standing for one chunk."""
    return (
        f"DO $$ BEGIN EXECUTE format('{statement}', "
        f"(SELECT min(c::text) FROM public.show_chunks('{table}') c)); END $$"
    )


def _in_catalog(change: str, column: str) -> str:
    return f"UPDATE _timescaledb_catalog.dimension SET {change} WHERE column_name = '{column}'"


BY_HAND = (
    # constraints and what says how they hold
    ('ALTER TABLE hard.readings DROP CONSTRAINT "v is small"', "check", "v is small"),
    ("ALTER TABLE hard.readings DROP CONSTRAINT readings_line", "foreign-key", "readings_line"),
    ("ALTER TABLE hard.plain DROP CONSTRAINT plain_self", "foreign-key", "plain_self"),
    ("ALTER TABLE hard.plain DROP CONSTRAINT plain_short", "check", "plain_short"),
    ("ALTER TABLE hard.plain VALIDATE CONSTRAINT plain_self", "foreign-key", "plain_self"),
    ("ALTER TABLE hard.plain DROP CONSTRAINT plain_pk CASCADE", "primary-key", "plain_pk"),
    ("ALTER TABLE hard.marks ADD CONSTRAINT added CHECK (v > -5)", "check", "marks.added"),
    # indexes and their marks
    ("DROP INDEX hard.readings_v", "index", "hard.readings_v"),
    ('DROP INDEX hard."readings Expr"', "index", "readings Expr"),
    ("DROP INDEX hard.filled_order", "index", "hard.filled_order"),
    (
        "DROP INDEX hard.marks_by_step; CREATE INDEX marks_by_step ON hard.marks (step)",
        "index",
        "hard.marks_by_step",
    ),
    ("ALTER TABLE hard.plain SET WITHOUT CLUSTER", "index", "hard.plain_pk"),
    ("ALTER TABLE hard.plain REPLICA IDENTITY DEFAULT", "table", "hard.plain"),
    ("CREATE UNIQUE INDEX added ON hard.plain (at)", "index", "hard.added"),
    # columns
    ("ALTER TABLE hard.plain ALTER at SET NOT NULL", "column", "hard.plain.at"),
    ("ALTER TABLE hard.lines ALTER label TYPE varchar(50)", "column", "hard.lines.label"),
    ('ALTER TABLE hard.lines ALTER label TYPE text COLLATE "C"', "column", "hard.lines.label"),
    ("ALTER TABLE hard.lines ALTER label SET STORAGE EXTERNAL", "column", "hard.lines.label"),
    ("ALTER TABLE hard.plain ALTER other SET STATISTICS 5", "column", "hard.plain.other"),
    # triggers, rules, policies
    ("DROP TRIGGER marks_statement ON hard.marks", "trigger", "marks.marks_statement"),
    ("ALTER TABLE hard.plain DISABLE RULE plain_keep", "rule", "plain.plain_keep"),
    ("ALTER TABLE hard.marks DISABLE ROW LEVEL SECURITY", "table", "hard.marks"),
    ("ALTER POLICY marks_all ON hard.marks USING (false)", "policy", "marks.marks_all"),
    ("COMMENT ON POLICY marks_all ON hard.marks IS 'nobody'", "comment", "marks_all"),
    # views and functions
    (
        "CREATE OR REPLACE VIEW hard.by_hyper_key AS SELECT r.\"order\", r.\"time\", min(r.v) AS v "
        'FROM hard.readings r GROUP BY r."order", r."time"',
        "view",
        "hard.by_hyper_key",
    ),
    ("REFRESH MATERIALIZED VIEW hard.never_filled", "materialized-view", "hard.never_filled"),
    ("ALTER FUNCTION hard.note() SECURITY DEFINER", "function", "hard.note()"),
    (
        "CREATE OR REPLACE FUNCTION hard.now_in_steps() RETURNS bigint LANGUAGE sql STABLE AS "
        "'SELECT 2::bigint'",
        "function",
        "hard.now_in_steps()",
    ),
    ("ALTER SEQUENCE hard.free NO CYCLE", "sequence", "hard.free"),
    # partitions
    ("DROP TABLE hard.plants_rest CASCADE", "table", "hard.plants_rest"),
    # dimensions, compression, chunks
    (_in_catalog("integer_now_func = NULL, integer_now_func_schema = NULL", "step"),
     "dimension", "marks.step"),
    (
        _in_catalog(
            "partitioning_func_schema = '_timescaledb_functions', "
            "partitioning_func = 'get_partition_hash'",
            "dev",
        ),
        "dimension",
        "marks.dev",
    ),
    (
        "DELETE FROM _timescaledb_catalog.dimension d USING _timescaledb_catalog.hypertable h "
        "WHERE h.id = d.hypertable_id AND h.table_name = 'unused' AND d.column_name = 'lane'",
        "dimension",
        "hard.unused.lane",
    ),
    (
        "UPDATE _timescaledb_catalog.hypertable SET chunk_target_size = 5 "
        "WHERE table_name = 'marks'",
        "hypertable",
        "hard.marks",
    ),
    (
        "ALTER TABLE hard.readings SET (timescaledb.compress_segmentby = '\"order\"')",
        "compression-setting",
        "hard.readings",
    ),
    (
        "ALTER TABLE hard.readings SET (timescaledb.compress_orderby = 'seq ASC')",
        "compression-setting",
        "hard.readings",
    ),
    (
        "ALTER TABLE hard.readings SET (timescaledb.compress_chunk_time_interval = '14 days')",
        "compression-setting",
        "hard.readings",
    ),
    (
        "SELECT public.decompress_chunk(c) FROM public.show_chunks('hard.readings') c "
        "ORDER BY 1 LIMIT 1",
        "chunk",
        "hard.readings",
    ),
    (
        "SELECT public.drop_chunks('hard.readings', older_than => timestamptz '2024-01-06')",
        "chunk",
        "hard.readings",
    ),
    (_on_a_chunk("DROP TRIGGER marks_plain ON %s", "hard.marks"), "trigger", "on chunk hard.marks"),
    (
        _on_a_chunk("CREATE RULE r AS ON INSERT TO %s DO INSTEAD NOTHING", "hard.marks"),
        "rule",
        "on chunk hard.marks",
    ),
    (_on_a_chunk("ALTER TABLE %s ENABLE ROW LEVEL SECURITY", "hard.marks"), "chunk", "hard.marks"),
    (
        _on_a_chunk("ALTER TABLE %s ADD CHECK (v > -1)", "hard.marks"),
        "check",
        "on chunk hard.marks",
    ),
)  # fmt: skip

GROUPS = tuple(BY_HAND[first::8] for first in range(8))
"""Every eighth: neighbors, which touch the same object, do not hide each other in a group."""
