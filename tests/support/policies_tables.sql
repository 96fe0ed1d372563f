CREATE SCHEMA "Odd Jobs";
CREATE TABLE "Odd Jobs"."read ings" (ts timestamptz NOT NULL, device text NOT NULL, v float8);
SELECT create_hypertable('"Odd Jobs"."read ings"', 'ts', chunk_time_interval => INTERVAL '1 day');
CREATE INDEX "by Device" ON "Odd Jobs"."read ings" (device, ts DESC);
ALTER TABLE "Odd Jobs"."read ings" SET (timescaledb.compress, timescaledb.compress_segmentby = 'device');
CREATE TABLE "Odd Jobs".ticks (tick int NOT NULL, v int);
SELECT create_hypertable('"Odd Jobs".ticks', 'tick', chunk_time_interval => 100);
CREATE FUNCTION "Odd Jobs".now_tick() RETURNS int LANGUAGE sql STABLE AS 'SELECT 5000';
SELECT set_integer_now_func('"Odd Jobs".ticks', '"Odd Jobs".now_tick');
CREATE MATERIALIZED VIEW "Odd Jobs".hourly WITH (timescaledb.continuous) AS SELECT time_bucket('1 hour', ts) AS bucket, device, avg(v) AS v FROM "Odd Jobs"."read ings" GROUP BY 1, 2 WITH NO DATA;
ALTER MATERIALIZED VIEW "Odd Jobs".hourly SET (timescaledb.compress);
CREATE MATERIALIZED VIEW "Odd Jobs".by_ten WITH (timescaledb.continuous) AS SELECT time_bucket(10, tick) AS ten, sum(v) AS v FROM "Odd Jobs".ticks GROUP BY 1 WITH NO DATA;
CREATE PROCEDURE "Odd Jobs"."do It"(job_id int, config jsonb) LANGUAGE sql AS 'SELECT 1';
CREATE FUNCTION "Odd Jobs"."is Fine"(config jsonb) RETURNS void LANGUAGE sql AS 'SELECT 1';
CREATE PROCEDURE "Odd Jobs"."do It"(x int) LANGUAGE sql AS 'SELECT 1';
CREATE FUNCTION "Odd Jobs"."is Fine"(x int) RETURNS void LANGUAGE sql AS 'SELECT 1'
