"""What a database or a role has set changes nothing in our sessions."""

import pytest

from tests.support import native
from tests.support.odd_settings import ODD, set_oddly
from tswizard.core.db.connection import connect_plainly, connected, rows, value
from tswizard.core.db.endpoint import Endpoint, child_environment
from tswizard.core.db.session_settings import (
    ROW_SECURITY_OFF,
    SETTINGS,
    set_for_transaction,
    startup_options,
)


@pytest.mark.native
async def test_sessions_have_our_settings_whatever_the_database_has() -> None:
    async with native.databases() as (_, target):
        async with connected(target) as connection:
            known = {name for (name,) in await rows(connection, _NAMES)}
        names = {*SETTINGS, *ROW_SECURITY_OFF, *(ODD.keys() & known)}
        before = await _settings(target, names)
        await set_oddly(target)
        async with await connect_plainly(target) as plain:
            assert await value(plain, "SHOW IntervalStyle") == "iso_8601"
        assert await _settings(target, names) == before
        assert before["IntervalStyle"] == "postgres"
        assert before["row_security"] == "off"
        assert before["idle_session_timeout"] == "0"
        assert {before[name] for name in names if name.startswith("timescaledb.")} == {"on"}


_NAMES = "SELECT name FROM pg_catalog.pg_settings"


async def _settings(end: Endpoint, names: set[str]) -> dict[str, str]:
    async with connected(end, row_security=False) as connection:
        return {name: await value(connection, f"SHOW {name}") for name in sorted(names)}


@pytest.mark.native
async def test_a_poolers_session_has_them_for_a_transaction_only() -> None:
    async with native.databases() as (_, target):
        odd = await set_oddly(target)
        async with await connect_plainly(target) as plain:
            async with plain.transaction():
                await plain.execute(set_for_transaction().encode())
                for name in odd:
                    assert await value(plain, f"SHOW {name}") != ODD[name], name
            for name in odd:
                assert await value(plain, f"SHOW {name}") == ODD[name], name


def test_options_that_a_user_gave_stay_before_ours() -> None:
    options = startup_options("-c work_mem=7MB", ROW_SECURITY_OFF)
    assert options.startswith("-c work_mem=7MB -c search_path=pg_catalog ")
    assert options.endswith(" -c row_security=off")
    assert r"-c default_transaction_isolation=read\ committed " in options


def test_client_tools_are_told_the_same() -> None:
    child = child_environment({"PGOPTIONS": "-c search_path=public"}, None)
    assert child["PGOPTIONS"] == startup_options()
