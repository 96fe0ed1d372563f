"""Finding the client tools and choosing one."""

from pathlib import Path

import pytest

from tswizard.core.db.client_tools import ClientTools, choose, find_tools, inspect_tools


def tools(major: int, *, tls: bool = True) -> ClientTools:
    return ClientTools(
        folder=Path(f"/opt/{major}"),
        version=f"{major}.1",
        major=major,
        origin="system",
        tls=tls,
        compressions=("gzip",),
    )


def test_the_smallest_major_that_serves() -> None:
    found = [tools(18), tools(14), tools(16), tools(15, tls=False)]
    assert choose(found, 15, need_tls=False) == tools(15, tls=False)
    assert choose(found, 15, need_tls=True) == tools(16)
    assert choose(found, 17, need_tls=True) == tools(18)
    assert choose(found, 19, need_tls=False) is None


def test_the_wheel_is_found_and_understood() -> None:
    wheel = next(t for t in find_tools() if t.origin == "wheel")
    assert wheel.major >= 18
    assert wheel.pg_restore.exists()
    assert "gzip" in wheel.compressions


def test_a_folder_without_tools(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert inspect_tools(tmp_path, "PATH") is None
    broken = tmp_path / "pg_dump"
    for path in (broken, tmp_path / "pg_restore"):
        path.write_text("#!/bin/sh\nexit 1\n")
        path.chmod(0o755)
    assert inspect_tools(tmp_path, "PATH") is None
    monkeypatch.setenv("TSWIZARD_PG_BIN", str(tmp_path))
    assert find_tools() == ()
