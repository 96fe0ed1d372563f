-- What a grown installation has of continuous aggregates and jobs: years of history over one year of
-- raw rows, hierarchies, every type of time, views and grants on them, jobs of every kind. Jobs that
-- are switched on start in 2090, so that no server changes rows by itself.
SET client_min_messages = error;
SET search_path = public;
DO $$ BEGIN CREATE ROLE estate_reader NOLOGIN; EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$;
DO $$ BEGIN CREATE ROLE estate_writer NOLOGIN; EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$;
CREATE SCHEMA estate;
CREATE SCHEMA "Odd ""Schema""";
GRANT USAGE ON SCHEMA estate, "Odd ""Schema""" TO estate_reader, estate_writer;

-- Raw rows of one year, continuous aggregates of more than three.
CREATE TABLE estate.devices (id int PRIMARY KEY, site text NOT NULL, kind char(3));
INSERT INTO estate.devices SELECT d, 'site ' || d % 3, 'k' || d FROM generate_series(1, 4) d;
CREATE TABLE estate.readings (ts timestamptz NOT NULL, device int NOT NULL REFERENCES estate.devices, temp float8, volts numeric(12,5), state text, payload jsonb, CHECK (device > 0));
SELECT create_hypertable('estate.readings', 'ts', chunk_time_interval => INTERVAL '14 days');
CREATE INDEX readings_device ON estate.readings (device, ts DESC);
CREATE UNIQUE INDEX readings_unique ON estate.readings (ts, device);
INSERT INTO estate.readings SELECT t, d, sin(extract(epoch FROM t) / 7000 + d) * 20 + d / 3.0, (extract(epoch FROM t)::bigint % 1009) / 7.0, (ARRAY['on','off',NULL])[1 + (extract(hour FROM t)::int / 2 + d) % 3], CASE WHEN extract(hour FROM t) = 4 THEN '{"a": [1, 2]}'::jsonb END FROM generate_series('2021-01-01 00:00+00'::timestamptz, '2024-07-01 05:00+00', INTERVAL '2 hours') t, generate_series(1, 4) d;
CREATE FUNCTION estate.plus_state(numeric, numeric) RETURNS numeric LANGUAGE sql IMMUTABLE AS 'SELECT coalesce($1, 0) + coalesce($2, 0)';
CREATE AGGREGATE estate.plus (numeric) (SFUNC = estate.plus_state, STYPE = numeric, COMBINEFUNC = estate.plus_state, PARALLEL = SAFE);

CREATE MATERIALIZED VIEW estate.hourly WITH (timescaledb.continuous, timescaledb.materialized_only = false) AS SELECT time_bucket(INTERVAL '1 hour', ts) AS bucket, device, avg(temp) AS avg_temp, var_pop(temp) AS "Std Dev", max(volts) AS max_volts, first(state, ts) AS first_state, count(*) FILTER (WHERE state = 'on') AS times_on, count(*) AS n FROM estate.readings WHERE temp IS NOT NULL GROUP BY 1, 2 HAVING count(*) > 0 WITH NO DATA;
CREATE MATERIALIZED VIEW estate.daily WITH (timescaledb.continuous, timescaledb.materialized_only = false) AS SELECT time_bucket(INTERVAL '1 day', bucket) AS day, device, avg(avg_temp) AS avg_temp, sum(n) AS n, max("Std Dev") AS worst FROM estate.hourly GROUP BY 1, 2 WITH NO DATA;
CREATE MATERIALIZED VIEW estate.weekly WITH (timescaledb.continuous, timescaledb.materialized_only = true, timescaledb.create_group_indexes = false) AS SELECT time_bucket(INTERVAL '7 days', day) AS week, sum(n) AS n FROM estate.daily GROUP BY 1 WITH NO DATA;
CREATE MATERIALIZED VIEW "Odd ""Schema"""."Monthly, Berlin" WITH (timescaledb.continuous, timescaledb.materialized_only = false) AS SELECT time_bucket(INTERVAL '1 month', ts, 'Europe/Berlin') AS "The ""Month""", device AS "Gerät", count(*) AS n, estate.plus(volts) AS volts FROM estate.readings GROUP BY 1, 2 WITH NO DATA;
CREATE MATERIALIZED VIEW estate.by_site WITH (timescaledb.continuous, timescaledb.materialized_only = true) AS SELECT time_bucket(INTERVAL '1 day', r.ts) AS day, d.site, count(*) AS n, round(avg(r.temp)::numeric, 6) AS temp FROM estate.readings r JOIN estate.devices d ON d.id = r.device GROUP BY 1, 2 WITH NO DATA;
CREATE MATERIALIZED VIEW estate.never WITH (timescaledb.continuous, timescaledb.materialized_only = false) AS SELECT time_bucket(INTERVAL '1 week', ts) AS w, max(volts) AS m FROM estate.readings GROUP BY 1 WITH NO DATA;
CREATE MATERIALIZED VIEW estate.partly WITH (timescaledb.continuous, timescaledb.materialized_only = false) AS SELECT time_bucket(INTERVAL '6 hours', ts) AS w, device, min(volts) AS m FROM estate.readings GROUP BY 1, 2 WITH NO DATA;

