"""Entries that are sent many at once: what is not taken without a word is judged by pg_restore."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.support.native import databases
from tests.support.step_context import StepRun, step_context
from tswizard.core.db.connection import Connection, connected, rows, value
from tswizard.core.db.endpoint import Endpoint
from tswizard.core.dump.send_entries import ENTRIES_AT_ONCE
from tswizard.core.dump.toc import POST, PRE
from tswizard.core.split.schema.dump import dump_schema, read_schema_toc
from tswizard.core.split.schema.restore import restore_entries

pytestmark = pytest.mark.native

_HEADER = "-- TOC entry 7 (class 1255 OID 16406)"
_BODY = f"""
BEGIN
{_HEADER}\r
{_HEADER}
RETURN 'x;'; -- $f$ "
/*
SET default_table_access_method = heap;

*/
END
"""
_SCHEMA = f"""
CREATE SCHEMA "odd; $$ -- name";
CREATE TABLE "odd; $$ -- name"."a""b" ("c;'" text DEFAULT 'it''s;', id serial PRIMARY KEY);
COMMENT ON TABLE "odd; $$ -- name"."a""b" IS 'one;
-- two';
CREATE FUNCTION public.body() RETURNS text LANGUAGE plpgsql AS $body${_BODY}$body$;
CREATE FUNCTION public.atomic() RETURNS int LANGUAGE sql BEGIN ATOMIC; SELECT 1; SELECT 2; END;
CREATE TABLE public.first (x int);
CREATE VIEW public.on_first AS SELECT x FROM public.first;
CREATE VIEW public.on_that AS SELECT x FROM public.on_first;
CREATE TABLE public.other (x int);
CREATE INDEX other_x ON public.other (x);
GRANT SELECT ON public.other TO PUBLIC;
"""
_DEFINED = """
SELECT p.oid::regprocedure::text, pg_catalog.pg_get_functiondef(p.oid) FROM pg_catalog.pg_proc p
WHERE p.pronamespace = 'public'::regnamespace AND p.proname IN ('body', 'atomic')
UNION ALL SELECT c.oid::regclass::text, pg_catalog.concat_ws('|', c.relkind,
  c.relacl IS NULL, pg_catalog.obj_description(c.oid), pg_catalog.pg_get_viewdef(c.oid),
  (SELECT pg_catalog.string_agg(pg_catalog.pg_get_expr(d.adbin, d.adrelid), ',')
   FROM pg_catalog.pg_attrdef d WHERE d.adrelid = c.oid))
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname LIKE 'odd%' OR c.relname ~ '^(first|other|on_)' ORDER BY 1
"""
_TABLES = """
SELECT pg_catalog.count(*) FROM pg_catalog.pg_class
WHERE relnamespace = 'public'::regnamespace AND relname ~ '^t[0-9]+$'
"""


@pytest.fixture
async def ends() -> AsyncIterator[tuple[Endpoint, Endpoint]]:
    async with databases() as found:
        yield found


async def _restored(run: StepRun) -> None:
    await dump_schema(run.ctx)
    toc = await read_schema_toc(run.ctx)
    for section in (PRE, POST):
        entries = [e for e in toc.section(section) if "EXTENSION" not in e.text]
        await restore_entries(run.ctx, entries, section, section)


def _log(run: StepRun) -> str:
    return run.ctx.run_folder.log_path.read_text()


async def _defined(connection: Connection) -> list[tuple[str, ...]]:
    return await rows(connection, _DEFINED)


async def _arrives(ends: tuple[Endpoint, Endpoint], folder: Path, schema: str) -> StepRun:
    """Restore it; everything is defined on the target as on the source."""
    async with connected(ends[0]) as source:
        await source.execute(schema.encode())
    async with step_context(folder, *ends) as run:
        await _restored(run)
    async with connected(ends[0]) as source, connected(ends[1]) as target:
        assert await _defined(source) == await _defined(target)
    return run


async def test_everything_arrives_as_it_is(ends: tuple[Endpoint, Endpoint], tmp_path: Path) -> None:
    run = await _arrives(ends, tmp_path, _SCHEMA.replace(f"{_HEADER}\n", ""))
    assert "$ " + str(run.task.tools.pg_restore) not in _log(run)
    assert "creating TABLE public.other" in _log(run)
    assert run.ctx.judged == []


async def test_a_body_with_a_line_like_a_header(
    ends: tuple[Endpoint, Endpoint], tmp_path: Path
) -> None:
    """Its lot is left to pg_restore: where the entry ends cannot be told."""
    run = await _arrives(ends, tmp_path, _SCHEMA)
    assert run.troubles == []


async def test_what_is_refused_is_judged_by_pg_restore(
    ends: tuple[Endpoint, Endpoint], tmp_path: Path
) -> None:
    """With what depends on it, and with nothing else: the rest of its lot stays."""
    async with connected(ends[0]) as source, connected(ends[1]) as target:
        await source.execute(_SCHEMA.replace(f"{_HEADER}\n", "").encode())
        await target.execute("CREATE VIEW public.on_first AS SELECT 'another'::text AS y")
    async with step_context(tmp_path, *ends) as run:
        await _restored(run)
        assert {j.object for j in run.troubles} >= {"VIEW public.on_first", "VIEW public.on_that"}
        listed = (run.task.dump / "pre-data-rest.list").read_text()
        assert [line.split(" ", 3)[3] for line in listed.splitlines()] == [
            f"VIEW public {name} {run.task.inventory.server.role.name}"
            for name in ("on_first", "on_that")
        ]
    async with connected(ends[1]) as target:
        assert await value(target, "SELECT to_regclass('public.first') IS NOT NULL")
        assert await value(target, "SELECT to_regclass('public.other_x') IS NOT NULL")


async def test_what_the_server_warns_of_is_judged_by_pg_restore(
    ends: tuple[Endpoint, Endpoint], tmp_path: Path
) -> None:
    """A warning undoes nothing by itself: it would have been lost."""
    async with connected(ends[0]) as source, connected(ends[1]) as target:
        await source.execute("CREATE TABLE public.first (x int); CREATE TABLE public.other (x int)")
        await target.execute(
            "CREATE FUNCTION public.warn() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN "
            "IF EXISTS (SELECT FROM pg_event_trigger_ddl_commands() "
            "WHERE object_identity = 'public.first') THEN RAISE WARNING 'mind the first'; END IF; "
            "END $$; CREATE EVENT TRIGGER warn ON ddl_command_end EXECUTE FUNCTION public.warn()"
        )
    async with step_context(tmp_path, *ends) as run:
        await _restored(run)
        assert {j.message for j in run.ctx.judged if "mind" in j.message} == {"mind the first"}
        assert (run.task.dump / "pre-data-rest.list").read_text().count("\n") == 1
    async with connected(ends[1]) as target:
        assert await value(target, "SELECT to_regclass('public.first') IS NOT NULL")
        assert await value(target, "SELECT to_regclass('public.other') IS NOT NULL")


async def test_several_lots_and_an_error_in_the_first(
    ends: tuple[Endpoint, Endpoint], tmp_path: Path
) -> None:
    number = 2 * ENTRIES_AT_ONCE + 10
    async with connected(ends[0]) as source, connected(ends[1]) as target:
        for n in range(number):
            await source.execute(f"CREATE TABLE public.t{n} (x int)".encode())
        await target.execute("CREATE TABLE public.t5 (x int)")
    async with step_context(tmp_path, *ends) as run:
        await _restored(run)
        assert [j.object for j in run.ctx.judged if j.counts_as_error] == ["TABLE public.t5"]
    async with connected(ends[1]) as target:
        assert await value(target, _TABLES) == number
