-- Continuous aggregates of a role that cannot log in, on a table with row security; columns granted.
CREATE SCHEMA o; GRANT USAGE, CREATE ON SCHEMA o TO keeper;
CREATE TABLE o.raw (ts timestamptz NOT NULL, dev int, v float8, "Odd Name" text);
SELECT create_hypertable('o.raw','ts');
INSERT INTO o.raw SELECT t, 1, 2, 'x' FROM generate_series('2024-01-01'::timestamptz,'2024-03-01','1 hour') t;
GRANT SELECT, TRIGGER ON o.raw TO keeper; 
SET ROLE keeper;
CREATE MATERIALIZED VIEW o."By Day" WITH (timescaledb.continuous, timescaledb.materialized_only=true) AS SELECT time_bucket('1 day', ts) AS "The Day", dev, sum(v) AS "Sum" FROM o.raw GROUP BY 1,2 WITH NO DATA;
CALL refresh_continuous_aggregate('o."By Day"', NULL, NULL);
GRANT SELECT ON o."By Day" TO viewer;
CREATE MATERIALIZED VIEW o.col WITH (timescaledb.continuous, timescaledb.materialized_only=true) AS SELECT time_bucket('1 day', ts) AS d, dev, sum(v) AS s FROM o.raw GROUP BY 1,2 WITH NO DATA;
CALL refresh_continuous_aggregate('o.col', NULL, NULL);
GRANT SELECT (d, s) ON o.col TO viewer;
ALTER MATERIALIZED VIEW o.col SET (timescaledb.compress, timescaledb.compress_segmentby='dev', timescaledb.compress_orderby='d DESC');
SELECT count(compress_chunk(c)) FROM show_chunks('o.col') c;
RESET ROLE;
ALTER TABLE o.raw ENABLE ROW LEVEL SECURITY;
CREATE POLICY p ON o.raw USING (true);
