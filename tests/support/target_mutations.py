"""What somebody might do to the target by hand, and what the check has to say of it."""

from dataclasses import dataclass, field
from typing import Literal

State = Literal["missing", "differs", "extra"]
Change = tuple[str, str, State]
"""Kind, name, state."""


@dataclass(frozen=True)
class Mutation:
    """SQL for the target. `changes` are all the differences that it makes, no more and no less,
    `parts` those among TimescaleDB's internal relations, by kind and state."""

    sql: str
    changes: tuple[Change, ...] = ()
    parts: tuple[tuple[str, State], ...] = field(default=())


def _dropped(sql: str, kind: str, name: str, *more: Change) -> Mutation:
    return Mutation(sql, ((kind, name, "missing"), *more))


def _altered(sql: str, kind: str, name: str, *more: Change) -> Mutation:
    return Mutation(sql, ((kind, name, "differs"), *more))


DROPPED = (
    _dropped("DROP SCHEMA spare", "schema", "spare"),
    _dropped(
        "DROP TABLE import_buffer",
        "table",
        "public.import_buffer",
        ("column", "public.import_buffer.line", "missing"),
        ("column", "public.import_buffer.content", "missing"),
    ),
    _dropped("ALTER TABLE more.things DROP COLUMN at", "column", "more.things.at"),
    _dropped(
        "ALTER TABLE sites DROP CONSTRAINT sites_main_sensor_fkey",
        "foreign-key",
        "public.sites.sites_main_sensor_fkey",
    ),
    _dropped(
        "ALTER TABLE alarms DROP CONSTRAINT alarms_pkey",
        "primary-key",
        "public.alarms.alarms_pkey",
        ("index", "public.alarms_pkey", "missing"),
    ),
    _dropped(
        "ALTER TABLE sites DROP CONSTRAINT sites_name_key",
        "unique-constraint",
        "public.sites.sites_name_key",
        ("index", "public.sites_name_key", "missing"),
    ),
    _dropped(
        "ALTER TABLE operators DROP CONSTRAINT operators_shift_excl",
        "exclusion-constraint",
        "public.operators.operators_shift_excl",
        ("index", "public.operators_shift_excl", "missing"),
    ),
    _dropped("ALTER TABLE more.refs DROP CONSTRAINT later", "check", "more.refs.later"),
    _dropped("DROP INDEX more.things_kind", "index", "more.things_kind"),
    _dropped("DROP TRIGGER watch ON more.things", "trigger", "more.things.watch"),
    _dropped("DROP EVENT TRIGGER watch_ddl", "event-trigger", "watch_ddl"),
    _dropped("DROP RULE no_insert ON more.view", "rule", "more.view.no_insert"),
    _dropped(
        "DROP VIEW hot_days",
        "view",
        "public.hot_days",
        ("column", "public.hot_days.site_id", "missing"),
        ("column", "public.hot_days.days", "missing"),
        ("comment", "view public.hot_days", "missing"),
    ),
    _dropped(
        "DROP MATERIALIZED VIEW more.summed",
        "materialized-view",
        "more.summed",
        ("column", "more.summed.kind", "missing"),
        ("column", "more.summed.n", "missing"),
    ),
    _dropped("DROP FUNCTION readings_of", "function", "public.readings_of(wanted integer)"),
    _dropped("DROP AGGREGATE more.total(int)", "aggregate", "more.total(integer)"),
    _dropped("DROP OPERATOR more.## (int, int)", "operator", "more.##(integer,integer)"),
    _dropped(
        "DROP OPERATOR CLASS more.mood_ops USING btree",
        "operator-class",
        "more.mood_ops using btree",
        ("operator-family", "more.moods using btree", "differs"),
    ),
    _dropped("DROP CAST (int AS more.pair)", "cast", "integer as more.pair"),
    _dropped("DROP ACCESS METHOD heap_again", "access-method", "heap_again"),
    _dropped("DROP COLLATION more.plain", "collation", "more.plain"),
    _dropped(
        "DROP TEXT SEARCH CONFIGURATION more.texts", "text-search-configuration", "more.texts"
    ),
    _dropped("DROP TEXT SEARCH DICTIONARY more.words", "text-search-dictionary", "more.words"),
    _dropped("DROP USER MAPPING FOR PUBLIC SERVER nowhere", "user-mapping", "PUBLIC on nowhere"),
    _dropped(
        "DROP FOREIGN TABLE more.far", "table", "more.far", ("column", "more.far.a", "missing")
    ),
    _dropped("DROP SEQUENCE more.untouched", "sequence", "more.untouched"),
    _dropped("DROP STATISTICS more.stats", "statistics-object", "more.stats"),
    _dropped("DROP PUBLICATION news", "publication", "news"),
    _dropped(
        "COMMENT ON COLUMN more.things.note IS NULL", "comment", "table column more.things.note"
    ),
    _dropped(
        "DROP POLICY everybody_reads ON operators", "policy", "public.operators.everybody_reads"
    ),
    _altered("REVOKE ALL ON more.things FROM reporting", "grant", "table more.things to reporting"),
    _altered(
        "REVOKE ALL ON sites FROM PUBLIC",
        "grant",
        "column public.sites.site_id to PUBLIC",
        ("grant", "column public.sites.name to PUBLIC", "differs"),
    ),
    _dropped(
        'ALTER DEFAULT PRIVILEGES IN SCHEMA "Plant Ops" REVOKE SELECT ON TABLES FROM reporting',
        "default-privilege",
        'tsdbadmin on tables in "Plant Ops"',
    ),
    _dropped("SELECT delete_job(1001)", "job", "1001"),
    Mutation(
        "SELECT drop_chunks('door_openings', older_than => timestamptz '2026-02-05 00:00+00')",
        parts=(
            ("chunk", "missing"),
            ("table", "missing"),
            ("check", "missing"),
            ("index", "missing"),
        ),
    ),
    Mutation(
        "DO $$ BEGIN EXECUTE format('DROP INDEX %s', (SELECT i.indexrelid::regclass "
        "FROM pg_index i JOIN show_chunks('conditions') c ON c = i.indrelid LIMIT 1)); END $$",
        parts=(("index", "missing"),),
    ),
    Mutation(
        "DO $$ DECLARE k record; BEGIN SELECT conrelid::regclass AS t, conname INTO k "
        "FROM pg_constraint JOIN show_chunks('fill_levels') c ON c = conrelid "
        "WHERE contype = 'c' AND conname LIKE 'constraint_%' LIMIT 1; "
        "PERFORM set_config('timescaledb.restoring', 'on', true); "
        "EXECUTE format('ALTER TABLE %s DROP CONSTRAINT %I', k.t, k.conname); "
        "PERFORM set_config('timescaledb.restoring', 'off', true); END $$",
        parts=(("check", "missing"),),
    ),
    Mutation(
        "DELETE FROM _timescaledb_catalog.compression_settings WHERE compress_relid IS NULL "
        "AND relid = 'public.events'::regclass",
        (("compression-setting", "public.events", "missing"),),
    ),
)

