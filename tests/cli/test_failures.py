"""What a command says and its exit code when it cannot do what it was asked for."""

import socket
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from tests.support.sample_task import prepared
from tswizard.cli.main import cli
from tswizard.core.model.events import StepState
from tswizard.core.model.finding import Level
from tswizard.core.other_target import movable_runs
from tswizard.core.resume import start
from tswizard.core.run.run_folder import RunFolder
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


@pytest.mark.parametrize("data", [b"", b"[]", b"{}", b"\xff\xfe", None])
def test_a_report_that_cannot_be_read(data: bytes | None) -> None:
    path = start(prepared(), ()).run_folder.path / "report.json"
    if data is None:
        path.mkdir()
    else:
        path.write_bytes(data)
    result = call("report")
    assert result.exit_code == Exit.STOPPED
    assert result.stderr.startswith(str(path))
    assert result.stderr.count("\n") == 1


@pytest.mark.parametrize("command", ["resume --unattended", "check"])
def test_an_inventory_that_cannot_be_read(command: str) -> None:
    run_folder = start(prepared(), ()).run_folder
    if command == "check":
        run_folder.save(replace(run_folder.record, result=Level.LOOK))
    (run_folder.path / "inventory.json").write_text("{}")
    result = call(*command.split())
    assert result.exit_code == Exit.STOPPED
    assert "inventory.json is not of this version of tswizard" in result.stderr


def test_such_a_run_keeps_no_other_from_going_on_into_another_target() -> None:
    run_folder = start(prepared(), ()).run_folder
    dump = replace(run_folder.record.step("dump"), state=StepState.DONE)
    run_folder.save(run_folder.record.with_step(dump))
    run_folder.dump_path.mkdir(parents=True)
    (run_folder.dump_path / "toc.dat").touch()
    assert movable_runs() != ()
    (run_folder.path / "inventory.json").write_text("{}")
    assert movable_runs() == ()


def test_a_run_that_was_not_planned_to_its_end_is_not_offered() -> None:
    ends = prepared()
    run_folder = RunFolder.create(ends.source, ends.target, ends.answers, (), ())
    name = run_folder.record.id
    sentence = f"{name} was not planned to its end; start a new run.\n"
    assert "There is no run to resume." in call("resume").stderr
    for command in ("resume --unattended", "check", "report"):
        result = call(*command.split(), name)
        assert (result.exit_code, result.stderr) == (Exit.STOPPED, sentence), command


def test_a_run_whose_lock_cannot_be_opened_is_listed() -> None:
    run_folder = start(prepared(), ()).run_folder
    run_folder.save(replace(run_folder.record, paused_source_jobs=(1000,)))
    (run_folder.path / "lock").mkdir()
    result = call("runs")
    assert result.exit_code == 0
    assert "job 1000 of the source is still paused" in result.output
