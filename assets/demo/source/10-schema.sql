-- Extension and roles
CREATE EXTENSION timescaledb;

CREATE ROLE reporting NOLOGIN;

-- Plain tables
CREATE TABLE sites (site_id int PRIMARY KEY, name text NOT NULL UNIQUE);

CREATE TABLE sensors (sensor_id serial PRIMARY KEY, site_id int NOT NULL REFERENCES sites, kind text NOT NULL);

INSERT INTO sites SELECT g, 'site-' || g FROM generate_series(1, 20) g;

INSERT INTO sensors (site_id, kind) SELECT 1 + g % 20, (ARRAY['temp','hum','fill'])[1 + g % 3] FROM generate_series(1, 100) g;

-- Readings
CREATE TABLE conditions ("time" timestamptz NOT NULL, sensor_id int NOT NULL REFERENCES sensors, temp float8, hum float8);

SELECT create_hypertable('conditions', 'time', chunk_time_interval => interval '7 days');

INSERT INTO conditions SELECT t, s, 20 + (s * 7 % 13), 50 + (s * 11 % 17) FROM generate_series('2026-01-01 00:00+00'::timestamptz, '2026-01-31 00:00+00', '15 minutes') t, generate_series(1, 100) s;

-- Aggregates
CREATE MATERIALIZED VIEW cond_hourly WITH (timescaledb.continuous, timescaledb.materialized_only = false) AS SELECT time_bucket('1 hour', "time") AS bucket, sensor_id, avg(temp) avg_temp, max(hum) max_hum, count(*) n FROM conditions GROUP BY 1, 2 WITH NO DATA;

CALL refresh_continuous_aggregate('cond_hourly', NULL, NULL);
