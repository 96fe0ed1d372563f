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
from tswizard.core.model.answers import Answers
from tswizard.core.model.events import StepState
from tswizard.core.model.finding import Level
from tswizard.core.other_target import movable_runs
from tswizard.core.resume import start
from tswizard.core.run.run_folder import RunFolder
from tswizard.core.steps.leftovers import dump_to_remove
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


def test_other_answers_are_kept_before_anything_is_resumed(tmp_path: Path, closed: str) -> None:
    run_folder = start(prepared(), ()).run_folder
    run_folder.save(replace(run_folder.record, target=closed))
    result = call("resume", "--unattended", "--jobs", "2", "--staging", str(tmp_path))
    assert result.exit_code == Exit.STOPPED
    answers = RunFolder.open(run_folder.record.id).record.answers
    assert (answers.jobs, answers.staging) == (2, str(tmp_path))


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
        (["resume", "--jobs", "65"], "--jobs: between 1 and 64 jobs, or 0 to let"),
        (["resume", "--staging", "/no/such"], "--staging: /no/such is not a folder; create it"),
        (["report", "--json", "--markdown"], "not both"),
        (["runs", "--yes"], "--yes goes with --remove."),
        (["runs", "--json", "--remove", "run-1"], "--json or --remove, not both."),
        (["runs", "--remove", "run-1", "--yes"], "There is no run at"),
        (["--answers", "x.toml", "runs"], "runs does not take --answers."),
        (["--plain", "check"], "Put --plain after the command: tswizard check --plain"),
    ],
)
def test_wrong_usage(args: list[str], says: str) -> None:
    result = call(*args)
    assert result.exit_code == Exit.USAGE
    assert says in result.stderr


def test_an_unfinished_run_names_its_steps_by_their_titles() -> None:
    start(prepared(), ())
    result = call("report")
    assert result.exit_code == Exit.STOPPED
    assert "  pending  Dump the source\n" in result.stderr


def test_a_finished_run_is_removed_with_its_dump(tmp_path: Path) -> None:
    staging = tmp_path / "staging"
    run_folder = start(prepared(Answers(staging=str(staging))), ()).run_folder
    run_folder.dump_path.mkdir(parents=True)
    (run_folder.dump_path / "toc.dat").write_bytes(b"x" * (3 << 20))
    id, others = run_folder.record.id, start(prepared(), ()).run_folder
    assert dump_to_remove(run_folder) == (
        f"Remove the dump, 3.0 MiB in {run_folder.dump_path}, with the run's folder when you no "
        "longer need either",
        f"tswizard runs --remove {id}",
    )
    unfinished = call("runs", "--remove", id, "--yes")
    assert (unfinished.exit_code, run_folder.dump_path.exists()) == (Exit.USAGE, True)
    assert f"{id} is unfinished, and a resume needs its folder" in unfinished.stderr

    run_folder.save(replace(run_folder.record, result=Level.PASS))
    with run_folder.held():
        assert "is under way" in call("runs", "--remove", id, "--yes").stderr
    assert "This is not a terminal; add --yes." in call("runs", "--remove", id).stderr
    assert run_folder.dump_path.exists()
    removed = call("runs", "--remove", id, "--yes")
    assert removed.exit_code == Exit.PASSED
    assert removed.stdout.startswith(f"Removed {run_folder.path} and {run_folder.dump_path}: 3.")
    assert removed.stdout.endswith(" MiB freed.\n")
    assert not run_folder.path.exists() and not run_folder.dump_path.exists()
    assert staging.exists() and others.path.exists()


def test_no_runs() -> None:
    assert call("runs").output == "No runs yet.\n"
    assert call("runs", "--json").output == "[]\n"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--no-mouse", "runs"), "runs does not take --no-mouse."),
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


def test_a_run_that_cannot_be_read_is_told_of_beside_the_others() -> None:
    good, other = start(prepared(), ()).run_folder, start(prepared(), ()).run_folder
    (other.path / "run.json").write_text('{"format": 99}')
    result = call("runs")
    assert result.exit_code == 0
    assert good.record.id in result.output
    assert f"{other.path / 'run.json'} is not of this version of tswizard" in result.output
