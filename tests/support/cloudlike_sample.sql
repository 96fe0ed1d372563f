CREATE TABLE sites (site_id int PRIMARY KEY, name text NOT NULL UNIQUE);
CREATE SEQUENCE ticket_seq START 1000;
CREATE TABLE sensors (sensor_id serial PRIMARY KEY, site_id int NOT NULL REFERENCES sites,
  kind text NOT NULL, tag int NOT NULL DEFAULT nextval('ticket_seq'));
INSERT INTO sites SELECT g, 'site-' || g FROM generate_series(1, 20) g;
INSERT INTO sensors (site_id, kind)
  SELECT 1 + g % 20, (ARRAY['temp', 'hum', 'fill'])[1 + g % 3] FROM generate_series(1, 200) g;
CREATE TABLE conditions ("time" timestamptz NOT NULL, sensor_id int NOT NULL REFERENCES sensors,
  temp float8, hum float8);
SELECT create_hypertable('conditions', 'time', chunk_time_interval => interval '7 days');
CREATE INDEX conditions_sensor_time ON conditions (sensor_id, "time" DESC);
CREATE TABLE fills ("time" timestamptz NOT NULL, sensor_id int NOT NULL, fill numeric(6,2),
  note text, CHECK (fill >= 0), UNIQUE (sensor_id, "time"));
SELECT create_hypertable('fills', 'time', chunk_time_interval => interval '1 day');
CREATE TABLE events (ts bigint NOT NULL, dev text NOT NULL, payload jsonb, PRIMARY KEY (ts, dev));
SELECT create_hypertable('events', 'ts', chunk_time_interval => 86400,
  partitioning_column => 'dev', number_partitions => 2);
CREATE FUNCTION unix_now() RETURNS bigint LANGUAGE sql STABLE
  AS $$ SELECT extract(epoch FROM now())::bigint $$;
SELECT set_integer_now_func('events', 'unix_now');
CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$;
CREATE TRIGGER fills_touch BEFORE INSERT ON fills FOR EACH ROW EXECUTE FUNCTION touch();
CREATE TABLE notes (at timestamptz NOT NULL, site_id int, FOREIGN KEY (site_id) REFERENCES sites);
INSERT INTO conditions SELECT t, s, 20 + random() * 10, 50 + random() * 20
  FROM generate_series('2024-01-01 00:00+00'::timestamptz, '2024-03-01 00:00+00', '1 hour') t,
  generate_series(1, 60) s;
INSERT INTO fills SELECT t, s, round((random() * 100)::numeric, 2), 'n' || s
  FROM generate_series('2024-02-01 00:00+00'::timestamptz, '2024-02-11 00:00+00', '20 minutes') t,
  generate_series(1, 40) s;
INSERT INTO events SELECT 1706745600 + g * 10, 'dev' || (g % 7), jsonb_build_object('n', g)
  FROM generate_series(1, 30000) g;
INSERT INTO notes SELECT now(), 1 + g % 20 FROM generate_series(1, 500) g;
SELECT lo_from_bytea(0, 'a large object');
CREATE MATERIALIZED VIEW cond_hourly WITH (timescaledb.continuous) AS
  SELECT time_bucket('1 hour', "time") AS bucket, sensor_id, avg(temp) avg_temp, count(*) n
  FROM conditions GROUP BY 1, 2 WITH NO DATA;
CALL refresh_continuous_aggregate('cond_hourly', NULL, NULL);
CREATE MATERIALIZED VIEW cond_daily
  WITH (timescaledb.continuous, timescaledb.materialized_only = true) AS
  SELECT time_bucket('1 day', bucket) AS day, sensor_id, avg(avg_temp) avg_temp, sum(n) n
  FROM cond_hourly GROUP BY 1, 2 WITH NO DATA;
CALL refresh_continuous_aggregate('cond_daily', NULL, NULL);
ALTER TABLE conditions SET (timescaledb.compress, timescaledb.compress_segmentby = 'sensor_id',
  timescaledb.compress_orderby = '"time" DESC');
SELECT count(compress_chunk(c)) FROM show_chunks('conditions') c;
CREATE VIEW v_latest AS SELECT s.sensor_id, si.name FROM sensors s JOIN sites si USING (site_id);
CREATE VIEW v_hours AS SELECT bucket, max(n) AS most FROM cond_hourly GROUP BY 1;
SELECT add_compression_policy('conditions', interval '30 days', initial_start => '2100-01-01');
SELECT add_retention_policy('fills', interval '36500 days', initial_start => '2100-01-01');
SELECT add_reorder_policy('fills', 'fills_sensor_id_time_key', initial_start => '2100-01-01');
SELECT add_continuous_aggregate_policy('cond_hourly', interval '3 days', interval '1 hour',
  interval '1 hour', initial_start => '2100-01-01');
CREATE PROCEDURE my_job(job_id int, config jsonb) LANGUAGE plpgsql
  AS $$ BEGIN RAISE NOTICE 'job %', config; END $$;
SELECT add_job('my_job', interval '1 hour', config => '{"k":1}', initial_start => '2100-01-01')