ALTERED = (
    _altered("ALTER TABLE import_buffer SET LOGGED", "table", "public.import_buffer"),
    _altered("ALTER TABLE alarms SET (fillfactor = 70)", "table", "public.alarms"),
    _altered("ALTER TABLE sites ENABLE ROW LEVEL SECURITY", "table", "public.sites"),
    _altered("ALTER TABLE operators FORCE ROW LEVEL SECURITY", "table", "public.operators"),
    _altered("ALTER TABLE more.things REPLICA IDENTITY DEFAULT", "table", "more.things"),
    _altered(
        "ALTER TABLE visits DETACH PARTITION visits_2026",
        "table",
        "public.visits_2026",
        ("column", "public.visits_2026.visited", "differs"),
        ("column", "public.visits_2026.site_id", "differs"),
        ("column", "public.visits_2026.remark", "differs"),
        ("foreign-key", "public.visits_2026.visits_site_id_fkey", "differs"),
    ),
    _altered(
        "ALTER TABLE more.child NO INHERIT more.doubled",
        "table",
        "more.child",
        ("column", "more.child.a", "differs"),
        ("column", "more.child.b", "differs"),
    ),
    _altered(
        "ALTER TABLE documents ALTER title TYPE varchar(99)",
        "column",
        "public.documents.title",
        ("column", "public.contracts.title", "differs"),
    ),
    _altered(
        "ALTER TABLE sensors ALTER serial_number DROP NOT NULL",
        "column",
        "public.sensors.serial_number",
    ),
    _altered("ALTER TABLE sensors ALTER ticket SET DEFAULT 1", "column", "public.sensors.ticket"),
    _altered(
        "ALTER TABLE operators ALTER operator_id SET GENERATED BY DEFAULT",
        "column",
        "public.operators.operator_id",
    ),
    _altered(
        "ALTER TABLE more.things ALTER double DROP EXPRESSION",
        "column",
        "more.things.double",
    ),
    _altered("ALTER TABLE more.things ALTER note SET STORAGE MAIN", "column", "more.things.note"),
    _altered("ALTER TABLE more.things ALTER n SET STATISTICS 100", "column", "more.things.n"),
    _altered("ALTER TABLE more.things ALTER f RESET (n_distinct)", "column", "more.things.f"),
    _altered("ALTER TABLE more.doubled ALTER b SET COMPRESSION pglz", "column", "more.doubled.b"),
    _altered(
        "ALTER TABLE sites ALTER CONSTRAINT sites_main_sensor_fkey NOT DEFERRABLE",
        "foreign-key",
        "public.sites.sites_main_sensor_fkey",
    ),
    _altered("ALTER TABLE more.refs VALIDATE CONSTRAINT later", "check", "more.refs.later"),
    _altered(
        "ALTER TABLE alarms DISABLE TRIGGER ALL",
        "foreign-key",
        "public.alarms.alarms_sensor_id_fkey",
    ),
    _altered(
        "DROP INDEX more.things_kind; CREATE INDEX things_kind ON more.things (lower(kind)) "
        "WHERE kind IN ('a', 'c')",
        "index",
        "more.things_kind",
    ),
    _altered("ALTER TABLE more.things SET WITHOUT CLUSTER", "index", "more.things_note"),
    _altered(
        "UPDATE pg_catalog.pg_index SET indisvalid = false "
        "WHERE indexrelid = 'public.sensors_serial_number_idx'::regclass",
        "index",
        "public.sensors_serial_number_idx",
    ),
    _altered("ALTER TABLE more.things DISABLE TRIGGER watch", "trigger", "more.things.watch"),
    _altered("ALTER EVENT TRIGGER watch_ddl DISABLE", "event-trigger", "watch_ddl"),
    _altered("ALTER TABLE more.refs DISABLE RULE no_update", "rule", "more.refs.no_update"),
    _altered(
        "CREATE OR REPLACE VIEW hot_days AS SELECT site_id, count(*) AS days "
        "FROM site_temperatures WHERE temperature > 18 GROUP BY site_id",
        "view",
        "public.hot_days",
    ),
    _altered(
        "ALTER VIEW site_temperatures SET (security_barrier = true)",
        "view",
        "public.site_temperatures",
    ),
    _altered(
        "REFRESH MATERIALIZED VIEW more.summed WITH NO DATA", "materialized-view", "more.summed"
    ),
    _altered(
        "ALTER FUNCTION to_fahrenheit VOLATILE",
        "function",
        "public.to_fahrenheit(celsius double precision)",
    ),
    _altered(
        "CREATE OR REPLACE PROCEDURE count_events(job_id int, config jsonb) "
        "LANGUAGE plpgsql AS 'BEGIN END'",
        "procedure",
        "public.count_events(IN job_id integer, IN config jsonb)",
    ),
    _altered(
        "CREATE OR REPLACE AGGREGATE more.total(int) (SFUNC = more.add, STYPE = int, "
        "INITCOND = '1')",
        "aggregate",
        "more.total(integer)",
    ),
    _altered(
        "ALTER TYPE sensor_kind RENAME VALUE 'humidity' TO 'damp'", "enum", "public.sensor_kind"
    ),
    _altered(
        "ALTER DOMAIN percentage DROP CONSTRAINT percentage_check", "domain", "public.percentage"
    ),
    _altered("ALTER TYPE more.pair ADD ATTRIBUTE c int", "composite-type", "more.pair"),
    _altered(
        "ALTER TEXT SEARCH CONFIGURATION more.texts DROP MAPPING FOR asciiword",
        "text-search-configuration",
        "more.texts",
    ),
    _altered(
        "ALTER TEXT SEARCH DICTIONARY more.words (ACCEPT = true)",
        "text-search-dictionary",
        "more.words",
    ),
    _altered("ALTER SERVER nowhere OPTIONS (SET password 'other')", "foreign-server", "nowhere"),
    _altered(
        "ALTER FOREIGN DATA WRAPPER nothing OPTIONS (SET pass 'other')",
        "foreign-data-wrapper",
        "nothing",
    ),
    _altered(
        "ALTER USER MAPPING FOR PUBLIC SERVER nowhere OPTIONS (SET password 'x')",
        "user-mapping",
        "PUBLIC on nowhere",
    ),
    _altered("ALTER FOREIGN TABLE more.far OPTIONS (SET t 'y')", "table", "more.far"),
    _altered("ALTER SEQUENCE more.counter INCREMENT 1 NO CYCLE", "sequence", "more.counter"),
    _altered(
        "ALTER SEQUENCE sensors_sensor_id_seq OWNED BY NONE",
        "sequence",
        "public.sensors_sensor_id_seq",
    ),
    _altered("ALTER STATISTICS more.stats SET STATISTICS 7", "statistics-object", "more.stats"),
    _altered("ALTER PUBLICATION news DROP TABLE more.refs", "publication", "news"),
    _altered("COMMENT ON VIEW hot_days IS 'other'", "comment", "view public.hot_days"),
    _altered(
        "ALTER POLICY everybody_reads ON operators USING (false)",
        "policy",
        "public.operators.everybody_reads",
    ),
    _altered(
        "REVOKE GRANT OPTION FOR SELECT ON more.things FROM reporting CASCADE",
        "grant",
        "table more.things to reporting",
    ),
    _altered(
        "REVOKE DELETE ON more.refs FROM CURRENT_USER",
        "grant",
        "table more.refs to owner tsdbadmin",
    ),
    _altered(
        "REVOKE EXECUTE ON FUNCTION pg_read_file(text) FROM reporting",
        "grant",
        "function pg_read_file(text) to reporting",
    ),
    _altered(
        "GRANT EXECUTE ON FUNCTION pg_sleep(float8) TO PUBLIC",
        "grant",
        "function pg_sleep(double precision) to PUBLIC",
    ),
    _altered(
        "REVOKE SELECT (subname) ON pg_subscription FROM PUBLIC; "
        "GRANT SELECT (subname) ON pg_subscription TO PUBLIC",
        "grant",
        "column pg_subscription.subname to PUBLIC",
    ),
    _altered(
        "REVOKE SELECT (rolname) ON pg_authid FROM reporting",
        "grant",
        "column pg_authid.rolname to reporting",
    ),
    _altered("GRANT USAGE ON TYPE xml TO PUBLIC", "grant", "type xml to PUBLIC"),
    _altered("GRANT USAGE ON TYPE more.pair TO PUBLIC", "grant", "type more.pair to PUBLIC"),
    _altered("GRANT USAGE ON LANGUAGE plpgsql TO PUBLIC", "grant", "language plpgsql to PUBLIC"),
    _altered("ALTER PUBLICATION news OWNER TO reporting", "owner", "publication news"),
    _altered("ALTER TYPE more.mood OWNER TO reporting", "owner", "type more.mood"),
    _altered(
        "ALTER FUNCTION more.needy NO DEPENDS ON EXTENSION plpgsql", "function", "more.needy()"
    ),
    _altered(
        "SELECT set_chunk_time_interval('conditions', interval '8 days')",
        "dimension",
        'public.conditions."time"',
    ),
    _altered("SELECT set_number_partitions('events', 3)", "dimension", "public.events.device"),
    _altered(
        "UPDATE _timescaledb_catalog.dimension SET integer_now_func = NULL, "
        "integer_now_func_schema = NULL WHERE column_name = 'ts'",
        "dimension",
        "public.events.ts",
    ),
    _altered(
        "UPDATE _timescaledb_catalog.hypertable SET chunk_target_size = 5 "
        "WHERE table_name = 'fill_levels'",
        "hypertable",
        "public.fill_levels",
    ),
    _altered(
        "ALTER MATERIALIZED VIEW conditions_daily SET (timescaledb.materialized_only = false)",
        "continuous-aggregate",
        "public.conditions_daily",
        ("view", "public.conditions_daily", "differs"),
    ),
    _altered("SELECT alter_job(1000, schedule_interval => interval '21 minutes')", "job", "1000"),
    _altered(
        "SELECT alter_job(1003, config => jsonb_set((SELECT config FROM "
        "timescaledb_information.jobs WHERE job_id = 1003), '{compress_after}', '\"1 day\"'))",
        "job",
        "1003",
    ),
    _altered(
        "SELECT alter_job(1001, max_retries => 9, timezone => 'Europe/Stockholm')", "job", "1001"
    ),
    _altered(
        "SELECT alter_job(3, scheduled => false)",
        "built-in-job",
        "policy_job_stat_history_retention",
    ),
    Mutation(
        "SELECT decompress_chunk(c) FROM show_chunks('conditions') c ORDER BY 1 LIMIT 1",
        parts=(("chunk", "differs"), ("table", "missing"), ("compression-setting", "missing")),
    ),
    Mutation(
        "DO $$ BEGIN EXECUTE format('ALTER TABLE %s ALTER note SET STATISTICS 7', "
        "(SELECT max(c::text) FROM show_chunks('fill_levels') c)); END $$",
        parts=(("table", "differs"),),
    ),
)

