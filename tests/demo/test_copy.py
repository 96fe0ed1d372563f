"""COPY both ways, as text and binary, with errors, big, and with clients that go away."""

import pytest
from psycopg import AsyncConnection, errors
from psycopg.pq import ExecStatus

from tests.support.embedded import Connect
from tswizard.core.db.connection import value

pytestmark = pytest.mark.e2e


async def copy_in(connection: AsyncConnection, sql: str, *pieces: bytes) -> None:
    async with connection.cursor().copy(sql.encode()) as copy:
        for piece in pieces:
            await copy.write(piece)


async def copy_out(connection: AsyncConnection, sql: str) -> bytes:
    async with connection.cursor().copy(sql.encode()) as copy:
        return b"".join([bytes(piece) async for piece in copy])


@pytest.mark.parametrize("how", ["text", "csv", "binary"])
async def test_what_comes_out_goes_in(connect: Connect, how: str) -> None:
    connection = await connect()
    await connection.execute(
        f"""CREATE TABLE out_{how} AS
            SELECT g AS n, 'ä "\\\t\n' || g AS words, g % 3 = 0 AS third,
                   CASE WHEN g % 5 > 0 THEN decode(md5(g::text), 'hex') END AS bytes
              FROM generate_series(1, 5000) AS g"""
    )
    await connection.execute(f"CREATE TABLE in_{how} (LIKE out_{how})")
    data = await copy_out(connection, f"COPY out_{how} TO STDOUT (FORMAT {how})")
    await copy_in(connection, f"COPY in_{how} FROM STDIN (FORMAT {how})", data)
    difference = f"(TABLE out_{how} EXCEPT ALL TABLE in_{how})"
    assert await value(connection, f"SELECT count(*) FROM {difference} AS d") == 0
    assert await value(connection, f"SELECT count(*) FROM in_{how}") == 5000


async def test_a_bad_row_fails_the_copy_and_nothing_else(connect: Connect) -> None:
    connection = await connect()
    await connection.execute("CREATE TABLE numbers (n int)")
    lines = [b"1\n", b"two\n", *(b"%d\n" % n * 1000 for n in range(1000))]
    with pytest.raises(errors.InvalidTextRepresentation, match='"two"'):
        await copy_in(connection, "COPY numbers FROM STDIN", *lines)
    assert await value(connection, "SELECT count(*) FROM numbers") == 0
    await copy_in(connection, "COPY numbers FROM STDIN", b"1\n2\n")
    assert await value(connection, "SELECT sum(n) FROM numbers") == 3


async def test_copy_into_a_table_that_is_not_there(connect: Connect) -> None:
    connection = await connect()
    with pytest.raises(errors.UndefinedTable):
        await copy_in(connection, "COPY nowhere FROM STDIN", b"1\n")
    assert await value(connection, "SELECT 1") == 1


async def test_a_client_can_take_its_copy_back(connect: Connect) -> None:
    connection = await connect()
    await connection.execute("CREATE TABLE regretted (n int)")
    with pytest.raises(RuntimeError, match="regret"):
        async with connection.cursor().copy(b"COPY regretted FROM STDIN") as copy:
            await copy.write(b"1\n")
            raise RuntimeError("regret")
    assert await value(connection, "SELECT count(*) FROM regretted") == 0


async def test_several_copies_in_one_query(connect: Connect) -> None:
    connection = await connect()
    await connection.execute("CREATE TABLE twice (n int)")
    pgconn = connection.pgconn
    pgconn.send_query(b"COPY twice FROM STDIN; SELECT 5; COPY twice FROM STDIN")
    statuses = []
    while (result := pgconn.get_result()) is not None:
        statuses.append(ExecStatus(result.status).name)
        if result.status == ExecStatus.COPY_IN:
            pgconn.put_copy_data(b"1\n")
            pgconn.put_copy_end()
    assert statuses == ["COPY_IN", "COMMAND_OK", "TUPLES_OK", "COPY_IN", "COMMAND_OK"]
    assert await value(connection, "SELECT sum(n) FROM twice") == 2


async def test_copy_in_the_extended_protocol(connect: Connect) -> None:
    connection = await connect()
    await connection.execute("CREATE TABLE extended (n int)")
    pgconn = connection.pgconn
    result = pgconn.exec_params(b"COPY extended FROM STDIN", [])
    assert result.status == ExecStatus.COPY_IN
    pgconn.put_copy_data(b"1\n")
    pgconn.put_copy_end()
    while pgconn.get_result() is not None:
        pass
    assert await value(connection, "SELECT sum(n) FROM extended") == 1


async def test_forty_megabytes_go_in_and_out(connect: Connect) -> None:
    connection = await connect()
    await connection.execute("CREATE TABLE big (line text)")
    line = b"x" * 999 + b"\n"
    piece = line * 262
    await copy_in(connection, "COPY big FROM STDIN", *[piece] * 160)
    lines = 262 * 160
    assert await value(connection, "SELECT count(*) FROM big") == lines
    assert len(await copy_out(connection, "COPY big TO STDOUT")) == lines * 1000


async def test_a_client_that_goes_away_in_a_copy_leaves_no_rows(connect: Connect) -> None:
    watcher = await connect()
    await watcher.execute("CREATE TABLE left_alone (n int)")
    leaver = await connect()
    leaver.pgconn.exec_(b"COPY left_alone FROM STDIN")
    leaver.pgconn.put_copy_data(b"1\n" * 10000)
    leaver.pgconn.finish()
    assert await value(watcher, "SELECT count(*) FROM left_alone") == 0


async def test_a_client_that_goes_away_while_it_reads_harms_nobody(connect: Connect) -> None:
    watcher = await connect()
    leaver = await connect()
    leaver.pgconn.exec_(b"COPY (SELECT repeat('y', 999) FROM generate_series(1, 50000)) TO STDOUT")
    leaver.pgconn.finish()
    assert await value(watcher, "SELECT 1") == 1
