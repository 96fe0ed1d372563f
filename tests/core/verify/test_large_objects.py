"""Grants on large objects: those without any are told together, and none is overlooked for it."""

from collections.abc import AsyncIterator

import pytest

from tests.support.native import databases
from tswizard.core.db.connection import connected
from tswizard.core.db.endpoint import Endpoint
from tswizard.core.model.finding import Level
from tswizard.core.verify.schema.compare_grants import PrivilegeDifference, compare_grants
from tswizard.core.verify.schema.privileges import LARGE_OBJECTS
from tswizard.core.verify.schema.read import Schema, read_schema

pytestmark = pytest.mark.native

OIDS = range(400_001, 400_101)


@pytest.fixture
async def ends() -> AsyncIterator[tuple[Endpoint, Endpoint]]:
    """A hundred large objects on both servers."""
    async with databases() as both:
        for end in both:
            await on(end, f"SELECT lo_create(n) FROM generate_series({OIDS[0]}, {OIDS[-1]}) n")
        yield both


async def on(end: Endpoint, *statements: str) -> None:
    async with connected(end) as connection:
        for statement in statements:
            await connection.execute(statement.encode())


async def read(end: Endpoint) -> Schema:
    async with connected(end) as connection:
        return await read_schema(connection)


async def differences(ends: tuple[Endpoint, Endpoint]) -> tuple[PrivilegeDifference, ...]:
    found = compare_grants(await read(ends[0]), await read(ends[1])).differences
    return tuple(difference for difference in found if "large object" in difference.name)


async def test_what_nobody_was_granted_is_one_object(ends: tuple[Endpoint, Endpoint]) -> None:
    names = [key.name for key in (await read(ends[0])).objects if key.name.startswith("large")]
    assert names == [LARGE_OBJECTS]
    assert await differences(ends) == ()


async def test_a_grant_that_is_missing_or_new_is_named(ends: tuple[Endpoint, Endpoint]) -> None:
    lost, new = OIDS[3], OIDS[7]
    await on(ends[0], f"GRANT SELECT ON LARGE OBJECT {lost} TO PUBLIC")
    await on(ends[1], f"GRANT UPDATE ON LARGE OBJECT {new} TO PUBLIC")
    found = {difference.name: difference for difference in await differences(ends)}
    assert set(found) == {f"large object {lost} to PUBLIC", f"large object {new} to PUBLIC"}
    assert found[f"large object {lost} to PUBLIC"].changed == (("privileges", "SELECT", None),)
    assert found[f"large object {lost} to PUBLIC"].level is Level.FAIL
    assert found[f"large object {new} to PUBLIC"].changed == (("privileges", None, "UPDATE"),)


async def test_owners_that_become_one_are_named(ends: tuple[Endpoint, Endpoint]) -> None:
    """A restore with --no-owner makes one role the owner of all."""
    other = OIDS[5]
    await on(ends[0], f"ALTER LARGE OBJECT {other} OWNER TO pg_monitor")
    owners = [found for found in await differences(ends) if found.kind == "owner"]
    assert [found.name for found in owners] == [f"large object {other}"]
    assert owners[0].changed[0][1] == "pg_monitor"
