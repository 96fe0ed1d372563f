"""The passfile: private, complete, gone."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tswizard.core.db.endpoint import Endpoint, passfile_line
from tswizard.core.db.passfile import passfile
from tswizard.core.db.redact import redact

SECRET = r"p:a\ss'wörd "


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    return tmp_path


def test_private_while_it_lives_and_gone_afterwards(temporary: Path) -> None:
    endpoint = Endpoint.parse("host=/tmp dbname=x", password=SECRET)
    with passfile(endpoint) as path:
        assert path is not None
        assert Path(path).stat().st_mode & 0o777 == 0o600
        assert Path(path).parent.stat().st_mode & 0o777 == 0o700
        assert Path(path).read_text() == passfile_line(SECRET)
    assert list(temporary.iterdir()) == []


def test_none_without_a_password() -> None:
    with passfile(Endpoint.parse("host=/tmp dbname=x")) as path:
        assert path is None


def test_colons_and_backslashes_are_escaped() -> None:
    assert passfile_line(r"a:b\c") == "*:*:*:*:a\\:b\\\\c\n"


def test_what_a_killed_process_left_is_removed_by_the_next(temporary: Path) -> None:
    program = (
        "import os\n"
        "from tswizard.core.db.endpoint import Endpoint\n"
        "from tswizard.core.db.passfile import passfile\n"
        "with passfile(Endpoint.parse('host=/tmp dbname=x', password='s3cret')):\n"
        "    os.kill(os.getpid(), 9)\n"
    )
    env = os.environ | {"TMPDIR": str(temporary)}
    killed = subprocess.run([sys.executable, "-c", program], env=env, check=False)
    assert killed.returncode == -9
    (left,) = temporary.iterdir()
    assert "s3cret" in (left / "passfile").read_text()
    with passfile(Endpoint.parse("host=/tmp dbname=x")):
        assert not left.exists()


def test_redaction_and_repr_hold_no_password() -> None:
    endpoint = Endpoint.parse("host=/tmp dbname=x", password=SECRET)
    assert SECRET not in repr(endpoint)
    assert SECRET not in endpoint.conninfo
    assert redact(f"before {SECRET} after", [endpoint]) == "before ******** after"