ADDED = (
    Mutation("CREATE SCHEMA added", (("schema", "added", "extra"),)),
    Mutation(
        "CREATE TABLE public.added (a int)",
        (("table", "public.added", "extra"), ("column", "public.added.a", "extra")),
    ),
    Mutation(
        "ALTER TABLE alarms ADD COLUMN added int", (("column", "public.alarms.added", "extra"),)
    ),
    Mutation(
        "CREATE INDEX added_idx ON alarms (raised)", (("index", "public.added_idx", "extra"),)
    ),
    Mutation(
        "ALTER TABLE alarms ADD CONSTRAINT added CHECK (raised > '1970-01-01')",
        (("check", "public.alarms.added", "extra"),),
    ),
    Mutation(
        "CREATE TRIGGER added BEFORE INSERT ON sites FOR EACH ROW EXECUTE FUNCTION more.nothing()",
        (("trigger", "public.sites.added", "extra"),),
    ),
    Mutation(
        "GRANT DELETE ON alarms TO reporting",
        (("grant", "table public.alarms to reporting", "differs"),),
    ),
    Mutation(
        "GRANT SELECT (title) ON documents TO PUBLIC",
        (("grant", "column public.documents.title to PUBLIC", "differs"),),
    ),
    Mutation("SELECT add_job('count_events', interval '1 day')", (("job", "1010", "extra"),)),
)
