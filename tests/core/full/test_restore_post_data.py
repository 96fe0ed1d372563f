"""Indexes of small tables and keys that reference the same table are sent many at once; tables
without rows are left out."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.support.begun_run import entries_listed, fully_migrated
from tests.support.native import databases
from tests.support.split_ends import run as run_sql
from tests.support.toc import TABLE_A, entry
from tswizard.core.db.connection import connected, value
from tswizard.core.db.endpoint import Endpoint
from tswizard.core.dump.toc import Toc
from tswizard.core.full.keys_in_turn import keys_in_turn
from tswizard.core.model.finding import Level
from tswizard.core.run.runner import Run

CHUNKS = 12
_SOURCE = (
    "CREATE TABLE public.device (id int PRIMARY KEY)",
    'CREATE TABLE public."Read""ings" (at timestamptz NOT NULL, '
    'device int CONSTRAINT "a ""key" REFERENCES public.device)',
    """SELECT public.create_hypertable('public."Read""ings"', 'at',
      chunk_time_interval => interval '1 day')""",
    f"INSERT INTO public.device SELECT generate_series(1, {CHUNKS})",
    """INSERT INTO public."Read""ings" SELECT '2024-01-01 00:00+00'::timestamptz
      + n * interval '1 day', n FROM generate_series(1, 12) n""",
    """DO $$ DECLARE chunk regclass := (SELECT inhrelid FROM pg_inherits ORDER BY 1 LIMIT 1);
    BEGIN EXECUTE format('COMMENT ON CONSTRAINT %I ON %s IS ''of a chunk''',
      (SELECT conname FROM pg_constraint WHERE conrelid = chunk AND contype = 'f'), chunk);
    END $$""",
    "CREATE TABLE public.nothing (x int)",
    "CREATE TABLE public.small (x text)",
    "INSERT INTO public.small VALUES ('COPY public.x (x) FROM stdin;')",
)
_KEYS = """
SELECT pg_catalog.count(*) FROM pg_catalog.pg_constraint
WHERE contype = 'f' AND conrelid IN (SELECT inhrelid FROM pg_catalog.pg_inherits)
"""
_COMMENTS = """
SELECT pg_catalog.count(*) FROM pg_catalog.pg_description WHERE description = 'of a chunk'
"""


@pytest.fixture
async def ends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[tuple[Endpoint, Endpoint]]:
    monkeypatch.setenv("TSWIZARD_STATE_DIR", str(tmp_path))
    async with databases() as (source, target):
        await run_sql(source, *_SOURCE)
        yield source, target


def test_few_keys_are_left_to_pg_restore() -> None:
    unique = entry(29, 2606, 1, "CONSTRAINT", "public a a_pkey owner", 20)
    keys = [entry(n, 2606, n, "FK CONSTRAINT", f"c {n} f owner", 20, 29) for n in range(100, 120)]
    comment = entry(300, 0, 0, "COMMENT", "c CONSTRAINT f ON 100 owner", 100)
    toc = Toc((TABLE_A, unique, *keys, comment))
    every = {e.id for e in toc.entries}
    assert keys_in_turn(toc, every) == [*keys, comment]
    assert keys_in_turn(toc, every - {100}) == keys[1:]
    assert keys_in_turn(Toc((TABLE_A, unique, *keys[:5], comment)), every) == []


def left_to_pg_restore(run: Run) -> list[str]:
    """But for triggers: earlier versions of TimescaleDB have one on each hypertable."""
    listed = entries_listed(run, "restore-rest")
    return [entry for entry in listed if not entry.startswith("TRIGGER ")]


@pytest.mark.native
async def test_keys_of_chunks_are_sent_at_once(ends: tuple[Endpoint, Endpoint]) -> None:
    run = await fully_migrated(*ends)
    assert run.outcome is not None and run.outcome.result is Level.PASS
    assert left_to_pg_restore(run) == []
    assert entries_listed(run, "restore-keys") == []
    async with connected(ends[1]) as target:
        assert await value(target, _KEYS) == CHUNKS
        assert await value(target, _COMMENTS) == 1


@pytest.mark.native
async def test_a_key_that_is_refused_is_judged_and_the_others_are_there(
    ends: tuple[Endpoint, Endpoint],
) -> None:
    async with connected(ends[0]) as source:
        await source.execute("SET session_replication_role = replica")
        await source.execute("DELETE FROM public.device WHERE id = 5")
    run = await fully_migrated(*ends)
    assert run.outcome is not None and run.outcome.result is Level.FAIL
    (refused,) = entries_listed(run, "restore-keys")
    assert refused.startswith("FK CONSTRAINT _timescaledb_internal _hyper_")
    kinds = {judged.object.split(".")[0] for judged in run.outcome.judged}
    assert "FK CONSTRAINT _timescaledb_internal" in kinds
    async with connected(ends[1]) as target:
        assert await value(target, _KEYS) == CHUNKS - 1


@pytest.mark.native
async def test_an_index_that_is_refused_is_judged_and_the_others_are_there(
    ends: tuple[Endpoint, Endpoint],
) -> None:
    await run_sql(
        ends[0],
        f"""CREATE FUNCTION public.here(int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS
        $$ BEGIN IF current_database() = '{ends[0].get("dbname")}' THEN RETURN $1; END IF;
        RAISE EXCEPTION 'not here'; END $$""",
        "CREATE TABLE public.fragile (x int)",
        "INSERT INTO public.fragile VALUES (1)",
        "CREATE INDEX fragile_here ON public.fragile (public.here(x))",
        "CREATE INDEX fragile_x ON public.fragile (x)",
    )
    run = await fully_migrated(*ends)
    assert run.outcome is not None and run.outcome.result is Level.FAIL
    assert left_to_pg_restore(run) == ["INDEX public fragile_here"]
    assert "not here" in {judged.message for judged in run.outcome.judged}
    async with connected(ends[1]) as target:
        assert await value(target, "SELECT pg_catalog.to_regclass('public.fragile_x')") is not None


@pytest.mark.native
async def test_many_small_tables_are_sent_on_several_connections(
    ends: tuple[Endpoint, Endpoint],
) -> None:
    await run_sql(
        ends[0],
        """DO $$ BEGIN FOR n IN 1..150 LOOP EXECUTE format('CREATE TABLE public."t ""%s" AS
        SELECT g AS id, g %% 7 AS x FROM generate_series(1, 50) g', n);
        EXECUTE format('ALTER TABLE public."t ""%s" ADD PRIMARY KEY (id)', n);
        EXECUTE format('CREATE INDEX ON public."t ""%s" (x)', n); END LOOP; END $$""",
        """COMMENT ON INDEX public."t ""7_pkey" IS 'of the seventh'""",
    )
    run = await fully_migrated(*ends)
    assert run.outcome is not None and run.outcome.result is Level.PASS
    assert left_to_pg_restore(run) == []
    assert 'creating INDEX public.t "150_x_idx' in run.run_folder.log_path.read_text()


@pytest.mark.native
async def test_tables_without_rows_are_left_out(ends: tuple[Endpoint, Endpoint]) -> None:
    """However small a table is: it is not left out for that."""
    run = await fully_migrated(*ends)
    assert run.outcome is not None and run.outcome.result is Level.PASS
    listed = set(entries_listed(run, "restore-data"))
    assert {"TABLE DATA public small", "TABLE DATA public device"} <= listed
    assert not {"TABLE DATA public nothing", 'TABLE DATA public Read"ings'} & listed
    assert "without rows, so nothing to restore: " in run.run_folder.log_path.read_text()
    async with connected(ends[1]) as target:
        assert await value(target, "SELECT x FROM public.small") == "COPY public.x (x) FROM stdin;"


@pytest.mark.native
async def test_only_the_keys_to_hypertables_wait(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever their names begin with or hold."""
    monkeypatch.setenv("TSWIZARD_STATE_DIR", str(tmp_path))
    async with databases() as (source, target):
        await run_sql(
            source,
            "CREATE TABLE public.h (at timestamptz, id int, PRIMARY KEY (at, id))",
            "SELECT public.create_hypertable('public.h', 'at')",
            "CREATE TABLE public.plain (p int PRIMARY KEY)",
            "CREATE TABLE public.c (at timestamptz, id int, p int)",
            "INSERT INTO public.h VALUES ('2024-01-01 00:00+00', 1)",
            "INSERT INTO public.plain VALUES (1)",
            "INSERT INTO public.c VALUES ('2024-01-01 00:00+00', 1, 1)",
            *(
                f"""ALTER TABLE public.c ADD CONSTRAINT {name}
                FOREIGN KEY (at, id) REFERENCES public.h"""
                for name in ("x", '"two\nlines"')
            ),
            'ALTER TABLE public.c ADD CONSTRAINT "x y" FOREIGN KEY (p) REFERENCES public.plain',
            "COMMENT ON CONSTRAINT x ON public.c IS 'waits'",
            """COMMENT ON CONSTRAINT "x y" ON public.c IS 'does not'""",
        )
        run = await fully_migrated(source, target)
        assert run.outcome is not None
        assert run.outcome.result is Level.PASS, run.outcome.findings
        assert not [judged for judged in run.outcome.judged if judged.verdict != "safe"]
