"""A network that falls silent is a lost connection after two minutes, for us and for each tool."""

import os
import shlex
import socket
from dataclasses import replace
from pathlib import Path
from typing import Literal

import pytest
from psycopg.conninfo import conninfo_to_dict

from tests.support.native import databases
from tests.support.sample_task import task
from tests.support.split_ends import Ends, job
from tswizard.core.build_plan import build_plan
from tswizard.core.db.connection import connected
from tswizard.core.db.endpoint import Endpoint
from tswizard.core.db.passfile import passfile
from tswizard.core.db.private_folder import private_folder
from tswizard.core.model.answers import Answers
from tswizard.core.split.copy.psql_reader import PIPES, PsqlReader

_OURS = {
    "keepalives_idle": "30",
    "keepalives_interval": "10",
    "keepalives_count": "9",
    "tcp_user_timeout": "120000",
}
_SOCKET = (
    socket.TCP_KEEPIDLE,
    socket.TCP_KEEPINTVL,
    socket.TCP_KEEPCNT,
    socket.TCP_USER_TIMEOUT,
)


def test_what_the_user_gave_wins() -> None:
    plain = Endpoint.parse("host=db.example.com dbname=shop")
    assert conninfo_to_dict(plain.lasting_conninfo).items() >= _OURS.items()
    own = Endpoint.parse("host=db.example.com keepalives_idle=5 tcp_user_timeout=0 keepalives=0")
    found = conninfo_to_dict(own.lasting_conninfo)
    assert (found["keepalives_idle"], found["tcp_user_timeout"]) == ("5", "0")
    assert found["keepalives"] == "0"
    assert "tcp_user_timeout" not in plain.conninfo


@pytest.mark.parametrize("method", ["full", "split"])
def test_every_command_of_a_plan_has_them(method: Literal["full", "split"]) -> None:
    of_all = task(Answers(method=method))
    plan = build_plan(replace(of_all, inventory=replace(of_all.inventory, hypertables=())))
    given = [
        conninfo_to_dict(word.removeprefix("--dbname="))
        for step in plan.steps
        for command in step.commands
        if "--dbname=" in command
        for word in shlex.split(command)
        if word.startswith("--dbname=")
    ]
    assert len(given) >= 3
    assert all(conninfo.items() >= _OURS.items() for conninfo in given)


@pytest.mark.native
async def test_our_connections_and_psql_have_them() -> None:
    async with databases() as (source, target):
        async with connected(source) as connection:
            with socket.socket(fileno=os.dup(connection.fileno())) as ours:
                assert ours.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
                assert [ours.getsockopt(socket.IPPROTO_TCP, option) for option in _SOCKET] == [
                    30,
                    10,
                    9,
                    120_000,
                ]
        with private_folder(PIPES) as folder, passfile(source) as secret:
            reader = PsqlReader(job(Ends(source, target), folder), folder, secret, 1)
            script = "SELECT 1 \\g /dev/null\n"
            async with reader.running(script) as (psql, _pipe):
                argv = Path(f"/proc/{psql.pid}/cmdline").read_text().split("\0")
                await psql.finish()
            await reader.close()
        given = next(word for word in argv if word.startswith("--dbname="))
        assert conninfo_to_dict(given.removeprefix("--dbname=")).items() >= _OURS.items()