-- Integers, dates, times without a zone, and one whose raw rows are all gone.
CREATE TABLE estate.ticks (tick bigint NOT NULL, device int, v float8);
SELECT create_hypertable('estate.ticks', 'tick', chunk_time_interval => 2000);
CREATE FUNCTION estate.tick_now() RETURNS bigint LANGUAGE sql STABLE AS 'SELECT coalesce(max(tick), 0) FROM estate.ticks';
SELECT set_integer_now_func('estate.ticks', 'estate.tick_now');
INSERT INTO estate.ticks SELECT g, g % 3, g * 1.1 FROM generate_series(1, 20000) g;
CREATE MATERIALIZED VIEW estate.ticks_100 WITH (timescaledb.continuous, timescaledb.materialized_only = false) AS SELECT time_bucket(100::bigint, tick) AS b, device, sum(v) AS s FROM estate.ticks GROUP BY 1, 2 WITH NO DATA;
CREATE MATERIALIZED VIEW estate.ticks_1000 WITH (timescaledb.continuous, timescaledb.materialized_only = true) AS SELECT time_bucket(1000::bigint, b) AS b, sum(s) AS s FROM estate.ticks_100 GROUP BY 1 WITH NO DATA;
CREATE TABLE estate.small_ticks (tick int NOT NULL, v int);
SELECT create_hypertable('estate.small_ticks', 'tick', chunk_time_interval => 100);
CREATE FUNCTION estate.small_now() RETURNS int LANGUAGE sql STABLE AS 'SELECT 900';
SELECT set_integer_now_func('estate.small_ticks', 'estate.small_now');
INSERT INTO estate.small_ticks SELECT g, g FROM generate_series(-500, 900) g;
CREATE MATERIALIZED VIEW estate.tens WITH (timescaledb.continuous, timescaledb.materialized_only = false) AS SELECT time_bucket(10, tick) AS ten, sum(v) AS v FROM estate.small_ticks GROUP BY 1 WITH NO DATA;
CREATE TABLE estate.sales (day date NOT NULL, shop text, amount numeric);
SELECT create_hypertable('estate.sales', 'day', chunk_time_interval => INTERVAL '1 month');
INSERT INTO estate.sales SELECT d, 'shop ' || s, s * 1.25 FROM generate_series('2022-01-01'::date, '2024-06-30', INTERVAL '1 day') d, generate_series(1, 3) s;
CREATE MATERIALIZED VIEW estate.sales_weekly WITH (timescaledb.continuous, timescaledb.materialized_only = false) AS SELECT time_bucket(INTERVAL '7 days', day) AS week, shop, sum(amount) AS amount FROM estate.sales GROUP BY 1, 2 WITH NO DATA;
CREATE TABLE estate.gone (ts timestamp NOT NULL, v int);
SELECT create_hypertable('estate.gone', 'ts', chunk_time_interval => INTERVAL '1 month');
INSERT INTO estate.gone SELECT t, 1 FROM generate_series('2020-01-01'::timestamp, '2020-12-31', INTERVAL '1 hour') t;
CREATE MATERIALIZED VIEW estate.gone_daily WITH (timescaledb.continuous, timescaledb.materialized_only = false) AS SELECT time_bucket(INTERVAL '1 day', ts) AS day, sum(v) AS s FROM estate.gone GROUP BY 1 WITH NO DATA;

