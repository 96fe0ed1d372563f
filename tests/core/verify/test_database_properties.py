"""Privileges, connection limit and comment of the database, which no dump of it holds."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from uuid import uuid4

import pytest
from psycopg import sql

from tests.support.native import databases
from tswizard.core.catalog.catalog_shape import read_shape
from tswizard.core.catalog.database_properties import property_statements
from tswizard.core.catalog.extras import read_extras
from tswizard.core.db.connection import Connection, connected
from tswizard.core.db.endpoint import Endpoint
from tswizard.core.model.finding import Finding, Level
from tswizard.core.verify.schema.compare import compare_schemas
from tswizard.core.verify.schema.findings import schema_findings
from tswizard.core.verify.schema.read import read_schema


@pytest.mark.parametrize(
    ("name", "wanted", "found", "statements"),
    [
        ("connection limit", "77", None, ['ALTER DATABASE "d" CONNECTION LIMIT 77;']),
        ("comment", "it's", None, ["COMMENT ON DATABASE \"d\" IS 'it''s';"]),
        ("privileges of PUBLIC", "none", None, [
            'REVOKE CONNECT, TEMPORARY ON DATABASE "d" FROM PUBLIC;'
        ]),
        ("privileges of PUBLIC", None, "TEMPORARY", ['GRANT CONNECT ON DATABASE "d" TO PUBLIC;']),
        ("privileges of r", "CONNECT, CREATE*", None, [
            'GRANT CONNECT ON DATABASE "d" TO r;',
            'GRANT CREATE ON DATABASE "d" TO r WITH GRANT OPTION;',
        ]),
        ("privileges of r", "CONNECT", "CONNECT*, CREATE", [
            'REVOKE CREATE ON DATABASE "d" FROM r;',
            'REVOKE GRANT OPTION FOR CONNECT ON DATABASE "d" FROM r;',
        ]),
        ("privileges of r", "CONNECT*", "CONNECT", [
            'GRANT CONNECT ON DATABASE "d" TO r WITH GRANT OPTION;'
        ]),
        ("work_mem", "5MB", None, []),
    ],
)  # fmt: skip
def test_statements(
    name: str, wanted: str | None, found: str | None, statements: list[str]
) -> None:
    assert list(property_statements("d", name, wanted, found)) == statements


class Ends:
    """Empty databases, each with a connection, and a role that both servers have."""

    def __init__(self, source: Connection, target: Connection, role: str) -> None:
        self.source, self.target, self.role = source, target, role

    async def alter(self, connection: Connection, *statements: str) -> None:
        name = sql.Identifier(connection.info.dbname).as_string(connection)
        for statement in statements:
            await connection.execute(statement.format(db=name, role=self.role).encode())

    async def finding(self) -> Finding | None:
        compared = compare_schemas(await read_schema(self.source), await read_schema(self.target))
        found = [f for f in schema_findings(compared, {}) if f.id == "schema-database-setting"]
        return found[0] if found else None


@pytest.fixture
async def ends() -> AsyncIterator[Ends]:
    async with AsyncExitStack() as stack:
        pair: tuple[Endpoint, Endpoint] = await stack.enter_async_context(databases())
        here, there = [await stack.enter_async_context(connected(end)) for end in pair]
        role = f"tswizard_test_{uuid4().hex[:12]}"
        for connection in (here, there):
            await connection.execute(f"CREATE ROLE {role}")
        try:
            yield Ends(here, there, role)
        finally:
            for connection in (here, there):
                await connection.execute(f"REASSIGN OWNED BY {role} TO CURRENT_USER")
                await connection.execute(f"DROP OWNED BY {role}")
                await connection.execute(f"DROP ROLE {role}")


@pytest.mark.native
async def test_what_differs_is_named_and_the_statements_settle_it(ends: Ends) -> None:
    assert await ends.finding() is None
    await ends.alter(
        ends.source,
        "REVOKE CONNECT, TEMPORARY ON DATABASE {db} FROM PUBLIC",
        "GRANT CONNECT ON DATABASE {db} TO {role}",
        "ALTER DATABASE {db} CONNECTION LIMIT 77",
        "COMMENT ON DATABASE {db} IS 'the plant''s'",
    )
    found = await ends.finding()
    assert found is not None
    assert found.level is Level.LOOK
    assert len(found.details) == 4
    for line in found.details:
        await ends.target.execute(line.partition("  -- ")[0].encode())
    found = await ends.finding()
    assert found is not None
    assert found.level is Level.PASS
    extras = await read_extras(ends.source, await read_shape(ends.source))
    assert extras.database_properties == (
        "comment",
        "connection limit: 77",
        "privileges of PUBLIC: none",
        f"privileges of {ends.role}: CONNECT",
    )


@pytest.mark.native
async def test_owners_privileges_are_nobodys_matter(ends: Ends) -> None:
    await ends.alter(ends.source, "GRANT CREATE ON DATABASE {db} TO {role}")
    await ends.alter(ends.target, "ALTER DATABASE {db} OWNER TO {role}")
    await ends.alter(ends.target, "GRANT CONNECT ON DATABASE {db} TO {role}")
    assert await ends.finding() is None
