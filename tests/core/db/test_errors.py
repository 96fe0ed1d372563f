"""What an error of a server means, for errors that a server itself raised."""

import psycopg
import pytest
from psycopg import Error, sql
from psycopg.errors import AdminShutdown, DiskFull, InsufficientPrivilege

from tests.support import native
from tswizard.core.db.connection import Connection, connected, is_alive, pipelined, value
from tswizard.core.db.errors import (
    CannotConnect,
    ServerError,
    explain_error,
    is_connection_lost,
    is_refusal,
    is_transient,
    message_of,
    refuses_writes,
)
from tswizard.core.db.retry import RetryPolicy, becomes_true


async def raised(connection: Connection, sqlstate: str) -> Error:
    """An error of that kind, from the server."""
    raising = sql.SQL(
        "DO $$ BEGIN RAISE EXCEPTION 'could not do it' USING ERRCODE = {}, DETAIL = 'for a reason',"
        " HINT = 'try otherwise'; END $$"
    ).format(sql.Literal(sqlstate))
    with pytest.raises(Error) as caught:
        await connection.execute(raising)
    return caught.value


@pytest.mark.native
@pytest.mark.parametrize(
    ("sqlstate", "id", "what"),
    [
        ("53100", "disk-full", "The server's disk is full"),
        ("53200", "out-of-memory", "The server is out of memory"),
        ("53300", "too-many-connections", "The server has no free connection"),
        ("53400", "limit-exceeded", "A limit in the server's configuration was exceeded"),
        ("55P03", "lock-timeout", "A lock was not granted in time"),
        ("57014", "query-canceled", "The server canceled a statement"),
        ("40P01", "deadlock", "The server ended a statement to resolve a deadlock"),
        ("40001", "serialization-failure", "Another session changed the same rows"),
        ("25006", "read-only", "The server takes no changes"),
        ("42501", "permission-denied", "The role lacks a privilege"),
        ("58030", "server-error", "The server refused a statement"),
        ("XX000", "server-error", "The server refused a statement"),
        ("23505", "server-error", "The server refused a statement"),
    ],
)
async def test_each_error_is_told_as_what_it_is(sqlstate: str, id: str, what: str) -> None:
    async with connected(native.named(native.TARGET)) as connection:
        error = await raised(connection, sqlstate)
        told = explain_error(error)
        assert (told.id, told.what) == (id, f"{what}: could not do it.")
        assert told.why == "for a reason try otherwise"
        assert told.todo.endswith(".")
        assert "resume" not in told.todo  # whoever asks may know no run
        assert is_refusal(error)
        assert not is_connection_lost(error)
        assert is_transient(error) is (sqlstate in ("53300", "40P01", "40001"))
        assert refuses_writes(error) is (sqlstate in ("53100", "25006"))
        assert await is_alive(connection)


@pytest.mark.native
async def test_an_error_knows_its_server() -> None:
    """Also where connections to both are open: each by what it was asked itself."""
    source, target = native.named(native.SOURCE), native.named(native.TARGET)
    async with connected(source) as one, connected(target) as other:
        for connection, end in ((one, source), (other, target)):
            error = await raised(connection, "53100")
            assert explain_error(error).server == end.label
            assert explain_error(error).sentence.startswith(f"{end.label}: The server's disk")
        with pytest.raises(Error) as caught:
            async with pipelined(one) as pipeline:
                pipeline.start(value(one, "SELECT 1 / 0"))
        assert explain_error(caught.value).server == source.label
    assert explain_error(DiskFull("told by nobody")).server == ""


@pytest.mark.native
async def test_a_session_that_somebody_ended() -> None:
    server = native.named(native.TARGET)
    async with connected(server) as connection, connected(server) as other:
        pid = await value(connection, "SELECT pg_catalog.pg_backend_pid()")
        await other.execute("SELECT pg_catalog.pg_terminate_backend(%s, 5000)", (pid,))
        with pytest.raises(AdminShutdown) as caught:
            await connection.execute("SELECT 1")
        assert not await is_alive(connection)
        with pytest.raises(psycopg.OperationalError) as again:
            await connection.execute("SELECT 1")
    for error in (caught.value, again.value):
        assert is_connection_lost(error)
        assert is_transient(error)
        assert not is_refusal(error)
        assert explain_error(error).id == "connection-lost"


@pytest.mark.parametrize(
    ("error", "lost", "transient"),
    [
        (CannotConnect("Connection refused by x.", "Start it."), True, True),
        (psycopg.OperationalError("server closed the connection"), True, True),
        (psycopg.InterfaceError("the connection is closed"), True, True),
        (psycopg.ProgrammingError("the query has 1 placeholder"), False, False),
        (psycopg.errors.CannotConnectNow("starting up"), True, True),
        (psycopg.errors.TooManyConnections("sorry"), False, True),
        (DiskFull("could not extend file"), False, False),
        (ServerError(None, "psql: error: connection to server was lost"), True, True),
        (ServerError(None, "the connection is lost"), True, True),
        (ServerError(None, 'FATAL:  role "x" does not exist'), False, False),
        (ServerError("08006", "connection failure"), True, True),
        (ServerError("53300", "too many clients"), False, True),
        (ServerError("53100", "no space left"), False, False),
        (OSError("no space left"), False, False),
    ],
)
def test_what_is_a_lost_connection(error: Exception, lost: bool, transient: bool) -> None:
    assert is_connection_lost(error) is lost
    assert is_transient(error) is transient


def test_messages_are_one_line_without_a_full_stop() -> None:
    assert message_of(CannotConnect("Connection refused by x.", "Start it.")) == (
        "Connection refused by x"
    )
    assert message_of(InsufficientPrivilege("permission\n  denied")) == "permission denied"
    assert message_of(ServerError("42501", "permission denied.")) == "permission denied"


async def test_work_is_tried_again_while_its_error_is_transient() -> None:
    tries: list[str] = []
    policy = RetryPolicy(attempts=3, first_pause=0, longest_pause=0)

    async def failing(error: Exception) -> None:
        tries.append(str(error))
        raise error

    for error, times in ((psycopg.OperationalError("lost"), 3), (DiskFull("full"), 1)):
        tries.clear()
        with pytest.raises(type(error)) as caught:
            await policy.attempting(lambda _state: None)(failing, error)
        assert caught.value is error
        assert len(tries) == times


async def test_an_answer_is_waited_for() -> None:
    answers = iter((False, False, True))

    async def question() -> bool:
        return next(answers, False)

    assert await becomes_true(question, within=60, every=0)
    assert not await becomes_true(question, within=0, every=0)


@pytest.mark.native
async def test_an_error_about_another_server_is_no_lost_connection() -> None:
    async with connected(native.named(native.TARGET)) as connection:
        error = await raised(connection, "08001")
        assert is_refusal(error)
        assert not is_connection_lost(error)
        assert not is_transient(error)
        assert await is_alive(connection)
