"""The extension on the embedded server: dropped, made again, and read right after a restart."""

import pytest
from psycopg import AsyncConnection, errors

from tests.support.embedded import SUPERUSER
from tswizard.core.db.connection import value
from tswizard.demo.server import EmbeddedServer

pytestmark = pytest.mark.e2e


async def _connect(server: EmbeddedServer) -> AsyncConnection:
    return await AsyncConnection.connect(
        server.conninfo, user=SUPERUSER, password=server.password, autocommit=True
    )


async def _make_hypertable(connection: AsyncConnection) -> None:
    await connection.execute("CREATE TABLE m (t timestamptz NOT NULL, n int)")
    await connection.execute("SELECT create_hypertable('m', 't')")
    await connection.execute(
        "INSERT INTO m SELECT timestamptz '2026-01-01 00:00+00' + g * interval '1 minute', g"
        " FROM generate_series(1, 20000) AS g"
    )


@pytest.mark.parametrize(
    "drop", ["DROP EXTENSION timescaledb CASCADE", "DROP SCHEMA public CASCADE"]
)
async def test_a_new_session_can_make_a_dropped_extension_again(
    own_server: EmbeddedServer, drop: str
) -> None:
    """As when an interrupted restore is cleared away."""
    first = await _connect(own_server)
    version = await value(
        first, "SELECT extversion FROM pg_extension WHERE extname = 'timescaledb'"
    )
    await _make_hypertable(first)
    await first.execute(drop)
    await first.execute("DROP TABLE IF EXISTS m")
    await first.execute("CREATE SCHEMA IF NOT EXISTS public")
    with pytest.raises(errors.Error, match="already been loaded with another version"):
        await first.execute("CREATE EXTENSION timescaledb")

    second = await _connect(own_server)
    await second.execute(f"CREATE EXTENSION timescaledb VERSION '{version}'")
    await _make_hypertable(second)
    assert await value(second, "SELECT count(*) FROM m") == 20000
    third = await _connect(own_server)
    assert await value(third, "SELECT count(*) FROM timescaledb_information.hypertables") == 1


async def test_statements_prepared_before_survive_the_new_backend(
    own_server: EmbeddedServer,
) -> None:
    first = await _connect(own_server)
    for n in (1, 2):
        row = await (await first.execute("SELECT %s::int + 1", (n,), prepare=True)).fetchone()
        assert row == (n + 1,)
    await first.execute("SET work_mem = '8MB'")
    await first.execute("DROP EXTENSION timescaledb")
    second = await _connect(own_server)
    await second.execute("CREATE EXTENSION timescaledb")
    assert await (await first.execute("SELECT %s::int + 1", (3,), prepare=True)).fetchone() == (4,)
    assert await value(first, "SHOW work_mem") == "8MB"


async def test_compressed_rows_are_counted_right_after_a_restart(
    own_server: EmbeddedServer,
) -> None:
    connection = await _connect(own_server)
    await _make_hypertable(connection)
    await connection.execute("ALTER TABLE m SET (timescaledb.compress)")
    await connection.execute("SELECT compress_chunk(c) FROM show_chunks('m') AS c")
    await connection.close()
    await own_server.stop()
    await own_server.start()
    again = await _connect(own_server)
    assert await value(again, "SELECT count(*) FROM m") == 20000
    assert await value(again, "SELECT sum(n) FROM m") == 200010000
