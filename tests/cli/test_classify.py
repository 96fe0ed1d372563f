"""What `tswizard classify` prints, and how it exits."""

import json
from io import BytesIO
from pathlib import Path

import pytest
from click.testing import CliRunner

from tswizard.cli.classify import classify
from tswizard.cli.main import cli
from tswizard.exit_codes import Exit


def run(raw: bytes, capsys: pytest.CaptureFixture[str]) -> tuple[int, list[str]]:
    code = classify(BytesIO(raw), None, None, None, as_json=False)
    return code, capsys.readouterr().out.splitlines()


def test_it_takes_what_psql_prints(tmp_path: Path) -> None:
    log = tmp_path / "psql.log"
    log.write_text('SET\nERROR:  role "auditors" does not exist\n')
    result = CliRunner().invoke(cli, ["classify", "--tool", "psql", "--json", str(log)])
    (message,) = json.loads(result.output)["judged"]
    assert (message["tool"], result.exit_code) == ("psql", Exit.LOOK)
    assert 'role "auditors" does not exist' in message["message"]


def test_what_says_the_same_is_said_once(capsys: pytest.CaptureFixture[str]) -> None:
    line = b"psql:m.sql:%d: error: invalid command \\N\n"
    code, lines = run(b"".join(line % n for n in range(1, 301)), capsys)
    assert code == Exit.LOOK
    assert "invalid command \\N (300 like this, up to line 300)" in lines[0]
    assert lines[2:] == [
        "300 lines: 0 safe, 0 later, 300 need a look, 0 lost something",
        "300 of them were recognized (100%)",
    ]


def test_what_differs_by_a_name_is_said_once_with_all_names(
    capsys: pytest.CaptureFixture[str],
) -> None:
    line = 'pg_restore: WARNING:  no privileges were granted for "%s"\n'
    names = ["chunk", "bgw_job", "hypertable", "bgw_job"]
    _, lines = run("".join(line % name for name in names).encode(), capsys)
    assert sum("LOOK" in one for one in lines) == 1
    assert 'granted for "chunk" (4 like this, up to line 4)' in lines[0]
    assert lines[2].strip() == "The same for: bgw_job, hypertable."


def test_what_is_lost_is_named_one_by_one(capsys: pytest.CaptureFixture[str]) -> None:
    line = 'pg_restore: error: COPY failed for table "t%d": ERROR:  x\n'
    _, lines = run("".join(line % n for n in range(5)).encode(), capsys)
    assert sum("LOST" in one for one in lines) == 5


def test_how_the_log_was_read_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    said = "restore-1  | FEHLER:  Rolle »a« existiert nicht\n"
    code, lines = run(said.encode("cp1252"), capsys)
    assert code == Exit.LOOK
    assert lines[-1] == (
        "1 of them were recognized (100%); languages besides English: de; encoding: cp1252; "
        "taken off: docker compose"
    )


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (b"SET\nCREATE TABLE\nCOPY 881\n", Exit.PASSED),
        (b"", Exit.LOOK),
        (b"all went well\n", Exit.LOOK),
        ('pg_restore: 错误: 复制表"t"失败: 错误:  x\n'.encode("utf-16"), Exit.LOOK),
    ],
)
def test_only_a_log_that_was_understood_can_pass(
    raw: bytes, code: Exit, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(raw, capsys)[0] == code
