"""Owners, and privileges on what belongs to extensions or to PostgreSQL, on servers that have
extensions."""

from collections.abc import AsyncIterator

import pytest

from tests.support.native import databases
from tswizard.core.db.connection import connected
from tswizard.core.db.endpoint import Endpoint
from tswizard.core.model.finding import Level
from tswizard.core.verify.schema.compare import Difference, compare_schemas
from tswizard.core.verify.schema.findings import schema_findings
from tswizard.core.verify.schema.read import Schema, read_schema

pytestmark = pytest.mark.native

_SAMPLE = (
    "CREATE EXTENSION pgcrypto SCHEMA public",
    "CREATE EXTENSION pg_stat_statements SCHEMA public",
    "CREATE EXTENSION postgres_fdw SCHEMA public",
    "CREATE SCHEMA app",
    "CREATE TABLE app.t (a int)",
    "CREATE TYPE app.pair AS (a int, b int)",
    "CREATE FUNCTION app.whose() RETURNS text LANGUAGE sql SECURITY DEFINER "
    "AS 'SELECT CURRENT_USER::text'",
    "CREATE SERVER elsewhere FOREIGN DATA WRAPPER postgres_fdw",
    "CREATE SERVER of_the_extension FOREIGN DATA WRAPPER postgres_fdw",
    "ALTER EXTENSION postgres_fdw ADD SERVER of_the_extension",
)
_OTHER = "pg_monitor"
"""A role that every server has."""


_ON_INITIAL = (
    (
        "REVOKE EXECUTE ON FUNCTION public.digest(text, text) FROM PUBLIC",
        "function public.digest(text,text) to PUBLIC",
        Level.LOOK,
    ),
    (
        "REVOKE EXECUTE ON FUNCTION pg_catalog.gen_random_uuid() FROM PUBLIC",
        "function gen_random_uuid() to PUBLIC",
        Level.LOOK,
    ),
    (
        "GRANT EXECUTE ON FUNCTION pg_catalog.pg_read_file(text) TO pg_monitor",
        "function pg_read_file(text) to pg_monitor",
        Level.FAIL,
    ),
    (
        "REVOKE SELECT ON public.pg_stat_statements FROM PUBLIC",
        "table public.pg_stat_statements to PUBLIC",
        Level.LOOK,
    ),
    (
        "GRANT SELECT (query) ON public.pg_stat_statements TO pg_monitor",
        "column public.pg_stat_statements.query to pg_monitor",
        Level.FAIL,
    ),
    (
        "REVOKE SELECT (subname) ON pg_catalog.pg_subscription FROM PUBLIC",
        "column pg_subscription.subname to PUBLIC",
        Level.LOOK,
    ),
    ("GRANT USAGE ON LANGUAGE sql TO pg_monitor", "language sql to pg_monitor", Level.FAIL),
    ("REVOKE USAGE ON LANGUAGE plpgsql FROM PUBLIC", "language plpgsql to PUBLIC", Level.LOOK),
    ("REVOKE USAGE ON TYPE pg_catalog.xml FROM PUBLIC", "type xml to PUBLIC", Level.LOOK),
    (
        "GRANT USAGE ON FOREIGN DATA WRAPPER postgres_fdw TO pg_monitor",
        "foreign data wrapper postgres_fdw to pg_monitor",
        Level.FAIL,
    ),
    (
        "GRANT USAGE ON FOREIGN SERVER of_the_extension TO pg_monitor",
        "foreign server of_the_extension to pg_monitor",
        Level.FAIL,
    ),
)
"""Statement, the difference that it makes on the source, its level."""


@pytest.fixture
async def ends() -> AsyncIterator[tuple[Endpoint, Endpoint]]:
    """The same objects on both servers."""
    async with databases() as both:
        for end in both:
            await on(end, *_SAMPLE)
        yield both


async def on(end: Endpoint, *statements: str) -> None:
    async with connected(end) as connection:
        for statement in statements:
            await connection.execute(statement.encode())


async def read(end: Endpoint, role: str = "") -> Schema:
    async with connected(end) as connection:
        if role:
            await connection.execute(f"SET ROLE {role}".encode())
        return await read_schema(connection)


async def differences(ends: tuple[Endpoint, Endpoint]) -> dict[str, Difference]:
    found = compare_schemas(await read(ends[0]), await read(ends[1])).differences
    named = {f"{difference.key.kind} {difference.key.name}": difference for difference in found}
    assert len(named) == len(found)
    return named


