"""Roles that both servers have, and that are not the same there."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from uuid import uuid4

import pytest

from tests.support.native import databases
from tests.support.sample_inventory import empty, inventory, prepared
from tswizard.core.catalog.inventory import Inventory
from tswizard.core.catalog.read import read_inventory
from tswizard.core.catalog.role_model import RoleFacts
from tswizard.core.db.connection import Connection, connected
from tswizard.core.db.endpoint import Endpoint
from tswizard.core.model.finding import Finding, Level
from tswizard.core.preflight.check import Check
from tswizard.core.preflight.checks.roles import ROLE_CHECKS

_APP = RoleFacts(name="app")


def _finding(source: Inventory, target: Inventory) -> Finding | None:
    run = next(c.run for c in ROLE_CHECKS if isinstance(c, Check) and "roles-differ" in c.gives)
    return next(iter(run(prepared(source, target))), None)


def _details(ours: RoleFacts, theirs: RoleFacts, *granted: str) -> tuple[str, ...]:
    names = ("app", "grp", "tsdbadmin")
    found = _finding(
        inventory(role_facts=(ours,), roles_granted=granted, roles=names),
        empty(role_facts=(theirs,), roles=names),
    )
    return found.details if found else ()


@pytest.mark.parametrize(
    ("ours", "statements"),
    [
        (_APP, ()),
        (
            replace(_APP, login=True, inherit=False, replication=True, bypass_rls=True),
            ('ALTER ROLE "app" LOGIN NOINHERIT REPLICATION BYPASSRLS;',),
        ),
        (replace(_APP, superuser=True), ()),  # no managed service would
        (replace(_APP, connection_limit=3), ('ALTER ROLE "app" CONNECTION LIMIT 3;',)),
        (
            replace(_APP, settings=("statement_timeout=5s",)),
            ("ALTER ROLE \"app\" SET statement_timeout TO '5s';",),
        ),
        (
            replace(_APP, settings=('search_path="$user", public', "app.token=")),
            (
                'ALTER ROLE "app" SET search_path TO "$user", public;',
                'ALTER ROLE "app" SET "app"."token" TO …;',
            ),
        ),
        (
            replace(_APP, member_of=("grp", "nowhere", "pg_monitor"), admin_of=("grp",)),
            (
                'GRANT "grp" TO "app" WITH ADMIN OPTION;',
                'GRANT "pg_monitor" TO "app";',
            ),
        ),
    ],
)
def test_statements(ours: RoleFacts, statements: tuple[str, ...]) -> None:
    assert _details(ours, _APP, "app") == statements


def test_of_roles_that_the_database_does_not_name_memberships_in_those_that_it_does() -> None:
    ours = replace(_APP, login=True, member_of=("grp", "pg_monitor"))
    assert _details(ours, _APP, "grp") == ('GRANT "grp" TO "app";',)
    assert _details(ours, _APP) == ()


def test_the_role_that_connects_and_what_only_the_target_has_are_left_alone() -> None:
    more = replace(_APP, member_of=("grp",), settings=("work_mem=5MB",))
    assert _details(_APP, more, "app") == ()
    admin = RoleFacts(name="tsdbadmin", member_of=("grp",))
    assert _details(admin, RoleFacts(name="tsdbadmin"), "tsdbadmin", "grp") == ()


@asynccontextmanager
async def _roles(*ends: Endpoint) -> AsyncIterator[tuple[str, list[Connection]]]:
    """Two roles of one prefix on each server."""
    prefix = f"tswizard_test_{uuid4().hex[:12]}"
    async with AsyncExitStack() as stack:
        opened = [await stack.enter_async_context(connected(end)) for end in ends]
        for connection in opened:
            for name in ("own", "app"):
                await connection.execute(f'CREATE ROLE "{prefix}_{name}"'.encode())
        try:
            yield prefix, opened
        finally:
            for connection in opened:
                for name in ("own", "app"):
                    await connection.execute(f'DROP OWNED BY "{prefix}_{name}"'.encode())
                    await connection.execute(f'DROP ROLE "{prefix}_{name}"'.encode())


@pytest.mark.native
async def test_as_servers_have_them_the_statements_settle_it() -> None:
    async with databases() as ends, _roles(*ends) as (prefix, (source, target)):
        for statement in (
            'CREATE TABLE public.t (id int); ALTER TABLE public.t OWNER TO "{p}_own"',
            'GRANT SELECT ON public.t TO "{p}_app"',
            'GRANT "{p}_own" TO "{p}_app"',
            "ALTER ROLE \"{p}_app\" LOGIN CONNECTION LIMIT 3 PASSWORD 's3cret'",
            "ALTER ROLE \"{p}_app\" SET statement_timeout = '5s'",
            "ALTER ROLE \"{p}_app\" SET app.token = 's3cret'",
            'ALTER ROLE "{p}_app" SET search_path = "$user", public',
        ):
            await source.execute(statement.format(p=prefix).encode())
        ours = await read_inventory(ends[0])
        found = _finding(ours, await read_inventory(ends[1]))
        assert found is not None
        assert found.level is Level.LOOK
        assert "s3cret" not in repr((ours, found))
        mine = [line for line in found.details if prefix in line]
        assert len(mine) == 5
        for line in mine:
            await target.execute(line.replace("…", "'it'").encode())
        again = _finding(ours, await read_inventory(ends[1]))
        assert not [line for line in (again.details if again else ()) if prefix in line]
