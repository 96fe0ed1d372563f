-- Compressed chunks
ALTER TABLE conditions SET (
  timescaledb.compress,
  timescaledb.compress_segmentby = 'sensor_id',
  timescaledb.compress_orderby = '"time" DESC NULLS LAST, temperature'
);

SELECT count(compress_chunk(chunk))
  FROM show_chunks('conditions', older_than => timestamptz '2026-01-25 00:00+00') AS chunk;

-- Late rows, which make a compressed chunk a partial one
INSERT INTO conditions ("time", sensor_id, temperature, humidity, remark)
SELECT timestamptz '2026-01-10 00:07+00' + g * interval '1 hour', 1 + g % 60, 20 + g % 5, 50, 'late'
  FROM generate_series(1, 48) AS g;

ALTER TABLE events SET (timescaledb.compress, timescaledb.compress_segmentby = 'device');

SELECT count(compress_chunk(chunk)) FROM show_chunks('events', older_than => 1767484800) AS chunk;

ALTER MATERIALIZED VIEW conditions_hourly SET (timescaledb.compress = true);

SELECT count(compress_chunk(chunk))
  FROM show_chunks('conditions_hourly', older_than => timestamptz '2026-01-12 00:00+00') AS chunk;
