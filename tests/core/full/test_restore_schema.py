"""The schema of a full migration is sent many entries at once; what the target does not take in
silence is left to pg_restore and judged."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

import pytest

from tests.support.begun_run import begun, carried_out, entries_listed, fully_migrated
from tests.support.native import databases
from tests.support.split_ends import run as run_sql
from tswizard.core.db.connection import connected, value
from tswizard.core.db.endpoint import Endpoint
from tswizard.core.full import restore_schema
from tswizard.core.model.answers import Answers
from tswizard.core.model.finding import Level

pytestmark = pytest.mark.native

_SOURCE = (
    'CREATE SCHEMA "odd; $$ -- name"',
    'CREATE TABLE "odd; $$ -- name"."Read""ings" (at timestamptz NOT NULL, "v;\'" text '
    "DEFAULT 'it''s;')",
    """SELECT public.create_hypertable('"odd; $$ -- name"."Read""ings"', 'at',
      chunk_time_interval => interval '1 day')""",
    """INSERT INTO "odd; $$ -- name"."Read""ings" (at) SELECT '2024-01-01 00:00+00'::timestamptz
      + n * interval '1 day' FROM generate_series(0, 119) n""",
    "CREATE FUNCTION public.atomic() RETURNS int LANGUAGE sql BEGIN ATOMIC; SELECT 1; END",
    "CREATE TABLE public.first (x int)",
    "CREATE TABLE public.third (x int)",
    "CREATE VIEW public.on_first AS SELECT x FROM public.first",
    "SELECT pg_catalog.lo_from_bytea(4711, 'large')",
    "COMMENT ON LARGE OBJECT 4711 IS 'of a table: LARGE OBJECT'",
    "GRANT SELECT ON LARGE OBJECT 4711 TO PUBLIC",
)
_TABLES = """
SELECT pg_catalog.count(*) FROM pg_catalog.pg_class
WHERE relkind = 'r' AND relnamespace = '_timescaledb_internal'::regnamespace
  AND relname LIKE '\\_hyper%'
"""


@pytest.fixture
async def ends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[tuple[Endpoint, Endpoint]]:
    monkeypatch.setenv("TSWIZARD_STATE_DIR", str(tmp_path))
    async with databases() as (source, target):
        await run_sql(source, *_SOURCE)
        yield source, target


async def test_all_but_large_objects_is_sent_at_once(ends: tuple[Endpoint, Endpoint]) -> None:
    run = await fully_migrated(*ends)
    assert run.outcome is not None and run.outcome.result is Level.PASS
    left = entries_listed(run, "restore-schema")  # large objects come with the rows from 17 on
    assert all("LARGE OBJECT" in entry or entry.startswith("BLOB") for entry in left)
    assert "creating TABLE _timescaledb_internal._hyper" in run.run_folder.log_path.read_text()
    async with connected(ends[1]) as target:
        assert await value(target, _TABLES) == 120
        query = "SELECT pg_catalog.obj_description(4711, 'pg_largeobject')"
        assert await value(target, query) == "of a table: LARGE OBJECT"


async def test_what_is_refused_is_left_to_pg_restore_with_what_depends_on_it(
    ends: tuple[Endpoint, Endpoint],
) -> None:
    """Its message is judged as ever, and everything else is there. A grant may be all that is left
    of a table."""
    lacking = f"tswizard_{uuid4().hex[:8]}"
    async with connected(ends[0]) as source, connected(ends[1]) as target:
        await source.execute(f"CREATE ROLE {lacking}".encode())
        await source.execute(f"GRANT SELECT ON public.third TO {lacking}".encode())
        try:
            run = await begun(*ends, Answers(method="full", keep_dumps=True))
            await target.execute("CREATE TABLE public.first (other text)")
            await carried_out(run)
        finally:
            await source.execute(f"DROP OWNED BY {lacking}; DROP ROLE {lacking}".encode())
    assert run.outcome is not None and run.outcome.result is Level.FAIL
    assert {"TABLE public first", "VIEW public on_first"} <= set(
        entries_listed(run, "restore-schema")
    )
    objects = {judged.object for judged in run.outcome.judged}
    assert {"TABLE public.first", "ACL TABLE public.third"} <= objects
    async with connected(ends[1]) as target:
        assert await value(target, _TABLES) == 120


async def test_with_tablespaces_pg_restore_does_all_of_it(
    ends: tuple[Endpoint, Endpoint],
) -> None:
    """Which one a table goes into is set between entries, for all that follow."""
    run = await begun(*ends, Answers(method="full", keep_dumps=True))
    inventory = run.task.inventory
    extras = replace(inventory.extras, tablespaces=("pg_default",))
    run.task = replace(run.task, inventory=replace(inventory, extras=extras))
    await carried_out(run)
    assert run.outcome is not None and run.outcome.result is Level.PASS
    assert sum(e.startswith("TABLE ") for e in entries_listed(run, "restore-schema")) >= 120


async def test_many_large_objects_are_not_looked_at_one_by_one(
    ends: tuple[Endpoint, Endpoint], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(restore_schema, "_MANY_LARGE_OBJECTS", 0)
    run = await fully_migrated(*ends)
    assert run.outcome is not None and run.outcome.result is Level.PASS
    assert sum(e.startswith("TABLE ") for e in entries_listed(run, "restore-schema")) >= 120
