"""A lock of another session ends a parallel pg_dump; the dump is taken again by itself."""

import asyncio
from pathlib import Path

import pytest

from tests.support.native import databases
from tests.support.program import Program
from tswizard.core.db.connection import connected
from tswizard.core.db.endpoint import Endpoint

pytestmark = pytest.mark.native


async def lock_once(source: Endpoint) -> None:
    """Ask for a lock that excludes readers, as a job that drops a chunk does; granted when pg_dump
    has ended."""
    async with connected(source) as connection, connection.transaction():
        await connection.execute("LOCK TABLE public.wanted IN ACCESS EXCLUSIVE MODE")


async def test_a_lock_of_another_session_is_waited_out(tmp_path: Path) -> None:
    async with databases() as (source, target):
        async with connected(source) as connection:
            await connection.execute("CREATE TABLE public.wanted AS SELECT 1 AS x")
        program = Program.between(
            tmp_path, *((end.conninfo, end.password or "") for end in (source, target))
        )
        name = dict(target.params)["dbname"]
        program.answers_for(source.conninfo, target.conninfo, name, method="full", jobs=2)
        async with program.started("--answers", tmp_path / "answers.toml") as process:
            # pg_dump itself has its locks by then, its workers have not.
            await program.log_says("pg_dump: reading user-defined functions")
            locker = asyncio.create_task(lock_once(source))
            _, err = await process.communicate()
            await locker
        assert process.returncode == 0, err.decode()
        assert program.log_has("could not obtain lock on relation")
        assert program.log_has("dumping again in 2 s (attempt 2 of 4)")
        assert program.report()["result"] == "pass"
