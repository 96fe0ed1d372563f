"""A signal while nothing is changed yet: a sentence, an exit code, nothing left behind."""

import asyncio
import signal
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.native import databases
from tests.support.program import Program
from tswizard.cli.watch import on_signal
from tswizard.core.db.connection import connected
from tswizard.exit_codes import Exit


@pytest.fixture
def silent() -> Iterator[socket.socket]:
    """Somebody listens and never says a word."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        listener.setblocking(False)
        yield listener


def program(folder: Path) -> Program:
    return Program.between(folder)


def conninfo(listener: socket.socket) -> str:
    return f"host=127.0.0.1 port={listener.getsockname()[1]} dbname=x user=u connect_timeout=600"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
@pytest.mark.parametrize("command", ["--answers", "plan"])
async def test_before_a_run_it_says_that_nothing_was_changed(
    tmp_path: Path, silent: socket.socket, number: signal.Signals, command: str
) -> None:
    subject = program(tmp_path)
    answers = subject.answers_for(conninfo(silent), conninfo(silent), confirm="x")
    async with subject.started(command, answers) as process:
        waiting, _ = await asyncio.get_running_loop().sock_accept(silent)  # for an answer
        process.send_signal(number)
        _, err = await process.communicate()
        waiting.close()
    assert process.returncode == Exit.STOPPED
    assert err.decode().endswith("Stopped. Nothing was changed.\n")


async def test_what_nohup_has_set_to_be_ignored_stays_so(
    tmp_path: Path, silent: socket.socket
) -> None:
    subject = program(tmp_path)
    answers = subject.answers_for(conninfo(silent), conninfo(silent), confirm="x")
    wrapper = ("/bin/sh", "-c", 'trap "" HUP; exec "$@"', "sh")
    async with subject.started("--answers", answers, wrapper=wrapper) as process:
        waiting, _ = await asyncio.get_running_loop().sock_accept(silent)
        process.send_signal(signal.SIGHUP)
        process.send_signal(signal.SIGTERM)
        _, err = await process.communicate()
        waiting.close()
    assert process.returncode == Exit.STOPPED
    assert err.decode().endswith("Stopped. Nothing was changed.\n")


async def test_a_signal_that_is_ignored_is_not_listened_to() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with on_signal(lambda: None):
            assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
            assert signal.getsignal(signal.SIGTERM) not in (signal.SIG_DFL, signal.SIG_IGN)
        assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)


@pytest.mark.native
async def test_a_signal_while_samples_are_timed_leaves_no_password(tmp_path: Path) -> None:
    subject = program(tmp_path)
    async with databases() as (source, target):
        async with connected(source) as connection:
            await connection.execute(
                "CREATE TABLE public.many AS SELECT n, repeat(md5(n::text), 9) AS text "
                "FROM generate_series(1, 300000) n"
            )
        ends = [
            f"{end.conninfo} password={end.password or 'Sup3rS3cret'}" for end in (source, target)
        ]
        confirm = target.get("dbname")
        answers = subject.answers_for(ends[0], ends[1], confirm=confirm, probe=True)
        async with subject.started("--answers", answers) as process:
            async with asyncio.timeout(300):
                while not list(tmp_path.glob("tswizard-secret-*/passfile")):
                    assert process.returncode is None
                    await asyncio.sleep(0.005)
            process.send_signal(signal.SIGTERM)
            _, err = await process.communicate()
    assert process.returncode == Exit.STOPPED
    assert "Stopped." in err.decode()
    assert not list(tmp_path.glob("tswizard-secret-*"))
