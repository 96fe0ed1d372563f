"""A full migration of what only looks right in restore mode."""

from pathlib import Path

import pytest

from tests.support.native import databases
from tests.support.program import Program
from tswizard.core.db.connection import connected, rows

pytestmark = pytest.mark.native

_FILLED = """
CREATE SCHEMA plant;
CREATE TABLE plant.flow (at timestamptz NOT NULL, valve int, litres float8);
SELECT public.create_hypertable('plant.flow', 'at', chunk_time_interval => interval '3 days');
INSERT INTO plant.flow SELECT timestamptz '2022-05-01 00:00+00' + n * interval '1 hour', n % 4, n
  FROM generate_series(0, 239) n;
ALTER TABLE plant.flow SET (timescaledb.compress, timescaledb.compress_segmentby = 'valve',
  timescaledb.compress_orderby = 'at');
SELECT count(public.compress_chunk(c)) FROM public.show_chunks('plant.flow') c;
CREATE MATERIALIZED VIEW plant.by_valve AS
  SELECT valve, sum(litres) AS litres FROM plant.flow GROUP BY valve;
CREATE UNIQUE INDEX ON plant.by_valve (valve);
CREATE MATERIALIZED VIEW plant.most AS SELECT max(litres) AS litres FROM plant.by_valve;
CREATE FUNCTION plant.total() RETURNS float8 LANGUAGE sql STABLE AS
  $$ SELECT sum(litres) FROM plant.flow $$;
CREATE MATERIALIZED VIEW plant.share AS SELECT 100 / plant.total() AS percent;
-- pg_dump writes the state of a partition's trigger before the trigger
CREATE TABLE plant.routes (id int, kind int) PARTITION BY LIST (id);
CREATE TABLE plant.a_route PARTITION OF plant.routes DEFAULT PARTITION BY LIST (kind);
CREATE TABLE plant.a_part PARTITION OF plant.a_route DEFAULT;
CREATE FUNCTION plant.note() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
CREATE TRIGGER note AFTER INSERT ON plant.routes FOR EACH ROW EXECUTE FUNCTION plant.note();
ALTER TABLE plant.a_part DISABLE TRIGGER note;
CREATE MATERIALIZED VIEW plant.unfilled AS SELECT 1 AS one WITH NO DATA;
"""


async def test_views_are_filled_and_unknown_tablespaces_detached(tmp_path: Path) -> None:
    async with databases(community=True) as (source, target):
        space = f"space_of_{source.get('dbname')}"
        async with connected(source) as connection:
            await connection.execute(_FILLED.encode())
            await connection.execute("SET allow_in_place_tablespaces = true")
            await connection.execute(f"CREATE TABLESPACE {space} LOCATION ''".encode())
        try:
            async with connected(source) as connection:
                await connection.execute(
                    f"SELECT public.attach_tablespace('{space}', 'plant.flow')".encode()
                )
            sides = [(end.conninfo, end.password or "") for end in (source, target)]
            program = Program.between(tmp_path, *sides)
            file = program.answers_for(
                source.conninfo, target.conninfo, confirm=target.get("dbname"), method="full"
            )
            await program.call("--answers", file)
            assert [f for f in program.report()["findings"] if f["level"] == "fail"] == []
            for view in ("by_valve", "most", "share"):
                query = f"SELECT t::text FROM plant.{view} t ORDER BY 1"
                async with connected(source) as here, connected(target) as there:
                    assert await rows(there, query) == await rows(here, query) != []
            async with connected(target) as there:
                unfilled = await rows(
                    there,
                    "SELECT relispopulated FROM pg_class WHERE oid = 'plant.unfilled'::regclass",
                )
                assert unfilled == [(False,)]
                assert await rows(there, "SELECT * FROM _timescaledb_catalog.tablespace") == []
                await there.execute("INSERT INTO plant.flow VALUES ('2030-01-01 00:00+00', 1, 1.5)")
        finally:
            async with connected(source) as connection:
                await connection.execute("DROP SCHEMA plant CASCADE")
                await connection.execute(f"DROP TABLESPACE {space}".encode())


_HASHED = """
CREATE TYPE color AS ENUM ('red', 'green', 'blue');
CREATE TABLE by_color (n int, c color) PARTITION BY HASH (c);
CREATE TABLE by_colors (n int, c color[]) PARTITION BY HASH (c);
CREATE TABLE by_color_0 PARTITION OF by_color FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE by_color_1 PARTITION OF by_color FOR VALUES WITH (MODULUS 2, REMAINDER 1);
CREATE TABLE by_colors_0 PARTITION OF by_colors FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE by_colors_1 PARTITION OF by_colors FOR VALUES WITH (MODULUS 2, REMAINDER 1);
INSERT INTO by_color SELECT n, (enum_range(NULL::color))[1 + n % 3] FROM generate_series(1, 60) n;
INSERT INTO by_colors SELECT n, (enum_range(NULL::color))[1 + n % 3:] FROM by_color;
CREATE FOREIGN DATA WRAPPER nothing;
CREATE SERVER nowhere FOREIGN DATA WRAPPER nothing OPTIONS (z '1', a '2');
CREATE FOREIGN TABLE far (a int) SERVER nowhere;
"""


async def test_rows_hashed_by_oids_and_foreign_tables(tmp_path: Path) -> None:
    """They arrive in other partitions; and nobody analyzes what lies on another server."""
    async with databases() as (source, target):
        async with connected(target) as there:  # so that the enum has other OIDs
            await there.execute("CREATE TYPE other AS ENUM ('x'); DROP TYPE other")
        async with connected(source) as here:
            await here.execute(b"SET search_path = public;" + _HASHED.encode())
        sides = [(end.conninfo, end.password or "") for end in (source, target)]
        program = Program.between(tmp_path, *sides)
        name = target.get("dbname")
        file = program.answers_for(source.conninfo, target.conninfo, confirm=name, method="full")
        ended = await program.call("--answers", file)
        assert ended.code in (0, 1), ended.err
        report = program.report()
        told = {f["id"]: f["level"] for f in report["findings"] if f["level"] != "pass"}
        assert told.keys() <= {"partitions-hashed-by-oid-routed", "foreign-servers"}
        assert set(told.values()) == {"look"}
        compared = {table["name"] for table in report["tables"]}
        assert {"public.by_color", "public.by_colors"} <= compared
        assert not any(n.endswith(("_0", "_1")) for n in compared)
        for table in ("by_color", "by_colors"):
            query = f"SELECT t::text FROM public.{table} t ORDER BY 1"
            async with connected(source) as here, connected(target) as there:
                assert await rows(there, query) == await rows(here, query) != []
