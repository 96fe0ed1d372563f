-- The schema that both ends have; a blank line ends a statement.
CREATE TYPE mood AS ENUM ('low', 'it''s high')

CREATE TYPE place AS (x int, label text, mood mood)

CREATE DOMAIN percent AS int CHECK (VALUE BETWEEN 0 AND 100)

CREATE SCHEMA "Odd Schema"

CREATE TABLE plain (id int, note text, at timestamptz, n numeric(12, 3), f float8, b bytea, j jsonb)

CREATE TABLE kinds (id int, m mood, ms mood[], p place, ps place[], c regclass, t regtype[], d percent, i interval, r int4range, ch "char", nm name, bt bit(5), vb varbit, ip inet, u uuid, x jsonpath, arr int[][], bp char(4), mo money)

CREATE TABLE generated (id int GENERATED ALWAYS AS IDENTITY, w int, h int, area int GENERATED ALWAYS AS (w * h) STORED)

CREATE TABLE all_generated (a int GENERATED ALWAYS AS (7) STORED)

CREATE TABLE nothing ()

CREATE TABLE empty (id int)

CREATE TABLE base (id int, note text)

CREATE TABLE derived (extra int) INHERITS (base)

CREATE TABLE parts (id int, at date NOT NULL) PARTITION BY RANGE (at)

CREATE TABLE parts_old PARTITION OF parts FOR VALUES FROM ('2020-01-01') TO ('2024-01-01')

CREATE TABLE parts_new PARTITION OF parts FOR VALUES FROM ('2024-01-01') TO ('2030-01-01') PARTITION BY HASH (id)

CREATE TABLE parts_new_0 PARTITION OF parts_new FOR VALUES WITH (MODULUS 2, REMAINDER 0)

CREATE TABLE parts_new_1 PARTITION OF parts_new FOR VALUES WITH (MODULUS 2, REMAINDER 1)

CREATE UNLOGGED TABLE cache (k text, v bytea)

CREATE TABLE files (name text, content oid)

CREATE TABLE "Odd Schema"."select ""x"" %s :y ünï" ("sélect" int, "a ""b"" \c" text, "%(n)s" text)

CREATE TABLE metrics (t timestamptz NOT NULL, device int NOT NULL, v float8, note text)

SELECT create_hypertable('metrics', 't', chunk_time_interval => interval '12 hours', create_default_indexes => false)

CREATE TABLE spread ("Time" bigint NOT NULL, dev text NOT NULL, n int, twice int GENERATED ALWAYS AS (n * 2) STORED)

SELECT create_hypertable('spread', 'Time', chunk_time_interval => 2500, partitioning_column => 'dev', number_partitions => 2, create_default_indexes => false)

CREATE FUNCTION doc_time(doc jsonb) RETURNS timestamptz LANGUAGE sql IMMUTABLE AS $$ SELECT 'epoch'::timestamptz + (doc ->> 'at')::bigint * interval '1 second' $$

CREATE TABLE docs (doc jsonb NOT NULL)

SELECT create_hypertable('docs', 'doc', chunk_time_interval => interval '30 days', time_partitioning_func => 'doc_time', create_default_indexes => false)

CREATE TABLE days (d date NOT NULL, v int)

SELECT create_hypertable('days', 'd', chunk_time_interval => interval '10 days', create_default_indexes => false)

CREATE TABLE no_rows (t timestamptz NOT NULL)

SELECT create_hypertable('no_rows', 't', create_default_indexes => false)

ALTER TABLE metrics SET (timescaledb.compress, timescaledb.compress_segmentby = 'device', timescaledb.compress_orderby = 't')
