"""What was added to an extension by hand, which no dump holds."""

from contextlib import AsyncExitStack

import pytest

from tests.support.native import databases
from tswizard.core.catalog.catalog_shape import read_shape
from tswizard.core.catalog.extras import read_extras
from tswizard.core.db.connection import Connection, connected
from tswizard.core.model.finding import Finding, Level
from tswizard.core.verify.schema.compare import compare_schemas
from tswizard.core.verify.schema.findings import schema_findings
from tswizard.core.verify.schema.read import read_schema

pytestmark = pytest.mark.native

_BY_HAND = (
    "CREATE TABLE public.extt (id int)",
    "INSERT INTO public.extt VALUES (1)",
    "CREATE TABLE public.without_rows (id int)",
    "CREATE FUNCTION public.extf() RETURNS int LANGUAGE sql AS 'SELECT 1'",
    "ALTER EXTENSION hstore ADD TABLE public.extt",
    "ALTER EXTENSION hstore ADD TABLE public.without_rows",
    "ALTER EXTENSION hstore ADD FUNCTION public.extf()",
)


async def _found(source: Connection, target: Connection) -> list[Finding]:
    compared = compare_schemas(await read_schema(source), await read_schema(target))
    return [f for f in schema_findings(compared, {}) if f.id == "schema-extension-member"]


async def test_what_the_targets_extension_lacks_is_missing() -> None:
    async with AsyncExitStack() as stack:
        pair = await stack.enter_async_context(databases())
        source, target = [await stack.enter_async_context(connected(end)) for end in pair]
        for connection in (source, target):
            await connection.execute("CREATE EXTENSION hstore SCHEMA public VERSION '1.8'")
        assert [f.level for f in await _found(source, target)] == [Level.PASS]
        for statement in _BY_HAND:
            await source.execute(statement.encode())
        fail, look = await _found(source, target)
        assert (fail.level, look.level) == (Level.FAIL, Level.LOOK)
        assert fail.details == (
            "hstore: table public.extt: missing on the target",
            "hstore: table public.without_rows: missing on the target",
        )
        # From 17 on the types of a table are members with it.
        details = [line for line in look.details if not line.startswith("hstore: type ")]
        assert details == ["hstore: function public.extf(): missing on the target"]
        extras = await read_extras(source, await read_shape(source))
        assert extras.member_tables == ("public.extt of hstore",)
        # Only the target has it, or it has another version: that says nothing about the source.
        assert [f.level for f in await _found(target, source)] == [Level.PASS]
        await target.execute("DROP EXTENSION hstore")
        await target.execute("CREATE EXTENSION hstore SCHEMA public VERSION '1.7'")
        assert [f.level for f in await _found(source, target)] == [Level.PASS]