-- Own indexes, comments, grants (on columns before compression), names that were changed.
CREATE INDEX hourly_own ON estate.hourly (device, max_volts DESC NULLS LAST) WHERE n > 0;
CREATE INDEX ON estate.hourly (avg_temp);
CREATE INDEX "Odd Index" ON "Odd ""Schema"""."Monthly, Berlin" ("Gerät", n);
DROP INDEX _timescaledb_internal._materialized_hypertable_3_day_idx;
ALTER MATERIALIZED VIEW estate.daily RENAME COLUMN worst TO "worst, ever";
COMMENT ON VIEW estate.hourly IS 'by the hour; it''s compressed';
COMMENT ON COLUMN estate.hourly.avg_temp IS 'mean';
COMMENT ON COLUMN "Odd ""Schema"""."Monthly, Berlin"."Gerät" IS 'Ger"ät';
GRANT SELECT ON estate.hourly TO estate_reader;
GRANT SELECT, INSERT ON estate.daily TO estate_writer WITH GRANT OPTION;
GRANT SELECT (week, n) ON estate.weekly TO estate_reader;
GRANT SELECT (bucket, n) ON estate.hourly TO estate_writer;
GRANT SELECT ON "Odd ""Schema"""."Monthly, Berlin" TO PUBLIC;

CALL refresh_continuous_aggregate('estate.hourly', NULL, '2024-06-30 00:00+00');
CALL refresh_continuous_aggregate('estate.daily', NULL, '2024-06-30 00:00+00');
CALL refresh_continuous_aggregate('estate.weekly', NULL, NULL);
CALL refresh_continuous_aggregate('"Odd ""Schema"""."Monthly, Berlin"', NULL, NULL);
CALL refresh_continuous_aggregate('estate.by_site', NULL, '2024-06-01 00:00+00');
CALL refresh_continuous_aggregate('estate.partly', '2022-02-01 00:00+00', '2022-05-01 00:00+00');
CALL refresh_continuous_aggregate('estate.partly', '2023-10-01 00:00+00', '2023-11-01 00:00+00');
CALL refresh_continuous_aggregate('estate.partly', '2024-02-01 00:00+00', '2024-03-01 00:00+00');
CALL refresh_continuous_aggregate('estate.ticks_100', NULL, NULL);
CALL refresh_continuous_aggregate('estate.ticks_1000', NULL, NULL);
CALL refresh_continuous_aggregate('estate.tens', -600, 800);
CALL refresh_continuous_aggregate('estate.sales_weekly', NULL, NULL);
CALL refresh_continuous_aggregate('estate.gone_daily', NULL, NULL);
ALTER MATERIALIZED VIEW estate.hourly SET (timescaledb.compress = true, timescaledb.compress_segmentby = 'device', timescaledb.compress_orderby = 'bucket DESC, n');
ALTER MATERIALIZED VIEW "Odd ""Schema"""."Monthly, Berlin" SET (timescaledb.compress = true);
ALTER MATERIALIZED VIEW estate.ticks_100 SET (timescaledb.compress = true, timescaledb.compress_segmentby = 'device');
SELECT count(compress_chunk(c)) FROM show_chunks('estate.hourly', older_than => '2024-01-01'::timestamptz) c;
SELECT count(compress_chunk(c)) FROM show_chunks('"Odd ""Schema"""."Monthly, Berlin"', older_than => '2023-01-01'::timestamptz) c;
SELECT count(compress_chunk(c)) FROM show_chunks('estate.ticks_100') c;
ALTER TABLE estate.readings SET (timescaledb.compress, timescaledb.compress_segmentby = 'device', timescaledb.compress_orderby = 'ts DESC');
SELECT count(compress_chunk(c)) FROM show_chunks('estate.readings', older_than => '2024-03-01'::timestamptz) c;
SELECT count(*) FROM drop_chunks('estate.readings', older_than => '2023-07-02 12:00+00'::timestamptz);
SELECT count(*) FROM drop_chunks('estate.ticks', older_than => 9000::bigint);
SELECT count(*) FROM drop_chunks('estate.small_ticks', older_than => 0);
SELECT count(*) FROM drop_chunks('estate.sales', older_than => '2023-06-15'::date);
SELECT count(*) FROM drop_chunks('estate.gone', older_than => '2030-01-01'::timestamp);

