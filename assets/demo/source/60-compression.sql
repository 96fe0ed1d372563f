-- Compressed chunks
ALTER TABLE conditions SET (
  timescaledb.compress,
  timescaledb.compress_segmentby = 'sensor_id',
  timescaledb.compress_orderby = '"time" DESC NULLS LAST, temperature'
);

SELECT count(compress_chunk(chunk))
  FROM show_chunks('conditions', older_than => timestamptz '2026-01-25 00:00+00') AS chunk;

ALTER TABLE events SET (timescaledb.compress, timescaledb.compress_segmentby = 'device');

SELECT count(compress_chunk(chunk)) FROM show_chunks('events', older_than => 1767484800) AS chunk;

-- Late rows, which make a compressed chunk a partial one
-- (not in conditions: its generated column would stay NULL, timescale/timescaledb#9314)
INSERT INTO events
SELECT 1767225607 + g * 20, 'late ' || g % 3, '{"late": true}', NULL, NULL FROM generate_series(1, 48) AS g;

-- A compressed continuous aggregate
ALTER MATERIALIZED VIEW conditions_hourly SET (timescaledb.compress = true);

SELECT count(compress_chunk(chunk))
  FROM show_chunks('conditions_hourly', older_than => timestamptz '2026-01-12 00:00+00') AS chunk;
