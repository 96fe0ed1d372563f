"""Who gets in, with which words the others are refused, and what a new session finds."""

import pytest
from psycopg import AsyncConnection, OperationalError, errors

from tests.support.embedded import SUPERUSER, Connect
from tswizard.core.db.connection import value
from tswizard.demo.server import EmbeddedServer

pytestmark = pytest.mark.e2e


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"password": "wrong"}, 'password authentication failed for user "tsdbadmin"'),
        ({"user": "nobody"}, 'password authentication failed for user "nobody"'),
        ({"dbname": "nowhere"}, 'database "nowhere" does not exist'),
        ({"options": "-c no_such_thing=1"}, 'unrecognized configuration parameter "no_such_thing"'),
        ({"options": "-c work_mem=much"}, 'invalid value for parameter "work_mem": "much"'),
    ],
)
async def test_a_refusal_has_postgresqls_own_words(
    connect: Connect, wrong: dict[str, str], words: str
) -> None:
    with pytest.raises(OperationalError) as refused:
        await connect(**wrong)
    assert f"FATAL:  {words}" in str(refused.value)


async def test_a_role_without_login_is_refused(connect: Connect) -> None:
    admin = await connect()
    await admin.execute("CREATE ROLE sleeper PASSWORD 'secret'")
    with pytest.raises(OperationalError, match='role "sleeper" is not permitted to log in'):
        await connect(user="sleeper", password="secret")


async def test_roles_made_with_sql_can_log_in(connect: Connect) -> None:
    admin = await connect()
    await admin.execute("CREATE ROLE analyst LOGIN PASSWORD 'it''s \\ secret'")
    analyst = await connect(user="analyst", password="it's \\ secret")
    assert await value(analyst, "SELECT current_user || ' ' || session_user") == "analyst analyst"
    assert analyst.info.parameter_status("is_superuser") == "off"
    assert admin.info.parameter_status("is_superuser") == "off"
    boss = await connect(user=SUPERUSER)
    assert boss.info.parameter_status("is_superuser") == "on"


async def test_the_user_is_what_the_managed_clouds_is(connect: Connect) -> None:
    connection = await connect()
    with pytest.raises(errors.InsufficientPrivilege, match="must be owner of extension"):
        await connection.execute("DROP EXTENSION timescaledb")
    assert await value(connection, _OWNS_DATABASE)
    await connection.execute("SELECT timescaledb_pre_restore()")
    fresh = await connect()
    assert await value(fresh, "SHOW timescaledb.restoring") == "on"
    await fresh.execute("DELETE FROM _timescaledb_catalog.hypertable")
    await fresh.execute("SELECT timescaledb_post_restore()")


_OWNS_DATABASE = """
SELECT pg_has_role(datdba, 'USAGE') FROM pg_database WHERE datname = current_database()
"""


async def test_every_connection_reports_the_pid_of_the_one_backend(connect: Connect) -> None:
    one, two = await connect(), await connect()
    pids = {await value(each, "SELECT pg_backend_pid()") for each in (one, two)}
    assert pids == {one.info.backend_pid, two.info.backend_pid}
    assert len(pids) == 1


async def test_parameters_are_those_of_the_session(connect: Connect) -> None:
    connection = await connect(application_name="here", options="-c TimeZone=Asia/Tokyo")
    info = connection.info
    assert info.parameter_status("application_name") == "here"
    assert info.parameter_status("TimeZone") == "Asia/Tokyo"
    assert info.parameter_status("session_authorization") == "tsdbadmin"
    assert info.server_version // 10000 == 17
    assert await value(connection, "SHOW search_path") == '"$user", public'


async def test_settings_of_the_database_reach_new_connections_only(connect: Connect) -> None:
    before = await connect()
    await before.execute("ALTER DATABASE tsdb SET work_mem = '7MB'")
    try:
        after = await connect()
        assert await value(after, "SHOW work_mem") == "7MB"
        assert await value(before, "SHOW work_mem") == "4MB"
    finally:
        await before.execute("ALTER DATABASE tsdb RESET work_mem")


async def test_restore_mode_reaches_new_connections(connect: Connect) -> None:
    admin = await connect()
    await admin.execute("SELECT timescaledb_pre_restore()")
    try:
        assert await value(await connect(), "SHOW timescaledb.restoring") == "on"
    finally:
        await admin.execute("SELECT timescaledb_post_restore()")
    assert await value(await connect(), "SHOW timescaledb.restoring") == "off"


async def test_encryption_is_declined_not_pretended(server: EmbeddedServer) -> None:
    with pytest.raises(OperationalError, match="server does not support SSL"):
        await AsyncConnection.connect(server.conninfo, password=server.password, sslmode="require")