-- Changes that no refresh has taken up yet, below and above the watermarks.
INSERT INTO estate.readings VALUES ('2024-05-05 05:05+00', 2, 99, 1, 'late', NULL);
DELETE FROM estate.readings WHERE ts = '2024-04-04 04:00+00' AND device = 3;
INSERT INTO estate.readings SELECT t, 1, 1, 2, 'tail', NULL FROM generate_series('2024-07-01 07:00+00'::timestamptz, '2024-07-02 07:00+00', INTERVAL '1 hour') t;
INSERT INTO estate.ticks SELECT g, 1, 1 FROM generate_series(20001, 20150) g;
INSERT INTO estate.small_ticks VALUES (333, 1);
INSERT INTO estate.sales VALUES ('2024-07-03', 'shop 1', 7);

-- What reads them.
CREATE VIEW estate.hot WITH (security_barrier) AS SELECT bucket, device, avg_temp FROM estate.hourly WHERE avg_temp > 10;
CREATE VIEW estate.hot_days AS SELECT date_trunc('day', bucket) AS day, count(*) AS hours FROM estate.hot GROUP BY 1;
CREATE VIEW "Odd ""Schema"""."by Month" AS SELECT "The ""Month""", sum(n) AS n FROM "Odd ""Schema"""."Monthly, Berlin" GROUP BY 1;
CREATE MATERIALIZED VIEW estate.device_days AS SELECT device, count(*) AS days, sum(n) AS n FROM estate.daily WHERE day < '2024-06-01' GROUP BY 1;
CREATE UNIQUE INDEX device_days_device ON estate.device_days (device);
CREATE MATERIALIZED VIEW estate.of_matview AS SELECT max(days) AS most FROM estate.device_days;
CREATE MATERIALIZED VIEW estate.empty_one AS SELECT week, n FROM estate.weekly WITH NO DATA;
CREATE FUNCTION estate.hottest(int) RETURNS float8 LANGUAGE sql STABLE AS 'SELECT max(avg_temp) FROM estate.hourly WHERE device = $1';
CREATE FUNCTION estate.daily_rows() RETURNS bigint LANGUAGE sql STABLE BEGIN ATOMIC SELECT count(*) FROM estate.daily; END;
CREATE VIEW estate.calls AS SELECT id, estate.hottest(id) AS hottest FROM estate.devices;
COMMENT ON VIEW estate.hot IS 'hot hours';
COMMENT ON COLUMN estate.hot.avg_temp IS 'above ten';
COMMENT ON MATERIALIZED VIEW estate.device_days IS 'per device';
COMMENT ON INDEX estate.device_days_device IS 'one row each';
GRANT SELECT (bucket) ON estate.hot TO estate_reader;
GRANT SELECT ON estate.hot_days, estate.device_days TO estate_reader;
GRANT EXECUTE ON FUNCTION estate.hottest(int) TO estate_writer;
REVOKE EXECUTE ON FUNCTION estate.hottest(int) FROM PUBLIC;

