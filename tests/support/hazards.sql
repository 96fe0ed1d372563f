-- What needs more than a dump and a restore: one database of each kind, read by tests.
CREATE SCHEMA depot;
CREATE TYPE depot.bay AS ENUM ('inbound', 'outbound', 'returns', 'cold', 'yard');
CREATE TABLE depot.scans (at timestamptz NOT NULL, bay depot.bay NOT NULL, weight int);
SELECT public.create_hypertable('depot.scans', 'at', chunk_time_interval => interval '5 days');
SELECT public.add_dimension('depot.scans', 'bay', number_partitions => 3);
INSERT INTO depot.scans
  SELECT timestamptz '2023-03-01 00:00+00' + n * interval '2 hours',
    (enum_range(NULL::depot.bay))[1 + n % 5], n FROM generate_series(0, 179) n;
ALTER TABLE depot.scans SET (timescaledb.compress, timescaledb.compress_segmentby = 'bay',
  timescaledb.compress_orderby = 'at');
SELECT count(public.compress_chunk(c)) FROM
  public.show_chunks('depot.scans', older_than => timestamptz '2023-03-10 00:00+00') c;

CREATE FUNCTION depot.digits(code text) RETURNS text LANGUAGE plpgsql IMMUTABLE AS
  $$ BEGIN RETURN regexp_replace(code, '\D', '', 'g'); END $$;
CREATE FUNCTION depot.number_of(code text) RETURNS int LANGUAGE plpgsql IMMUTABLE AS
  $$ BEGIN RETURN digits(code)::int; END $$;
CREATE DOMAIN depot.code AS text CHECK (depot.number_of(VALUE) > 0);
CREATE TABLE depot.parcels (
  at timestamptz NOT NULL, code text NOT NULL CHECK (depot.number_of(code) < 100000),
  number int GENERATED ALWAYS AS (depot.number_of(code)) STORED);
SELECT public.create_hypertable('depot.parcels', 'at', chunk_time_interval => interval '10 days');
CREATE TABLE depot.labels (id int PRIMARY KEY, code depot.code);
SET search_path = depot, public;
INSERT INTO depot.parcels (at, code)
  SELECT timestamptz '2023-03-01 00:00+00' + n * interval '3 hours', 'P-' || n
  FROM generate_series(1, 90) n;
INSERT INTO depot.labels SELECT n, 'L' || n FROM generate_series(1, 7) n;
CREATE INDEX parcels_by_number ON depot.parcels (depot.number_of(code));
CREATE UNIQUE INDEX labels_by_number ON depot.labels (depot.number_of(code::text));
CREATE MATERIALIZED VIEW depot.numbers AS SELECT depot.number_of(code) AS n FROM depot.labels;
RESET search_path;

CREATE TABLE depot.sites (name text PRIMARY KEY);
INSERT INTO depot.sites VALUES ('hamburg'), ('lyon');
CREATE FUNCTION depot.is_site(name text) RETURNS boolean LANGUAGE sql STABLE AS
  $$ SELECT EXISTS (SELECT FROM depot.sites s WHERE s.name = is_site.name) $$;
CREATE TABLE depot.gates (name text PRIMARY KEY, site text,
  CONSTRAINT known CHECK (depot.is_site(site)));
COMMENT ON CONSTRAINT known ON depot.gates IS 'no gate without a site';
INSERT INTO depot.gates VALUES ('g1', 'hamburg'), ('g2', 'lyon');
CREATE TABLE depot.offers (until timestamptz);
INSERT INTO depot.offers VALUES ('2020-01-01 00:00+00'), ('9999-01-01 00:00+00');
ALTER TABLE depot.offers ADD CONSTRAINT open CHECK (until > now()) NOT VALID;

CREATE TABLE depot.pallets (at timestamptz NOT NULL, dock int, load float8);
SELECT public.create_hypertable('depot.pallets', 'at', chunk_time_interval => interval '4 days');
INSERT INTO depot.pallets SELECT timestamptz '2023-03-01 00:00+00' + n * interval '1 hour', n % 3, n
  FROM generate_series(0, 199) n;
ALTER TABLE depot.pallets SET (timescaledb.compress, timescaledb.compress_segmentby = 'dock',
  timescaledb.compress_orderby = 'at');
SELECT count(public.compress_chunk(c)) FROM
  public.show_chunks('depot.pallets', older_than => timestamptz '2023-03-08 00:00+00') c;
CREATE MATERIALIZED VIEW depot.per_dock AS
  SELECT dock, count(*) AS n, sum(load) AS load FROM depot.pallets GROUP BY dock;
CREATE MATERIALIZED VIEW depot.heaviest AS SELECT max(load) AS load FROM depot.per_dock;

CREATE SCHEMA _timescaledb_backup;
CREATE TABLE _timescaledb_backup.kept AS SELECT n FROM generate_series(1, 5) n;
CREATE SCHEMA timescaledb_tools;
CREATE SEQUENCE timescaledb_tools.counter;
SELECT nextval('timescaledb_tools.counter');
