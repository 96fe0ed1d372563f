"""Reads the source: a psql for each worker that writes a piece's rows into a named pipe.

psql passes rows on in C, psycopg would hand each to Python. One psql serves piece after piece,
since a connection costs as much as a small chunk. After the rows it prints `done`, unless there
was an error: a binary COPY that is cut short at the end of a row looks complete to its reader.
"""

import asyncio
import fcntl
import os
import re
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path

from psycopg.conninfo import make_conninfo

from tswizard.core.db.child_process import Child, start_process
from tswizard.core.db.endpoint import child_environment
from tswizard.core.db.session_settings import (
    ROW_SECURITY_OFF,
    set_where_known,
    startup_options,
)
from tswizard.core.split.copy.copy_job import CopyJob
from tswizard.core.split.copy.errors import (
    SnapshotLost,
    SnapshotStale,
    SourceFailed,
    is_snapshot_missing,
)
from tswizard.core.split.copy.scripts import SourceScripts

PIPES = "tswizard-pipes-"
"""Prefix of the private folders that pipes lie in."""
_SET_PIPE_SIZE = getattr(fcntl, "F_SETPIPE_SZ", 1031)
_PIPE = 1 << 20
"""Bytes of the pipe between psql and us, where the system gives that many."""
_ERRORS = 64 << 10
"""Bytes of psql's messages that are kept."""

# What psql says at the end of a script is in `end`: here it is done, in others a query tells.
_IN_SESSION = f"{set_where_known()} \\g /dev/null\n\\set end done\n"

_MESSAGE = re.compile(r"(?:ERROR|FATAL|PANIC):\s+(?:([0-9A-Z]{5}): )?(.*)")


class PsqlProcess:
    """A running psql, and the named pipe that it writes rows to."""

    def __init__(self, process: asyncio.subprocess.Process, fifo: Path) -> None:
        self.child = Child(process)
        self._process = process
        self._fifo = fifo
        self._number = 0
        self._kept_open: int | None = None
        self._errors = asyncio.create_task(self._drain())
        self._end = asyncio.create_task(self._unblock())

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

    async def _unblock(self) -> None:
        """If psql exits without having opened the pipe, the pipe's reader must see an end."""
        await self._process.wait()
        self._let_end()
        with suppress(OSError):
            os.close(os.open(self._fifo, os.O_WRONLY | os.O_NONBLOCK))

    def _let_end(self) -> None:
        if self._kept_open is not None:
            os.close(self._kept_open)
            self._kept_open = None

    @contextmanager
    def pipe(self, *, keep_open: bool = False) -> Iterator[int]:
        """The pipe's reading end; it ends when psql has written all results of a query.

        psql before 15 opens it again for each result. With `keep_open` it ends only when psql does.
        """
        descriptor = os.open(self._fifo, os.O_RDONLY | os.O_NONBLOCK)
        with suppress(OSError):
            fcntl.fcntl(descriptor, _SET_PIPE_SIZE, _PIPE)
        if keep_open and self._process.returncode is None:
            self._kept_open = os.open(self._fifo, os.O_WRONLY | os.O_NONBLOCK)
        try:
            yield descriptor
        finally:
            self._let_end()
            os.close(descriptor)

    async def send(self, script: str) -> None:
        """Give psql a script, on its input since a wide table's SQL is too long for argv."""
        self._number += 1
        stream = self._process.stdin
        assert stream is not None
        with suppress(ConnectionError):
            stream.write(f"{script}\\echo :end {self._number}\n".encode())
            await stream.drain()

    async def finish(self) -> None:
        """Wait until psql has confirmed the end of the script.

        Raises SourceFailed, SnapshotLost, SnapshotStale.
        """
        stream = self._process.stdout
        assert stream is not None
        printed = (await stream.readline()).decode("utf-8", "replace").strip()
        if printed == f"done {self._number}":
            return
        if printed == f"stale {self._number}":
            raise SnapshotStale
        code = await self._process.wait()
        error = psql_error((await self._errors).decode("utf-8", "replace"), code)
        if is_snapshot_missing(error):
            raise SnapshotLost from error
        raise error

    async def close(self) -> None:
        """End psql, whatever it is doing."""
        await self.child.end()
        for task in (self._errors, self._end):
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task


class PsqlReader:
    """A worker's psql, started when it is needed and restarted after an error."""

    def __init__(self, job: CopyJob, folder: Path, passfile: str | None, number: int) -> None:
        self._job = job
        self._env = child_environment(os.environ, passfile) | {
            "PGCLIENTENCODING": job.options.encoding
        }
        self._fifo = folder / f"rows-{number}"
        self._psql: PsqlProcess | None = None
        self.scripts = SourceScripts(job.options, self._fifo)
        self._starting: asyncio.Task[PsqlProcess] | None = None

    def warm_up(self) -> None:
        """Have psql connect while other things are done. What keeps it from that is raised where it
        is needed first."""
        self._starting = asyncio.create_task(self._start())

    @asynccontextmanager
    async def running(
        self, script: str, *, keep_open: bool = False
    ) -> AsyncIterator[tuple[PsqlProcess, int]]:
        """psql running a script, and the pipe to read from (see `PsqlProcess.pipe`). Call `finish`
        at the pipe's end."""
        try:
            if self._psql is None:
                starting, self._starting = self._starting, None
                self._psql = await (starting or self._start())
            with self._psql.pipe(keep_open=keep_open) as descriptor:
                await self._psql.send(script)
                yield self._psql, descriptor
        except BaseException:
            await asyncio.shield(self.close())
            raise

    async def _start(self) -> PsqlProcess:
        source = self._job.source
        options = startup_options(source.get("options"), ROW_SECURITY_OFF)
        conninfo = make_conninfo(source.lasting_conninfo, options=options)
        self._fifo.unlink(missing_ok=True)
        os.mkfifo(self._fifo, 0o600)
        argv = (
            str(self._job.psql),
            "--no-psqlrc",
            "--quiet",
            "--no-password",
            "--set=ON_ERROR_STOP=1",
            "--set=VERBOSITY=verbose",
            f"--dbname={conninfo}",
        )
        process = await start_process(argv, self._env, stdin=PIPE, stderr=PIPE)
        psql = PsqlProcess(process, self._fifo)
        try:
            await psql.send(_IN_SESSION)
            await psql.finish()
        except BaseException:
            await asyncio.shield(psql.close())
            raise
        return psql

    async def close(self) -> None:
        """End psql; the next piece starts another."""
        if self._starting is not None:
            starting, self._starting = self._starting, None
            starting.cancel()
            with suppress(asyncio.CancelledError, SourceFailed, SnapshotLost, OSError):
                self._psql = await starting
        if self._psql is not None:
            psql, self._psql = self._psql, None
            await psql.close()


def psql_error(text: str, code: int) -> SourceFailed:
    """The error that psql exited with. Indented lines are hints that belong to the line above:
    `Is the server running on that host?`."""
    lines = [line for line in text.splitlines() if line[:1].strip()]
    for line in lines:
        if found := _MESSAGE.search(line):
            return SourceFailed(found[1], found[2].strip())
    message = lines[-1].removeprefix("psql: error: ") if lines else f"psql exited with {code}"
    return SourceFailed(None, message)
