"""Connections: set up alike, refused in one sentence."""

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from psycopg import OperationalError

from tswizard.core.db.connection import connect, connected, rows, value
from tswizard.core.db.endpoint import Endpoint
from tswizard.core.db.errors import CannotConnect, explain_connect
from tswizard.demo import EmbeddedPair

e2e = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="module")]


@pytest.fixture
def silent_port() -> Iterator[int]:
    """A port where somebody listens and never says a word."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield listener.getsockname()[1]


@pytest.fixture
def closed_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
    return port


async def test_nothing_listens(closed_port: int) -> None:
    endpoint = Endpoint.parse(f"postgresql://me:s3cret@127.0.0.1:{closed_port}/shop")
    with pytest.raises(CannotConnect) as caught:
        await connect(endpoint)
    assert caught.value.what == f"Connection refused by 127.0.0.1:{closed_port}/shop."


async def test_somebody_listens_and_does_not_answer(silent_port: int) -> None:
    endpoint = Endpoint.parse(f"host=127.0.0.1 port={silent_port} dbname=shop connect_timeout=1")
    with pytest.raises(CannotConnect, match="does not answer"):
        await connect(endpoint)


async def test_a_value_that_libpq_refuses(closed_port: int) -> None:
    endpoint = Endpoint.parse(f"host=127.0.0.1 port={closed_port} dbname=x connect_timeout=soon")
    with pytest.raises(CannotConnect, match="soon"):
        await connect(endpoint)


@pytest.mark.parametrize(
    ("said", "what"),
    [
        ("FATAL:  unsupported startup parameter: options", "is a connection pool"),
        (
            'FATAL:  no pg_hba.conf entry for host "::1", SSL off',
            "has no pg_hba.conf entry for me from this host",
        ),
        ("fe_sendauth: no password supplied", "requires a password for me"),
        ('FATAL:  password authentication failed for user "me"', "rejected the password for me"),
        ('FATAL:  database "shop" does not exist', "no such database"),
        ('FATAL:  role "me" does not exist', "no role me"),
        ("server does not support SSL, but SSL was required", "no encrypted connection"),
        ("FATAL:  sorry, too many clients already", "no free connection"),
        ("FATAL:  the database system is starting up", "closed the connection"),
        ("FATAL:  something new: s3cret", "something new: ********."),
    ],
)
def test_what_a_server_says_becomes_one_sentence(said: str, what: str) -> None:
    endpoint = Endpoint.parse("postgresql://me:s3cret@127.0.0.1:5432/shop")
    lead = 'connection failed: connection to server at "127.0.0.1", port 5432 failed: '
    error = explain_connect(OperationalError(lead + said), endpoint)
    assert what in error.what
    assert "connection to server" not in error.what
    assert "s3cret" not in str(error)
    assert error.todo.endswith(".")


@pytest.mark.parametrize("host", ["a..b", f"{'x' * 64}.example.com"])
async def test_a_host_that_is_no_name(host: str) -> None:
    endpoint = Endpoint.parse(f"host={host} dbname=x user=u", password="s3cret")
    with pytest.raises(CannotConnect) as caught:
        await connect(endpoint)
    assert caught.value.what == f"The host of {host}:5432/x cannot be resolved."
    assert "Check its name" in caught.value.todo


_TWICE = (
    'connection failed: connection to server at "::1", port 5432 failed: FATAL:  not foo\n'
    'connection to server at "::1", port 5432 failed: FATAL:  not foo'
)
_TWO_ADDRESSES = f"""{_TWICE}
Multiple connection attempts failed. All failures were:
- host: 'localhost', port: '5432', hostaddr: '127.0.0.1': {_TWICE}
- host: 'localhost', port: '5432', hostaddr: '::1': {_TWICE}"""


@pytest.mark.parametrize("said", [_TWICE, _TWO_ADDRESSES])
def test_what_is_said_of_several_attempts_is_told_once(said: str) -> None:
    endpoint = Endpoint.parse("postgresql://me@localhost:5432/shop")
    assert explain_connect(OperationalError(said), endpoint).what == (
        "localhost:5432/shop: not foo."
    )


_NOT_SUPPLIED = OperationalError("fe_sendauth: no password supplied")


@pytest.mark.parametrize(("mode", "ignored"), [(0o644, True), (0o640, True), (0o600, False)])
def test_a_password_file_that_others_may_read_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mode: int, ignored: bool
) -> None:
    passfile = tmp_path / "pgpass"
    passfile.write_text("*:*:*:*:x")
    passfile.chmod(mode)
    monkeypatch.setenv("PGPASSFILE", str(passfile))
    endpoint = Endpoint.parse("postgresql://me@127.0.0.1:5432/shop")
    todo = explain_connect(_NOT_SUPPLIED, endpoint).todo
    assert (f"chmod 600 {passfile}" in todo) is ignored
    assert "chmod" not in explain_connect(_NOT_SUPPLIED, endpoint.with_password("x")).todo


async def test_libpq_says_nothing_of_it_itself(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    closed_port: int,
    capfd: pytest.CaptureFixture[str],
) -> None:
    passfile = tmp_path / "pgpass"
    passfile.write_text("*:*:*:*:x")
    passfile.chmod(0o644)
    monkeypatch.setenv("PGPASSFILE", str(passfile))
    with pytest.raises(CannotConnect):
        await connect(Endpoint.parse(f"host=127.0.0.1 port={closed_port} dbname=x user=u"))
    assert "WARNING" not in capfd.readouterr().err


class TestOnAServer:
    """What only a server can tell."""

    pytestmark = e2e

    async def test_a_wrong_password(self, module_pair: EmbeddedPair) -> None:
        endpoint = Endpoint.parse(module_pair.source_conninfo, password="wrong-s3cret")
        with pytest.raises(CannotConnect, match="rejected the password") as caught:
            await connect(endpoint)
        assert "wrong-s3cret" not in str(caught.value)
        assert caught.value.__cause__ is None

    async def test_no_such_database(self, module_pair: EmbeddedPair) -> None:
        given = Endpoint.parse(module_pair.source_conninfo)
        wrong = Endpoint.parse(f"{given.conninfo} dbname=nowhere")
        with pytest.raises(CannotConnect, match="defaultdb"):
            await connect(wrong.with_password(module_pair.source_password))

    async def test_sessions_have_no_limits_and_an_empty_path(
        self, module_pair: EmbeddedPair
    ) -> None:
        endpoint = Endpoint.parse(module_pair.source_conninfo, password=module_pair.source_password)
        async with connected(endpoint) as connection:
            names = ("statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout")
            found = [await value(connection, f"SHOW {name}") for name in names]
            assert found == ["0", "0", "0"]
            path = "SELECT pg_catalog.current_schemas(false)"
            assert await rows(connection, path) == [(["pg_catalog"],)]
        assert connection.closed

    async def test_the_users_own_options_stay(self, module_pair: EmbeddedPair) -> None:
        given = Endpoint.parse(module_pair.source_conninfo)
        endpoint = Endpoint.parse(f"{given.conninfo} options='-c work_mem=7MB'")
        async with connected(endpoint.with_password(module_pair.source_password)) as connection:
            assert await value(connection, "SHOW work_mem") == "7MB"
            assert await value(connection, "SHOW statement_timeout") == "0"
