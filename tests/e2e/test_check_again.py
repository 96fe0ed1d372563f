"""After FAIL the user creates the role that was missing, and asks again; on any machine.

The check of a full and a split migration that was repeated: `test_full`, `test_split`."""

from pathlib import Path
from uuid import uuid4

import pytest
from psycopg import sql

from tests.support.cloudlike import as_superuser, cloudlike_database, fill
from tests.support.native import SOURCE, TARGET, named, need_community
from tests.support.program import Program
from tswizard.core.db.connection import connected, rows, value
from tswizard.core.db.endpoint import Endpoint
from tswizard.core.model.answers import METHOD_NAMES

_NEEDING_A_ROLE = """
GRANT SELECT ON sites, conditions TO {role}, PUBLIC;
GRANT UPDATE ON notes TO {role} WITH GRANT OPTION;
ALTER TABLE sensors ENABLE ROW LEVEL SECURITY;
CREATE POLICY seen ON sensors FOR SELECT TO {role} USING (true);
ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT ON TABLES TO {role}
"""


@pytest.mark.native
@pytest.mark.parametrize("method", METHOD_NAMES)
async def test_a_role_that_was_missing(method: str, tmp_path: Path) -> None:
    here, there = named(SOURCE), named(TARGET)
    await need_community(here)
    role = f"tswizard Reporter {uuid4().hex[:8]}"
    name = sql.Identifier(role)
    async with (
        cloudlike_database(here) as source,
        cloudlike_database(there) as target,
        connected(as_superuser(source, here)) as boss,
        connected(as_superuser(target, there)) as other_boss,
    ):
        await need_community(source)
        await fill(source)
        await boss.execute(sql.SQL("CREATE ROLE {}").format(name))
        async with connected(source) as owner:
            await owner.execute("SET search_path = public")
            for statement in _NEEDING_A_ROLE.strip().split(";\n"):
                await owner.execute(sql.SQL(statement).format(role=name))
        try:
            first, second = (_machine(tmp_path / m, source, target) for m in ("first", "second"))
            answers = first.answers_for(
                source.conninfo, target.conninfo, dict(target.params)["dbname"], method=method
            )
            lacking = await first.call("--answers", answers)
            assert lacking.code == 1, lacking.err
            assert first.report()["result"] == "fail"  # a policy is missing
            assert await _enabled(target) == 0

            await other_boss.execute(sql.SQL("CREATE ROLE {}").format(name))
            ended = await second.call("check", "--target", target.conninfo)
            assert ended.code == 0, ended.err
            report = second.report()
            assert report["result"] == "pass"
            assert report["run"] == first.report()["run"]
            assert await _enabled(target) == 5
            query = "SELECT has_table_privilege(%s, 'public.notes', 'UPDATE WITH GRANT OPTION')"
            assert await value(other_boss, query, (role,))
            assert await value(other_boss, "SELECT count(*) FROM pg_policy") == 1

            late = await first.call("check")  # whatever was applied elsewhere is not repeated
            assert late.code == 0, late.err
            unnamed = await second.call("check", "--target", target.conninfo)
            assert unnamed.code == 4
            assert "no record of a run" in unnamed.err
        finally:
            for connection in (boss, other_boss):
                await connection.execute(sql.SQL("DROP OWNED BY {}").format(name))
                await connection.execute(sql.SQL("DROP ROLE {}").format(name))


def _machine(folder: Path, source: Endpoint, target: Endpoint) -> Program:
    folder.mkdir()
    return Program.between(
        folder, *((end.conninfo, end.password or "") for end in (source, target))
    )


async def _enabled(target: Endpoint) -> int:
    async with connected(target) as connection:
        found = await rows(
            connection,
            "SELECT job_id FROM timescaledb_information.jobs WHERE job_id >= 1000 AND scheduled",
        )
    return len(found)
