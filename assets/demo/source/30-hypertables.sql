-- Hypertables
CREATE TABLE conditions (
  "time" timestamptz NOT NULL,
  sensor_id int NOT NULL,
  temperature double precision,
  humidity percentage,
  feels_like double precision GENERATED ALWAYS AS (temperature + humidity::double precision / 50) STORED,
  remark text
);

SELECT create_hypertable('conditions', 'time', chunk_time_interval => interval '7 days');

CREATE TABLE fill_levels (
  "time" timestamptz NOT NULL,
  sensor_id int NOT NULL,
  level numeric(6, 2) CHECK (level >= 0),
  note text DEFAULT 'automatic'
);

SELECT create_hypertable('fill_levels', 'time', chunk_time_interval => interval '2 days');

-- A hypertable with an integer time and a space dimension
CREATE TABLE events (
  ts bigint NOT NULL,
  device text NOT NULL,
  payload jsonb,
  tags text[],
  origin inet,
  PRIMARY KEY (ts, device)
);

SELECT create_hypertable('events', 'ts', chunk_time_interval => 86400, partitioning_column => 'device', number_partitions => 2);

SELECT set_integer_now_func('events', 'unix_now');

-- A hypertable with names that need quotes
CREATE TABLE "Plant Ops"."Meter ""Readings"" °C" (
  "Zeit" timestamp NOT NULL,
  "Zähler Nr." int NOT NULL,
  "Wert €" numeric(10, 3),
  PRIMARY KEY ("Zeit", "Zähler Nr.")
);

SELECT create_hypertable('"Plant Ops"."Meter ""Readings"" °C"', 'Zeit', chunk_time_interval => interval '1 month');

COMMENT ON TABLE "Plant Ops"."Meter ""Readings"" °C" IS 'Read off by hand; the "°C" is there for historical reasons';

-- Hypertables that lose their old rows, and one that never had any
CREATE TABLE door_openings (opened timestamptz NOT NULL, door smallint NOT NULL, seconds interval);

SELECT create_hypertable('door_openings', 'opened', chunk_time_interval => interval '10 days');

CREATE TABLE daily_costs (day date NOT NULL, site_id int NOT NULL, amount numeric);

SELECT create_hypertable('daily_costs', 'day', chunk_time_interval => interval '90 days');
