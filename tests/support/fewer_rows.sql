-- Readings of temperature and humidity, the later ones in smaller chunks
INSERT INTO conditions ("time", sensor_id, temperature, humidity)
SELECT t, s,
       10 + (extract(hour FROM t)::int * 7 + s * 3) % 150 / 10.0,
       30 + (extract(hour FROM t)::int * 11 + s * 5) % 600 / 10.0
  FROM generate_series(timestamptz '2026-01-01 00:00+00', '2026-01-21 23:45+00', '2 hours') AS t,
       generate_series(1, 60) AS s;

SELECT set_chunk_time_interval('conditions', interval '1 day');

INSERT INTO conditions ("time", sensor_id, temperature, humidity)
SELECT t, s,
       12 + (extract(hour FROM t)::int * 7 + s * 3) % 150 / 10.0,
       35 + (extract(hour FROM t)::int * 11 + s * 5) % 600 / 10.0
  FROM generate_series(timestamptz '2026-01-22 00:00+00', '2026-02-01 00:00+00', '2 hours') AS t,
       generate_series(1, 60) AS s;

-- Fill levels
INSERT INTO fill_levels ("time", sensor_id, level)
SELECT t, s, (extract(minute FROM t)::int * 13 + s * 29) % 1000 / 10.0
  FROM generate_series(timestamptz '2026-01-10 00:00+00', '2026-01-22 12:00+00', '50 minutes') AS t,
       generate_series(1, 20) AS s;

-- Events
INSERT INTO events
SELECT 1767225600 + g * 200, 'device ' || g % 7, jsonb_build_object('n', g, 'ok', g % 5 <> 0),
       ARRAY['batch ' || g % 10, 'line "' || g % 3 || '"'], ('10.0.' || g % 250 || '.1')::inet
  FROM generate_series(1, 4000) AS g;

-- Meter readings
INSERT INTO "Plant Ops"."Meter ""Readings"" °C"
SELECT t, z, (extract(day FROM t)::int * 17 + z * 31) % 10000 / 8.0
  FROM generate_series(timestamp '2025-11-01 00:00', '2026-01-24 23:00', '8 hours') AS t,
       generate_series(1, 10) AS z;

-- Door openings
INSERT INTO door_openings
SELECT timestamptz '2026-01-01 00:00+00' + g * interval '1 hour', g % 4, (g % 60) * interval '1 second'
  FROM generate_series(0, 999) AS g;
