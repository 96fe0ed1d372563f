"""The source's side of a piece: a psql that writes its rows into a pipe.

psql hands every row on in C; psycopg would hand each to Python. Its exit code is the source's
end: a binary COPY that is cut short at the end of a row looks complete to whoever reads it.
"""

import asyncio
import fcntl
import os
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from psycopg import sql
from psycopg.conninfo import make_conninfo

from tswizard.core.endpoint import Endpoint, child_environment
from tswizard.core.pgtools import Child, _die_with_parent
from tswizard.core.split.failures import MomentGone, SourceFailed, no_snapshot

_PIPE = 1 << 20
"""Bytes of the pipe between psql and us, where the system gives that many."""
_ERRORS = 64 << 10
"""Bytes of psql's messages that are kept."""

# As verify.session sets them: what a value looks like must not hang on roles and databases.
SETTINGS = {
    "statement_timeout": "0",
    "lock_timeout": "0",
    "idle_in_transaction_session_timeout": "0",
    "search_path": "pg_catalog",
    "row_security": "off",
    "DateStyle": "ISO",
    "IntervalStyle": "postgres",
    "TimeZone": "UTC",
    "extra_float_digits": "1",
    "bytea_output": "hex",
    "xmloption": "content",
    "lc_monetary": "C",
    "jit": "off",
}
# Set in the session, since a server without TimescaleDB loaded would refuse them at its door.
_IN_SESSION = "SET timescaledb.enable_transparent_decompression = on;"

_MESSAGE = re.compile(r"(?:ERROR|FATAL|PANIC):\s+(?:([0-9A-Z]{5}): )?(.*)")


def find_psql(folder: Path) -> Path | None:
    """The psql beside a pg_dump."""
    path = folder / "psql"
    return path if os.access(path, os.X_OK) else None


def script(statement: sql.Composable, snapshot: str | None, filenode: "Guard | None") -> str:
    """What psql is told: one transaction that reads, at the moment if one is held."""
    lines = ["BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;"]
    if snapshot is not None:
        lines.append(f"SET TRANSACTION SNAPSHOT {sql.Literal(snapshot).as_string(None)};")
    lines.append(_IN_SESSION)
    if filenode is not None:
        lines.append(filenode.statement)
    lines += [statement.as_string(None) + ";", "COMMIT;"]
    return "\n".join(lines) + "\n"


class Guard:
    """Fails with a division by zero when a relation was rewritten since it was planned."""

    def __init__(self, relation: sql.Identifier, filenode: int) -> None:
        name = sql.Literal(relation.as_string(None)).as_string(None)
        # To nowhere: psql's output is rows.
        self.statement = (
            f"SELECT 1 / (pg_catalog.pg_relation_filenode({name}::pg_catalog.regclass) = "
            f"{filenode})::int \\g /dev/null"
        )


def environment(env: Mapping[str, str], passfile: str | None, encoding: str) -> dict[str, str]:
    """The environment of psql; no secret in it."""
    return child_environment(env, passfile) | {"PGCLIENTENCODING": encoding}


class Reader:
    """A running psql and the pipe that its rows come through."""

    def __init__(self, process: asyncio.subprocess.Process, pipe: int) -> None:
        self.pipe = pipe
        self.child = Child(process)
        self._process = process
        self._errors = asyncio.create_task(self._drain())

    @property
    def pid(self) -> int:
        return self._process.pid

    async def _drain(self) -> bytes:
        stream = self._process.stderr
        assert stream is not None
        kept = b""
        while more := await stream.read(_ERRORS):
            kept = (kept + more)[-_ERRORS:]
        return kept

    async def finish(self) -> None:
        """Wait for psql's end, after its pipe ran dry. Raises SourceFailed, MomentGone."""
        code = await self._process.wait()
        text = (await self._errors).decode("utf-8", "replace")
        if code == 0:
            return
        error = _error(text, code)
        if no_snapshot(error):
            raise MomentGone from error
        raise error

    async def close(self) -> None:
        """End psql if it still runs, and close the pipe."""
        os.close(self.pipe)
        await self.child.end()
        self._errors.cancel()
        with suppress(asyncio.CancelledError):
            await self._errors


def _error(text: str, code: int) -> SourceFailed:
    lines = text.strip().splitlines()
    for line in lines:
        if found := _MESSAGE.search(line):
            return SourceFailed(found[1], found[2].strip())
    message = lines[-1].removeprefix("psql: error: ") if lines else f"psql ended with {code}"
    return SourceFailed(None, message)


@asynccontextmanager
async def reading(
    psql: Path, endpoint: Endpoint, env: Mapping[str, str], text: str
) -> AsyncIterator[Reader]:
    """A psql that carries the script out, ended at the end however that comes."""
    options = " ".join(f"-c {name}={value}" for name, value in SETTINGS.items())
    conninfo = make_conninfo(
        endpoint.conninfo, options=f"{endpoint.get('options')} {options}".strip()
    )
    ours, theirs = os.pipe()
    with suppress(OSError):
        fcntl.fcntl(ours, fcntl.F_SETPIPE_SZ, _PIPE)
    try:
        process = await asyncio.create_subprocess_exec(
            psql,
            "--no-psqlrc",
            "--quiet",
            "--no-password",
            "--set=ON_ERROR_STOP=1",
            "--set=VERBOSITY=verbose",
            f"--dbname={conninfo}",
            env=env,
            stdin=asyncio.subprocess.PIPE,
            stdout=theirs,
            stderr=asyncio.subprocess.PIPE,
            start_new_session=True,
            preexec_fn=_die_with_parent,
        )
    except BaseException:
        os.close(ours)
        raise
    finally:
        os.close(theirs)
    reader = Reader(process, ours)
    try:
        # By its input, not its arguments: a wide table's SQL is longer than one may be.
        assert process.stdin is not None
        with suppress(ConnectionError):
            process.stdin.write(text.encode())
            await process.stdin.drain()
        process.stdin.close()
        yield reader
    finally:
        await asyncio.shield(reader.close())
