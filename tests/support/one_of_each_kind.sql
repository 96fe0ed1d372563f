-- What the demo's sample lacks: one of every other kind that the check compares.
CREATE SCHEMA more;
CREATE SCHEMA spare;
CREATE TYPE more.mood AS ENUM ('low', 'high');
CREATE TYPE more.pair AS (a int, b text);
CREATE DOMAIN more.code AS varchar(8) DEFAULT 'x' NOT NULL CONSTRAINT code_len CHECK (length(VALUE) < 9);
CREATE FUNCTION more.span_diff(float8, float8) RETURNS float8 LANGUAGE sql IMMUTABLE AS 'SELECT $1 - $2';
CREATE TYPE more.span AS RANGE (subtype = float8, subtype_diff = more.span_diff);
CREATE COLLATION more.plain FROM "C";
CREATE FUNCTION more.add(int, int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT $1 + $2 * 3';
CREATE AGGREGATE more.total(int) (SFUNC = more.add, STYPE = int, INITCOND = '0');
CREATE OPERATOR more.## (LEFTARG = int, RIGHTARG = int, FUNCTION = more.add);
CREATE FUNCTION more.cmp(more.mood, more.mood) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT 0';
CREATE OPERATOR FAMILY more.moods USING btree;
CREATE OPERATOR CLASS more.mood_ops FOR TYPE more.mood USING btree FAMILY more.moods AS FUNCTION 1 more.cmp(more.mood, more.mood);
CREATE FUNCTION more.to_pair(int) RETURNS more.pair LANGUAGE sql IMMUTABLE AS 'SELECT ROW($1, ''x'')::more.pair';
CREATE CAST (int AS more.pair) WITH FUNCTION more.to_pair(int);
CREATE ACCESS METHOD heap_again TYPE TABLE HANDLER heap_tableam_handler;
CREATE TEXT SEARCH DICTIONARY more.words (TEMPLATE = simple, ACCEPT = false);
CREATE TEXT SEARCH CONFIGURATION more.texts (PARSER = "default");
ALTER TEXT SEARCH CONFIGURATION more.texts ADD MAPPING FOR asciiword WITH more.words;
CREATE FOREIGN DATA WRAPPER nothing OPTIONS (pass 'a secret');
CREATE SERVER nowhere FOREIGN DATA WRAPPER nothing OPTIONS (password 'another secret', host 'h');
CREATE USER MAPPING FOR PUBLIC SERVER nowhere OPTIONS (password 'third secret');
CREATE FOREIGN TABLE more.far (a int OPTIONS (k 'v')) SERVER nowhere OPTIONS (t 'x');
CREATE TABLE more.things (
  id int PRIMARY KEY,
  kind varchar(10) CHECK (kind IN ('a', 'b')),
  mood more.mood,
  code more.code,
  note text COLLATE "C",
  n numeric DEFAULT 1.50,
  f float8,
  span more.span,
  pairs more.pair[],
  at timestamptz,
  double int GENERATED ALWAYS AS (id * 2) STORED,
  UNIQUE (kind, n)
);
ALTER TABLE more.things ALTER note SET STORAGE EXTERNAL, ALTER n SET STATISTICS 200, ALTER f SET (n_distinct = -0.5);
ALTER TABLE more.things REPLICA IDENTITY FULL;
CREATE INDEX things_kind ON more.things (lower(kind)) WHERE kind IN ('a', 'b');
CREATE INDEX things_note ON more.things (note);
ALTER TABLE more.things CLUSTER ON things_note;
INSERT INTO more.things SELECT g, CASE g % 3 WHEN 0 THEN 'a' WHEN 1 THEN 'b' END, 'low', 'c' || g, CASE g % 4 WHEN 0 THEN '' WHEN 1 THEN NULL ELSE 'n' || g END, g, g / 7.0, more.span(g, g + 1), ARRAY[ROW(g, 'p')::more.pair], '2026-01-01 00:00+00'::timestamptz + g * interval '1 hour' FROM generate_series(1, 50) g;
INSERT INTO more.things (id, f) VALUES (100, '-0'), (101, 'NaN'), (102, 0);
CREATE TABLE more.doubled (a int, b text);
INSERT INTO more.doubled VALUES (1, 'x'), (1, 'x'), (2, 'y'), (3, NULL), (4, '');
CREATE TABLE more.child (extra int) INHERITS (more.doubled);
INSERT INTO more.child VALUES (9, 'c', 1);
CREATE TABLE more.refs (id int REFERENCES more.things);
ALTER TABLE more.refs ADD CONSTRAINT later CHECK (id > 0) NOT VALID;
CREATE RULE no_update AS ON UPDATE TO more.refs DO INSTEAD NOTHING;
CREATE VIEW more.view AS SELECT id, kind IN ('a', 'b') AS known FROM more.things;
CREATE RULE no_insert AS ON INSERT TO more.view DO INSTEAD NOTHING;
CREATE MATERIALIZED VIEW more.summed WITH (toast.autovacuum_enabled = false) AS SELECT kind::text, count(*) AS n FROM more.things GROUP BY kind;
CREATE FUNCTION more.nothing() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
CREATE TRIGGER watch AFTER UPDATE ON more.things FOR EACH ROW WHEN (OLD.kind IN ('a', 'b')) EXECUTE FUNCTION more.nothing();
CREATE FUNCTION more.on_ddl() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END';
CREATE EVENT TRIGGER watch_ddl ON ddl_command_end WHEN TAG IN ('CREATE SEQUENCE') EXECUTE FUNCTION more.on_ddl();
CREATE SEQUENCE more.counter START 5 INCREMENT 10 MAXVALUE 1000 CYCLE;
SELECT nextval('more.counter'), nextval('more.counter');
CREATE SEQUENCE more.untouched START 7;
CREATE PUBLICATION news FOR TABLE more.things, more.refs;
CREATE STATISTICS more.stats ON kind, n FROM more.things;
COMMENT ON COLUMN more.things.note IS 'a note';
GRANT SELECT ON more.things TO reporting WITH GRANT OPTION;
GRANT EXECUTE ON FUNCTION pg_read_file(text) TO reporting;
REVOKE EXECUTE ON FUNCTION more.add(int, int) FROM PUBLIC;
REVOKE EXECUTE ON FUNCTION pg_sleep(float8) FROM PUBLIC;
REVOKE USAGE ON TYPE more.pair FROM PUBLIC;
REVOKE USAGE ON TYPE pg_catalog.xml FROM PUBLIC;
REVOKE USAGE ON LANGUAGE plpgsql FROM PUBLIC;
GRANT SELECT (rolname) ON pg_catalog.pg_authid TO reporting;
REVOKE SELECT (subname) ON pg_catalog.pg_subscription FROM PUBLIC;
CREATE FUNCTION more.needy() RETURNS int LANGUAGE sql AS 'SELECT 1';
ALTER FUNCTION more.needy DEPENDS ON EXTENSION plpgsql;
ALTER INDEX more.things_note DEPENDS ON EXTENSION plpgsql;
ALTER TRIGGER watch ON more.things DEPENDS ON EXTENSION plpgsql;
ALTER MATERIALIZED VIEW more.summed DEPENDS ON EXTENSION plpgsql;
-- Names that need quotes, reserved words, 63 bytes of them.
CREATE SCHEMA "Odd ""Schema"" select %s é";
CREATE TABLE "Odd ""Schema"" select %s é"."ünïcode_name_that_is_sixty_three_bytes_long_and_not_one_more_" ("Time ""of"" day" timestamptz NOT NULL, "select" text NOT NULL, "a%s b" float8 DEFAULT 1, "seq uence" bigserial, CONSTRAINT "check it's" CHECK ("a%s b" < 1e9), CONSTRAINT "PRIMARY" PRIMARY KEY ("select", "Time ""of"" day"));
SELECT create_hypertable('"Odd ""Schema"" select %s é"."ünïcode_name_that_is_sixty_three_bytes_long_and_not_one_more_"', 'Time "of" day', 'select', 2, chunk_time_interval => interval '1 day');
INSERT INTO "Odd ""Schema"" select %s é"."ünïcode_name_that_is_sixty_three_bytes_long_and_not_one_more_" SELECT '2024-01-01 00:00+00'::timestamptz + g * interval '1 hour', 'd' || g % 3, g FROM generate_series(1, 60) g;
CREATE INDEX "index on ""it""" ON "Odd ""Schema"" select %s é"."ünïcode_name_that_is_sixty_three_bytes_long_and_not_one_more_" ("a%s b" DESC);
ALTER TABLE "Odd ""Schema"" select %s é"."ünïcode_name_that_is_sixty_three_bytes_long_and_not_one_more_" SET (timescaledb.compress, timescaledb.compress_segmentby = '"select"', timescaledb.compress_orderby = '"Time ""of"" day" DESC');
SELECT compress_chunk(c) FROM show_chunks('"Odd ""Schema"" select %s é"."ünïcode_name_that_is_sixty_three_bytes_long_and_not_one_more_"', older_than => timestamptz '2024-01-02 00:00+00') c;
CREATE TABLE "Odd ""Schema"" select %s é"."table" ("user" int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, "end" text);
INSERT INTO "Odd ""Schema"" select %s é"."table" ("end") SELECT 'x''"\%s' FROM generate_series(1,9);
CREATE VIEW "Odd ""Schema"" select %s é"."group" AS SELECT * FROM "Odd ""Schema"" select %s é"."table";
COMMENT ON COLUMN "Odd ""Schema"" select %s é"."table"."user" IS 'it''s %s';
GRANT SELECT ON "Odd ""Schema"" select %s é"."table" TO PUBLIC;
-- A hypertable whose time is within a type of the user's.
CREATE TYPE more.moment AS (at timestamptz, note text);
CREATE FUNCTION more.moment_of(m more.moment) RETURNS timestamptz LANGUAGE sql IMMUTABLE AS 'SELECT m.at';
CREATE TABLE more.by_moment (m more.moment NOT NULL, v int);
SELECT create_hypertable('more.by_moment', 'm', chunk_time_interval => interval '1 day', time_partitioning_func => 'more.moment_of', create_default_indexes => false);
INSERT INTO more.by_moment SELECT ROW('2024-01-01 00:00+00'::timestamptz + g * interval '1 hour', 'n')::more.moment, g FROM generate_series(1, 60) g;
