"""What was copied, as a file."""

from pathlib import Path

import pytest

from tswizard.wizard.copied import where_copied, write_copied


def test_the_newest_of_a_name_stays_and_only_its_user_reads_it(tmp_path: Path) -> None:
    first = write_copied("GRANT a;", "“Restore the rows”", tmp_path)
    second = write_copied("GRANT b;\n", "“Restore the rows”", tmp_path)
    assert first == second == tmp_path / "copied" / "restore-the-rows.txt"
    assert second.read_text(encoding="utf-8") == "GRANT b;\n"
    assert second.stat().st_mode & 0o077 == 0
    assert second.parent.stat().st_mode & 0o077 == 0


def test_a_name_is_no_path(tmp_path: Path) -> None:
    written = write_copied("x", "../../etc/passwd", tmp_path)
    assert written == tmp_path / "copied" / "etc-passwd.txt"
    assert write_copied("x", "№", tmp_path).name == "text.txt"


def test_it_is_in_the_runs_folder_or_where_runs_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TSWIZARD_STATE_DIR", str(tmp_path / "state"))
    assert where_copied(tmp_path) == tmp_path
    assert where_copied(tmp_path / "gone") == tmp_path / "state"
    assert where_copied(None) == tmp_path / "state"
