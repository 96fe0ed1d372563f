-- Role and schemas
CREATE ROLE reporting NOLOGIN;

CREATE SCHEMA "Plant Ops";

COMMENT ON SCHEMA "Plant Ops" IS 'What the plant''s own staff measure by hand';

GRANT USAGE ON SCHEMA "Plant Ops" TO reporting;

ALTER DEFAULT PRIVILEGES IN SCHEMA "Plant Ops" GRANT SELECT ON TABLES TO reporting;

-- Types, sequences and functions
CREATE TYPE sensor_kind AS ENUM ('temperature', 'humidity', 'fill level');

CREATE DOMAIN percentage AS numeric(5, 2) CHECK (VALUE BETWEEN 0 AND 100);

CREATE SEQUENCE ticket_seq START 1000 INCREMENT 5;

CREATE FUNCTION unix_now() RETURNS bigint LANGUAGE sql STABLE AS $$
  SELECT extract(epoch FROM pg_catalog.now())::bigint
$$;

CREATE FUNCTION to_fahrenheit(celsius double precision) RETURNS double precision
LANGUAGE sql IMMUTABLE STRICT AS $$ SELECT celsius * 9 / 5 + 32 $$;

COMMENT ON FUNCTION to_fahrenheit(double precision) IS 'For the American customers';

CREATE FUNCTION round_level() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  NEW.level := round(NEW.level, 1);
  RETURN NEW;
END
$$;

CREATE PROCEDURE count_events(job_id int, config jsonb) LANGUAGE plpgsql AS $$
BEGIN
  RAISE NOTICE 'job % saw % events', job_id, (SELECT count(*) FROM public.events);
END
$$;
