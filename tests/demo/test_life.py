"""How the server starts, ends and fails, and what it keeps."""

import asyncio
import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from psycopg import AsyncConnection, OperationalError

from tests.support.embedded import SUPERUSER, empty_server, new_runtime
from tests.support.processes import gone, is_alive
from tswizard.core.db.connection import value
from tswizard.demo.progress import DemoError
from tswizard.demo.server import USER, EmbeddedServer

pytestmark = pytest.mark.e2e


async def _connect(server: EmbeddedServer, user: str = USER) -> AsyncConnection:
    return await AsyncConnection.connect(
        server.conninfo, user=user, password=server.password, autocommit=True
    )


@pytest.mark.parametrize("ended_by", [signal.SIGTERM, signal.SIGINT, "closed input"])
async def test_it_ends_when_it_is_told_to(
    own_server: EmbeddedServer, ended_by: signal.Signals | str
) -> None:
    process = own_server.process
    assert process is not None
    if isinstance(ended_by, signal.Signals):
        process.send_signal(ended_by)
    else:
        assert process.stdin is not None
        process.stdin.close()
    assert await asyncio.to_thread(process.wait, 600) == 0


async def test_it_ends_even_while_a_statement_runs(own_server: EmbeddedServer) -> None:
    connection = await _connect(own_server)
    endless = asyncio.create_task(
        connection.execute("SELECT count(*) FROM generate_series(1, 100000000000)")
    )
    other = asyncio.create_task(_connect(own_server))
    await asyncio.wait([other], timeout=0.5)
    assert not other.done()  # the statement has the backend
    process = own_server.process
    assert process is not None
    process.send_signal(signal.SIGTERM)
    assert await asyncio.to_thread(process.wait, 600) == 0
    with pytest.raises(OperationalError):
        await endless
    with pytest.raises(OperationalError):
        await other


async def test_it_ends_when_its_parent_is_killed() -> None:
    program = (
        "import asyncio, time\n"
        "from tswizard.demo import EmbeddedPair\n"
        "async def main():\n"
        "    async with EmbeddedPair.prepare_and_start() as pair:\n"
        "        print(pair.source.pid, pair.target.pid, flush=True)\n"
        "        time.sleep(600)\n"
        "asyncio.run(main())\n"
    )
    await new_runtime()
    parent = await asyncio.create_subprocess_exec(
        sys.executable, "-c", program, stdout=subprocess.PIPE
    )
    assert parent.stdout is not None
    pids = [int(pid) for pid in (await parent.stdout.readline()).split()]
    assert len(pids) == 2
    assert all(is_alive(pid) for pid in pids)
    parent.kill()
    await parent.wait()
    for pid in pids:
        await gone(pid)


async def test_what_was_committed_survives_a_kill(own_server: EmbeddedServer) -> None:
    connection = await _connect(own_server)
    await connection.execute("CREATE TABLE kept (n int)")
    await connection.execute("INSERT INTO kept SELECT generate_series(1, 10000)")
    await connection.execute("BEGIN")
    await connection.execute("INSERT INTO kept SELECT generate_series(1, 5000)")
    port, password = own_server.port, own_server.password
    own_server.kill()
    with pytest.raises(OperationalError):
        await connection.execute("COMMIT")
    await own_server.start()
    assert (own_server.port, own_server.password) == (port, password)
    again = await _connect(own_server)
    assert await value(again, "SELECT count(*) FROM kept") == 10000
    await again.execute("INSERT INTO kept VALUES (0)")


async def test_a_dead_backend_ends_the_server_with_its_own_code(
    own_server: EmbeddedServer,
) -> None:
    connection = await _connect(own_server, SUPERUSER)  # who may ask for a checkpoint
    process = own_server.process
    assert process is not None
    shutil.rmtree(own_server.data_dir / "global")
    with pytest.raises(OperationalError):
        await connection.execute("CHECKPOINT")
    assert await asyncio.to_thread(process.wait, 600) == 70
    assert "the PostgreSQL backend died" in own_server.last_words
    assert "PANIC" in own_server.last_words


async def test_a_taken_port_is_said(tmp_path: Path) -> None:
    server = await empty_server(tmp_path)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        server.port = taken.getsockname()[1]
        with pytest.raises(DemoError, match=f"cannot listen on port {server.port}"):
            await server.start()


async def test_a_broken_data_directory_is_said(tmp_path: Path) -> None:
    server = await empty_server(tmp_path)
    (tmp_path / "target" / "global" / "pg_control").write_bytes(b"broken")
    with pytest.raises(DemoError, match=r"ended with code .* while it started: .+"):
        await server.start()


async def test_servers_are_reached_on_the_loopback_only(own_server: EmbeddedServer) -> None:
    def listening() -> set[str]:
        addresses = set()
        for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
            address, port = line.split()[1].split(":")
            if int(port, 16) == own_server.port and line.split()[3] == "0A":
                addresses.add(address)
        return addresses

    assert listening() == {"0100007F"}


async def test_no_password_is_in_its_arguments_or_environment(
    own_server: EmbeddedServer,
) -> None:
    for part in ("cmdline", "environ"):
        seen = Path(f"/proc/{own_server.pid}/{part}").read_bytes()
        assert own_server.password.encode() not in seen
    assert own_server.password not in own_server.conninfo
