"""What a command says and its exit code when it cannot do what it was asked for."""

import os
import socket
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from tests.support.sample_task import prepared
from tswizard.cli.main import cli
from tswizard.core.model.finding import Level
from tswizard.core.resume import start
from tswizard.exit_codes import Exit


@pytest.fixture
def closed() -> str:
    """A conninfo of a port where nobody listens."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return f"host=127.0.0.1 port={listener.getsockname()[1]} user=me dbname=tsdb"


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TSWIZARD_STATE_DIR", str(tmp_path))
    return tmp_path


def call(*args: str) -> Result:
    result = CliRunner().invoke(cli, args)
    assert result.exception is None or isinstance(result.exception, SystemExit)
    return result


def test_a_migration_that_never_began_changed_nothing(tmp_path: Path, closed: str) -> None:
    answers = tmp_path / "answers.toml"
    answers.write_text(
        f"source.conninfo = '{closed}'\ntarget.conninfo = '{closed}'\ntarget.confirm = 'tsdb'\n"
    )
    result = call("--answers", str(answers))
    assert result.exit_code == Exit.REFUSED
    assert result.stderr.endswith(
        "Connection refused by "
        f"127.0.0.1:{closed.split()[1].removeprefix('port=')}/tsdb. "
        "Check host and port, and that the service is running. Nothing was changed.\n"
    )


def test_to_join_what_cannot_be_reached_changed_nothing(closed: str) -> None:
    result = call("join", closed)
    assert result.exit_code == Exit.REFUSED
    assert result.stderr.endswith(" Nothing was changed.\n")


def test_who_reads_need_not_say_that_nothing_was_changed(closed: str) -> None:
    result = call("inspect", closed)
    assert result.exit_code == Exit.REFUSED
    assert result.stderr.endswith("Check host and port, and that the service is running.\n")


def test_a_run_that_cannot_be_resumed_now_had_changed_something(closed: str) -> None:
    run = start(prepared(), ())
    record = run.run_folder.record
    run.run_folder.save(replace(record, target=closed))
    result = call("resume", "--unattended")
    assert result.exit_code == Exit.STOPPED
    assert "Connection refused by" in result.stderr
    assert "changed" not in result.stderr


@pytest.mark.parametrize("command", ["inspect", "join", "resume --target"])
def test_a_conninfo_that_nobody_can_read_is_wrong_usage_and_not_repeated(command: str) -> None:
    result = call(*command.split(), "postgresql://me:s3cret@h/x?sslmode=sometimes")
    assert result.exit_code == Exit.USAGE
    assert "sometimes" in result.stderr
    assert "s3cret" not in result.output


@pytest.mark.parametrize(
    ("args", "says"),
    [
        (["resume"], "There is no run to resume."),
        (["report"], "There is no run yet."),
        (["resume", "run-1"], "There is no run at"),
        (["resume", "--source", "host=a"], "--source goes with --target."),
        (["report", "--json", "--markdown"], "not both"),
        (["--answers", "x.toml", "runs"], "--answers goes with no command"),
    ],
)
def test_wrong_usage(args: list[str], says: str) -> None:
    result = call(*args)
    assert result.exit_code == Exit.USAGE
    assert says in result.stderr


def test_no_runs() -> None:
    assert call("runs").output == "No runs yet.\n"
    assert call("runs", "--json").output == "[]\n"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--no-mouse", "runs"), "--no-mouse goes with no command, or after the command."),
        (("check", "--plain"), "This is not a terminal; leave out --plain."),
    ],
)
def test_flags_where_they_mean_nothing_are_refused(arguments: tuple[str, ...], said: str) -> None:
    result = call(*arguments)
    assert result.exit_code == Exit.USAGE
    assert said in result.output


@pytest.mark.parametrize("conninfo", ["host=x y", ""])
@pytest.mark.parametrize("end", ["source", "target"])
@pytest.mark.parametrize("command", ["resume", "check"])
def test_an_address_in_a_run_folder_that_nobody_can_read(
    command: str, end: str, conninfo: str
) -> None:
    run = start(prepared(), ())
    result = Level.PASS if command == "check" else None
    record = replace(run.run_folder.record, result=result, **{end: conninfo})  # type: ignore[arg-type]
    run.run_folder.save(record)
    ended = call(command)
    assert ended.exit_code == Exit.STOPPED
    assert f"The {end} in {run.run_folder.path / 'run.json'} cannot be used." in ended.stderr


@pytest.mark.parametrize("args", [(), ("resume", "--plain"), ("check", "--plain"), ("demo",)])
def test_a_standard_input_that_is_closed_is_no_terminal(args: tuple[str, ...]) -> None:
    program = [sys.executable, "-m", "tswizard", *args]
    done = subprocess.run(  # a shell's <&-
        ["/bin/sh", "-c", 'exec "$@" <&-', "sh", *program],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == Exit.USAGE
    assert "This is not a terminal" in done.stderr


def test_a_value_of_the_environment_that_is_no_text() -> None:
    program = [sys.executable, "-m", "tswizard", "inspect", "host=localhost dbname=x"]
    env = {**os.environb, b"PGPASSWORD": b"s3cr\xe9t"}
    done = subprocess.run(program, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == Exit.USAGE
    assert "PGPASSWORD" in done.stderr
    assert "is not UTF-8 text" in done.stderr
    assert "s3cr" not in done.stderr


def test_an_argument_that_is_no_text() -> None:
    program = [
        sys.executable.encode(),
        b"-m",
        b"tswizard",
        b"inspect",
        b"host=localhost dbname=\xe9",
    ]
    done = subprocess.run(program, capture_output=True, text=True, check=False)
    assert done.returncode == Exit.USAGE
    assert "The connection is not UTF-8 text" in done.stderr


def test_a_locale_that_lacks_a_character_is_no_error(tmp_path: Path) -> None:
    log = tmp_path / "some.log"
    log.write_text('pg_restore: error: no such thing "Größe 測定"\n', encoding="utf-8")
    program = [sys.executable, "-m", "tswizard", "classify", str(log)]
    env = {**os.environ, "PYTHONIOENCODING": "ascii:strict"}
    done = subprocess.run(program, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == Exit.LOOK
    assert "Gr??e" in done.stdout
