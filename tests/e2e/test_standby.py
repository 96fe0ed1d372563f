"""A standby as the source. TSWIZARD_TEST_STANDBY names one of the server TSWIZARD_TEST_SOURCE."""

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from tests.support.cloudlike import as_owner, cloudlike_database, fill
from tests.support.native import SOURCE, TARGET, named, need_community
from tests.support.program import Program
from tswizard.core.db.connection import connected, value
from tswizard.core.db.endpoint import Endpoint
from tswizard.core.db.errors import CannotConnect
from tswizard.core.model.answers import METHOD_NAMES

pytestmark = pytest.mark.native


async def replayed(standby: Endpoint) -> None:
    """Wait until it has the last thing that was made on the primary."""
    async with asyncio.timeout(600):
        while True:
            try:
                async with connected(standby) as connection:
                    if await value(connection, "SELECT to_regclass('public.last') IS NOT NULL"):
                        return
            except CannotConnect:
                pass
            await asyncio.sleep(0.1)


@pytest.mark.parametrize("method", METHOD_NAMES)
async def test_unlogged_tables_are_named_and_left_out(method: str, tmp_path: Path) -> None:
    standby = named("TSWIZARD_TEST_STANDBY")
    await need_community(named(SOURCE))
    async with (
        cloudlike_database(named(SOURCE)) as primary,
        cloudlike_database(named(TARGET)) as target,
    ):
        await need_community(primary)
        await fill(primary)
        async with connected(primary) as owner:
            await owner.execute("CREATE UNLOGGED TABLE public.buffer (id serial, x int)")
            await owner.execute("INSERT INTO public.buffer (x) SELECT generate_series(1, 50)")
            await owner.execute("CREATE TABLE public.last ()")
        params = {**dict(standby.params), "dbname": dict(primary.params)["dbname"]}
        source = as_owner(replace(standby, params=tuple(sorted(params.items()))))
        await replayed(source)

        program = Program.between(
            tmp_path, *((end.conninfo, end.password or "") for end in (source, target))
        )
        answers = program.answers_for(
            source.conninfo,
            target.conninfo,
            dict(target.params)["dbname"],
            method=method,
            pause_source_jobs=False,
        )
        ended = await program.call("--answers", answers)
        assert ended.code == 1, ended.err
        report = program.report()
        looks = [f["id"] for f in report["findings"] if f["level"] == "look"]
        assert "unlogged-left-out" in looks
        assert "LOOK  Rows of 1 unlogged table are left out: public.buffer." in ended.err
        assert report["result"] == "look"
        assert all(table["equal"] for table in report["tables"])
        async with connected(target) as connection:
            assert await value(connection, "SELECT count(*) FROM public.buffer") == 0
