"""Folders that end with the process that made them."""

import asyncio
import sys
from pathlib import Path

import pytest

from tswizard.core.db.private_folder import private_folder, remove_abandoned


def test_private_while_it_lives_and_gone_afterwards(tmp_path: Path) -> None:
    with private_folder("of-ours-", tmp_path) as folder:
        assert folder.parent == tmp_path
        assert folder.name.startswith("of-ours-")
        assert folder.stat().st_mode & 0o777 == 0o700
        (folder / "file").write_text("x")
    assert list(tmp_path.iterdir()) == []


def test_the_system_s_temporary_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with private_folder("of-ours-") as folder:
        assert folder.parent == tmp_path


_HOLDING = """
import sys
from pathlib import Path
from tswizard.core.db.private_folder import private_folder
with private_folder("of-ours-", Path(sys.argv[1])) as folder:
    print(folder, flush=True)
    sys.stdin.read()
"""


async def test_a_living_process_keeps_its_folder_and_a_killed_one_does_not(tmp_path: Path) -> None:
    holder = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        _HOLDING,
        str(tmp_path),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    assert holder.stdout is not None
    theirs = Path((await holder.stdout.readline()).decode().strip())
    with private_folder("of-ours-", tmp_path) as ours:
        assert theirs.is_dir()
        holder.kill()
        await holder.wait()
        remove_abandoned("of-others-", tmp_path)
        assert theirs.is_dir()
        remove_abandoned("of-ours-", tmp_path)
        assert not theirs.exists()
        assert ours.is_dir()


def test_what_is_no_folder_of_ours_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "of-ours-empty").mkdir()
    (tmp_path / "of-ours-file").write_text("x")
    (tmp_path / "of-ours-link").symlink_to(tmp_path / "of-ours-empty")
    with private_folder("of-ours-", tmp_path):
        pass
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "of-ours-empty",
        "of-ours-file",
        "of-ours-link",
    ]
