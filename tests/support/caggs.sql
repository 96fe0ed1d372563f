-- Continuous aggregates of every kind: real-time, hierarchical, by month in a time zone, by integers,
-- never refreshed, with history before the raw rows, and one whose raw rows are all gone.
SET client_min_messages=warning;
CREATE SCHEMA IF NOT EXISTS m;
CREATE TABLE m.raw (ts timestamptz NOT NULL, dev int NOT NULL, v float8, note text);
SELECT create_hypertable('m.raw','ts', chunk_time_interval => interval '7 days');
INSERT INTO m.raw SELECT t, d, (extract(epoch from t)::bigint % 977)/7.0 + d, 'n'||d FROM generate_series('2023-01-01 00:00+00'::timestamptz,'2024-06-01 00:00+00', '2 hours') t, generate_series(1,5) d;
CREATE MATERIALIZED VIEW m.hourly WITH (timescaledb.continuous, timescaledb.materialized_only=false) AS
 SELECT time_bucket('1 hour', ts) AS bucket, dev, avg(v) AS avg_v, max(v) AS max_v, count(*) AS n FROM m.raw GROUP BY 1,2 HAVING count(*) > 0 WITH NO DATA;
CREATE MATERIALIZED VIEW m.daily WITH (timescaledb.continuous, timescaledb.materialized_only=false) AS
 SELECT time_bucket('1 day', bucket) AS day, dev, avg(avg_v) AS avg_v, sum(n) AS n FROM m.hourly GROUP BY 1,2 WITH NO DATA;
CREATE MATERIALIZED VIEW m."Monthly Berlin" WITH (timescaledb.continuous, timescaledb.materialized_only=false) AS
 SELECT time_bucket('1 month', ts, 'Europe/Berlin') AS "The Month", count(*) AS n, sum(v) AS s FROM m.raw GROUP BY 1 WITH NO DATA;
CREATE INDEX hourly_own ON m.hourly (dev, max_v) WHERE n > 0;
CREATE INDEX ON m.hourly (max_v);
COMMENT ON VIEW m.hourly IS 'by the hour';
COMMENT ON COLUMN m.hourly.avg_v IS 'mean';
CREATE TABLE m.ticks (tick bigint NOT NULL, dev int, v float8);
SELECT create_hypertable('m.ticks','tick', chunk_time_interval => 1000);
CREATE FUNCTION m.tick_now() RETURNS bigint LANGUAGE sql STABLE AS 'SELECT coalesce(max(tick),0) FROM m.ticks';
SELECT set_integer_now_func('m.ticks','m.tick_now');
INSERT INTO m.ticks SELECT g, g%3, g*1.5 FROM generate_series(1,9000) g;
CREATE MATERIALIZED VIEW m.by_hundred WITH (timescaledb.continuous, timescaledb.materialized_only=true) AS
 SELECT time_bucket(100::bigint, tick) AS b, dev, sum(v) AS s FROM m.ticks GROUP BY 1,2 WITH NO DATA;
CREATE MATERIALIZED VIEW m.never WITH (timescaledb.continuous, timescaledb.materialized_only=false) AS
 SELECT time_bucket('1 week', ts) AS w, max(v) AS mx FROM m.raw GROUP BY 1 WITH NO DATA;
CREATE TABLE m.gone (ts timestamp NOT NULL, v int);
SELECT create_hypertable('m.gone','ts', chunk_time_interval => interval '1 month');
INSERT INTO m.gone SELECT t, 1 FROM generate_series('2022-01-01'::timestamp,'2022-12-31','1 hour') t;
CREATE MATERIALIZED VIEW m.gone_daily WITH (timescaledb.continuous, timescaledb.materialized_only=false) AS
 SELECT time_bucket('1 day', ts) AS d, sum(v) AS s FROM m.gone GROUP BY 1 WITH NO DATA;
CALL refresh_continuous_aggregate('m.hourly', NULL, NULL);
CALL refresh_continuous_aggregate('m.daily', NULL, NULL);
CALL refresh_continuous_aggregate('m."Monthly Berlin"', NULL, NULL);
CALL refresh_continuous_aggregate('m.by_hundred', NULL, NULL);
CALL refresh_continuous_aggregate('m.gone_daily', NULL, NULL);
ALTER MATERIALIZED VIEW m.hourly SET (timescaledb.compress=true, timescaledb.compress_segmentby='dev', timescaledb.compress_orderby='bucket DESC');
SELECT count(compress_chunk(c)) FROM show_chunks('m.hourly', older_than => '2024-01-01'::timestamptz) c;
SELECT count(*) FROM drop_chunks('m.raw', older_than => '2023-06-03 12:00+00'::timestamptz);
SELECT count(*) FROM drop_chunks('m.gone', older_than => '2030-01-01'::timestamp);
INSERT INTO m.raw VALUES ('2024-03-03 10:10+00', 3, 1000, 'late');
INSERT INTO m.raw SELECT t, 1, 5, 'tail' FROM generate_series('2024-06-01 02:00+00'::timestamptz,'2024-06-02 00:00+00', '2 hours') t;
ALTER TABLE m.raw SET (timescaledb.compress, timescaledb.compress_segmentby='dev');
SELECT count(compress_chunk(c)) FROM show_chunks('m.raw', older_than => '2024-01-01'::timestamptz) c;
CREATE VIEW m.on_daily AS SELECT day, sum(n) AS n FROM m.daily GROUP BY 1;
CREATE MATERIALIZED VIEW m.mat_on_hourly AS SELECT dev, count(*) AS c FROM m.hourly GROUP BY 1;
CREATE INDEX ON m.mat_on_hourly (dev);
