"""Both forms of a runbook: what stands in them, and what the script's own functions do."""

import os
import subprocess
from pathlib import Path

import pytest

from tests.support.sample_task import SECRET, task
from tswizard.core.model.runbook import HandStep, Runbook, shell_code, target_sql
from tswizard.core.runbook.markdown import markdown
from tswizard.core.runbook.script import runnable, script
from tswizard.core.runbook.sheet import Sheet

STEPS = (
    HandStep(id="one-thing", title="One", why="Because.", code=(shell_code("say first"),)),
    HandStep(
        id="two",
        title="Two",
        why="Because.",
        code=(shell_code('[ -e "$WORK/allowed" ] || stop "not allowed"\nsay second'),),
        expect="Nothing.",
    ),
    HandStep(id="three", title="Three", why="Because.", code=(shell_code("say third"),)),
)


def sheet(*steps: HandStep) -> Sheet:
    return Sheet.of(task(), Runbook(steps=steps, differences=("Slower.",)), 1 << 20, 1 << 30)


def run(folder: Path, *args: str) -> subprocess.CompletedProcess[str]:
    path = folder / "migrate.sh"
    path.write_text(script(sheet(*STEPS)), encoding="utf-8")
    env = {"PATH": os.environ["PATH"], "SOURCE": "x", "TARGET": "y", "WORK": str(folder)}
    return subprocess.run(
        ["bash", path, *args], env=env, capture_output=True, text=True, check=False
    )


def test_a_script_ends_at_the_first_error_and_goes_on_there(tmp_path: Path) -> None:
    ended = run(tmp_path)
    assert ended.returncode == 1
    assert "STOP: not allowed" in ended.stderr
    assert "first" in ended.stderr
    assert "third" not in ended.stderr
    (tmp_path / "allowed").touch()
    ended = run(tmp_path)
    assert ended.returncode == 0
    assert "== 1. One: done before" in ended.stderr
    assert "first" not in ended.stderr
    assert ended.stderr.index("second") < ended.stderr.index("third")


def test_one_step_by_its_name_again_and_again(tmp_path: Path) -> None:
    for _ in range(2):
        ended = run(tmp_path, "one-thing")
        assert (ended.returncode, ended.stderr) == (0, "== one-thing\nfirst\n")
    assert run(tmp_path, "two").returncode == 1


def test_without_connections_it_says_which_is_missing(tmp_path: Path) -> None:
    path = tmp_path / "migrate.sh"
    path.write_text(script(sheet(*STEPS)), encoding="utf-8")
    ended = subprocess.run(
        ["bash", path],
        env={"PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode != 0
    assert "SOURCE: is not set" in ended.stderr


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ("pg_restore: error: could not execute query: ERROR:  must be owner of extension x", 0),
        ('pg_restore: error: could not execute query: ERROR:  relation "x" does not exist', 1),
    ],
)
def test_an_error_of_pg_restore_that_is_not_expected_ends_it(
    tmp_path: Path, said: str, code: int
) -> None:
    tool = tmp_path / "pg_restore"
    tool.write_text(
        f"#!/bin/sh\necho '{said}' >&2\necho 'pg_restore: warning: errors ignored on restore: 1' "
        ">&2\nexit 1\n"
    )
    tool.chmod(0o755)
    calling = f"{sheet().preamble}\nrestore part 'must be owner of extension|no privileges'\n"
    env = {"PATH": f"{tmp_path}:{os.environ['PATH']}", "SOURCE": "x", "TARGET": "y"}
    ended = subprocess.run(
        ["bash", "-c", calling],
        env=env | {"WORK": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == code
    assert ("not expected" in ended.stderr) == bool(code)
    assert (tmp_path / "part.log").read_text().startswith(said)


def test_sql_that_would_end_its_own_here_document_gets_another_end() -> None:
    code = target_sql("SELECT 1", "-- a comment", "\\if :x", "SELECT 2 \\gexec")
    assert runnable(code) == (
        "on_target << 'SQL'\nSELECT 1;\n-- a comment\n\\if :x\nSELECT 2 \\gexec\nSQL"
    )
    assert runnable(target_sql("SELECT '\nSQL\n'")).endswith("\nSQL_")


def test_both_forms_say_the_same_and_hold_no_secret() -> None:
    written = sheet(*STEPS)
    for text in (markdown(written), script(written)):
        assert SECRET not in text
        assert "my db" in text
        for step in STEPS:
            assert step.id in text
            assert step.code[0].text in text
        assert "Slower." in text
    assert "## 2. Two (`two`)" in markdown(written)


def test_a_fence_in_the_code_does_not_end_the_code() -> None:
    shown = markdown(sheet(HandStep(id="x", title="X", why="", code=(shell_code("echo '```'"),))))
    assert "````bash\necho '```'\n````" in shown