async def test_another_owner_is_told_where_the_target_has_the_old_one(
    ends: tuple[Endpoint, Endpoint],
) -> None:
    await on(
        ends[0],
        f"ALTER TABLE app.t OWNER TO {_OTHER}",
        f"ALTER TYPE app.pair OWNER TO {_OTHER}",
        f"ALTER FUNCTION app.whose OWNER TO {_OTHER}",
        f"ALTER SCHEMA app OWNER TO {_OTHER}",
        f"ALTER SERVER elsewhere OWNER TO {_OTHER}",
    )
    source, target = await read(ends[0]), await read(ends[1])
    comparison = compare_schemas(source, target)
    *_, owners = schema_findings(comparison, {})
    assert (owners.id, owners.level) == ("schema-owner", Level.LOOK)
    role = target.objects[next(key for key in target.objects if key.name == "table app.t")]
    now = role.definition["owner"]
    assert sorted(owners.details) == [
        f"ALTER ROUTINE app.whose() OWNER TO pg_monitor;  -- now {now}; "
        "it runs with its owner's privileges",
        f"ALTER SCHEMA app OWNER TO pg_monitor;  -- now {now}",
        f"ALTER SERVER elsewhere OWNER TO pg_monitor;  -- now {now}",
        f"ALTER TABLE app.t OWNER TO pg_monitor;  -- now {now}",
        f"ALTER TYPE app.pair OWNER TO pg_monitor;  -- now {now}",
    ]
    await on(ends[1], *(statement.partition(";")[0] for statement in owners.details))
    assert await differences(ends) == {}


async def test_what_the_source_changed_of_initial_privileges_is_expected(
    ends: tuple[Endpoint, Endpoint],
) -> None:
    await on(ends[0], *(statement for statement, _, _ in _ON_INITIAL))
    found = await differences(ends)
    assert {named: difference.level for named, difference in found.items()} == {
        f"grant {name}": level for _, name, level in _ON_INITIAL
    }
    await on(ends[1], *(statement for statement, _, _ in _ON_INITIAL))
    assert await differences(ends) == {}


async def test_what_only_the_target_changed_comes_from_the_service(
    ends: tuple[Endpoint, Endpoint],
) -> None:
    await on(
        ends[1],
        "REVOKE EXECUTE ON FUNCTION pg_catalog.pg_sleep(float8) FROM PUBLIC",
        "REVOKE EXECUTE ON FUNCTION pg_catalog.pg_sleep_for(interval) FROM PUBLIC",
        "GRANT SELECT (rolname) ON pg_catalog.pg_authid TO pg_monitor",
        "COMMENT ON EXTENSION pgcrypto IS 'of the service'",
    )
    await on(ends[0], "GRANT EXECUTE ON FUNCTION pg_catalog.pg_sleep_for(interval) TO pg_monitor")
    await on(ends[1], "GRANT EXECUTE ON FUNCTION pg_catalog.pg_sleep_for(interval) TO pg_monitor")
    found = await differences(ends)
    assert {named: difference.level for named, difference in found.items()} == {
        "comment extension pgcrypto": Level.PASS
    }


async def test_a_comment_on_an_extension_is_for_a_look(ends: tuple[Endpoint, Endpoint]) -> None:
    await on(ends[0], "COMMENT ON EXTENSION pgcrypto IS 'for the invoices'")
    found = (await differences(ends))["comment extension pgcrypto"]
    assert (found.state, found.level) == ("missing", Level.LOOK)
    await on(ends[1], "COMMENT ON EXTENSION pgcrypto IS 'for'")
    found = (await differences(ends))["comment extension pgcrypto"]
    assert (found.state, found.level) == ("differs", Level.LOOK)


async def test_options_that_a_role_may_not_see_are_neither_equal_nor_different(
    ends: tuple[Endpoint, Endpoint],
) -> None:
    mapping = f"CREATE USER MAPPING FOR {_OTHER} SERVER elsewhere"
    await on(ends[0], f"{mapping} OPTIONS (user 'u', password 'secret')")
    await on(ends[1], mapping)
    for role, other, blind in (
        ("", "", ""),
        ("", "pg_signal_backend", "target"),
        ("pg_signal_backend", "", "source"),
        ("pg_signal_backend", "pg_signal_backend", "source and the target"),
    ):
        comparison = compare_schemas(await read(ends[0], role), await read(ends[1], other))
        (found,) = comparison.differences
        assert found.key.name == "pg_monitor on elsewhere"
        assert (found.state, found.level) == (
            ("unseen", Level.LOOK) if blind else ("differs", Level.FAIL)
        )
        finding = next(f for f in schema_findings(comparison, {}) if f.id == "schema-user-mapping")
        if blind:
            assert finding.what == "0 of 1 user mapping, 1 not compared"
            assert f"the role on the {blind} may not see them" in finding.details[0]
        assert "secret" not in str(finding)