-- Jobs: refresh, compression, retention, reorder, and some of the user's own.
CREATE PROCEDURE estate.nothing(job_id int, config jsonb) LANGUAGE sql AS 'SELECT 1';
CREATE PROCEDURE "Odd ""Schema"""."do It"(job_id int, config jsonb) LANGUAGE plpgsql AS $$ BEGIN PERFORM 1; END $$;
CREATE FUNCTION estate.config_ok(config jsonb) RETURNS void LANGUAGE sql AS 'SELECT 1';
SELECT add_continuous_aggregate_policy('estate.hourly', start_offset => INTERVAL '3 days 04:00', end_offset => INTERVAL '1 hour', schedule_interval => INTERVAL '30 minutes', initial_start => '2090-03-31 00:30+00', timezone => 'Europe/Berlin');
SELECT add_continuous_aggregate_policy('estate.daily', start_offset => INTERVAL '1 month', end_offset => NULL, schedule_interval => INTERVAL '1 day 03:07', initial_start => '2090-01-01 02:00+00', timezone => 'Asia/Kathmandu');
SELECT alter_job(add_continuous_aggregate_policy('estate.weekly', start_offset => NULL, end_offset => INTERVAL '14 days', schedule_interval => INTERVAL '7 days'), scheduled => false);
SELECT add_continuous_aggregate_policy('"Odd ""Schema"""."Monthly, Berlin"', start_offset => INTERVAL '4 months', end_offset => INTERVAL '1 day', schedule_interval => INTERVAL '1 month', initial_start => '2090-01-31 00:00+00', timezone => 'America/New_York');
SELECT add_continuous_aggregate_policy('estate.ticks_100', start_offset => 5000::bigint, end_offset => 100::bigint, schedule_interval => INTERVAL '12 hours', initial_start => '2090-01-01 00:00+00');
SELECT add_continuous_aggregate_policy('estate.tens', start_offset => NULL::int, end_offset => 10, schedule_interval => INTERVAL '90 minutes', initial_start => '2090-01-01 00:00+00');
SELECT alter_job(add_compression_policy('estate.readings', compress_after => INTERVAL '60 days 01:30'), scheduled => false, max_runtime => INTERVAL '2 hours', config => NULL);
SELECT alter_job(job_id, config => config || '{"maxchunks_to_compress": 3, "recompress": true}') FROM timescaledb_information.jobs WHERE proc_name = 'policy_compression';
SELECT add_compression_policy('estate.hourly', compress_after => INTERVAL '40 days', initial_start => '2090-05-05 05:05+00', timezone => 'UTC');
SELECT add_retention_policy('estate.readings', drop_after => INTERVAL '1 year', schedule_interval => INTERVAL '3 days', initial_start => '2090-02-02 02:00+00', timezone => 'Australia/Lord_Howe');
SELECT add_retention_policy('estate.hourly', drop_after => INTERVAL '10 years', initial_start => '2090-02-02 02:00+00');
SELECT add_retention_policy('estate.ticks', drop_after => 100000::bigint, initial_start => '2090-02-02 02:00+00');
SELECT alter_job(add_reorder_policy('estate.readings', 'readings_device'), scheduled => false, max_retries => 0);
SELECT add_reorder_policy('_timescaledb_internal._materialized_hypertable_3', (SELECT indexname FROM pg_indexes WHERE tablename = '_materialized_hypertable_3' ORDER BY indexname LIMIT 1), initial_start => '2090-02-02 02:00+00');
SELECT add_job('estate.nothing', INTERVAL '3 months', config => '{"to": ["a ''b''"], "mat_hypertable_id": 7, "hypertable_id": 3, "nested": {"x": null}}', initial_start => '2090-01-31 00:00+00', check_config => 'estate.config_ok', timezone => 'Asia/Kathmandu');
SELECT add_job('"Odd ""Schema"""."do It"', INTERVAL '5 minutes', scheduled => false, fixed_schedule => false);
SELECT alter_job(job_id, max_runtime => INTERVAL '10 minutes', max_retries => 7, retry_period => INTERVAL '00:01:30') FROM timescaledb_information.jobs WHERE proc_name = 'do It';
SELECT add_job('estate.nothing', INTERVAL '1 year', initial_start => '2090-01-01 00:00+00');
SELECT add_job('estate.nothing', INTERVAL '1 month 2 days 03:00', scheduled => false, fixed_schedule => false, initial_start => '2090-01-01 00:00+00');
