-- Continuous aggregates
CREATE MATERIALIZED VIEW conditions_hourly
WITH (timescaledb.continuous, timescaledb.materialized_only = false) AS
SELECT time_bucket('1 hour', "time") AS bucket, sensor_id,
       avg(temperature) AS temperature, max(humidity) AS most_humid, count(*) AS readings
  FROM conditions GROUP BY 1, 2 WITH NO DATA;

CALL refresh_continuous_aggregate('conditions_hourly', NULL, '2026-01-31 00:00+00');

-- A continuous aggregate on a continuous aggregate
CREATE MATERIALIZED VIEW conditions_daily
WITH (timescaledb.continuous, timescaledb.materialized_only = true) AS
SELECT time_bucket('1 day', bucket) AS day, sensor_id,
       avg(temperature) AS temperature, sum(readings) AS readings
  FROM conditions_hourly GROUP BY 1, 2 WITH NO DATA;

CALL refresh_continuous_aggregate('conditions_daily', NULL, NULL);

CREATE MATERIALIZED VIEW "Plant Ops"."Monthly ""sums"""
WITH (timescaledb.continuous, timescaledb.materialized_only = true) AS
SELECT time_bucket('1 month', "Zeit") AS "Monat", "Zähler Nr.", sum("Wert €") AS "Summe €"
  FROM "Plant Ops"."Meter ""Readings"" °C" GROUP BY 1, 2 WITH NO DATA;

CALL refresh_continuous_aggregate('"Plant Ops"."Monthly ""sums"""', NULL, NULL);

CREATE MATERIALIZED VIEW events_hourly
WITH (timescaledb.continuous) AS
SELECT time_bucket(3600, ts) AS bucket, device, count(*) AS events
  FROM events GROUP BY 1, 2 WITH NO DATA;

CALL refresh_continuous_aggregate('events_hourly', NULL, NULL);

-- A continuous aggregate whose days outlive the raw rows
CREATE MATERIALIZED VIEW door_openings_daily
WITH (timescaledb.continuous, timescaledb.materialized_only = true) AS
SELECT time_bucket('1 day', opened) AS day, door, count(*) AS openings, sum(seconds) AS open_for
  FROM door_openings GROUP BY 1, 2 WITH NO DATA;

CALL refresh_continuous_aggregate('door_openings_daily', NULL, NULL);

SELECT drop_chunks('door_openings', older_than => timestamptz '2026-01-20 00:00+00');

COMMENT ON VIEW door_openings_daily IS 'Kept for the insurance; the single openings are not';

CREATE INDEX conditions_daily_readings_idx ON conditions_daily (readings);
