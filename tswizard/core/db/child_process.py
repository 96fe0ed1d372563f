"""Client tools as child processes: in a process group of their own, and never left behind."""

import asyncio
import errno
import os
import shutil
import signal
import subprocess
import sys
from asyncio.subprocess import DEVNULL, PIPE, STDOUT
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

LINE_LIMIT = 1 << 20
"""Bytes after which a line without an end is cut."""

_EXEC_CHILD = str(Path(__file__).with_name("exec_child.py"))

_WAKE = ("sh", "-c", 'read -r _; kill -s CONT -- "-$0"')
"""A stopped process is not ended by the death of its parent, however that is told to it: so while
a group is paused, another process waits for the end of a pipe of ours and lets it continue then."""


async def start_process(
    argv: Sequence[str], env: Mapping[str, str], *, stdin: int, stderr: int
) -> asyncio.subprocess.Process:
    """Start a command that ends with this process however that ends, its output in a pipe.

    Raises OSError, FileNotFoundError for a command that is not there.
    """
    command = shutil.which(argv[0], path=env.get("PATH"))
    if command is None:
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), argv[0])
    started = [command, *argv[1:]]
    if sys.platform == "linux":
        launcher = [sys.executable, "-I", "-S", _EXEC_CHILD, str(os.getpid())]
        started = [*launcher, *started]
    return await asyncio.create_subprocess_exec(
        *started,
        env=env,
        stdin=stdin,
        stdout=PIPE,
        stderr=stderr,
        limit=LINE_LIMIT,
        start_new_session=True,
    )


class Child:
    """A running client tool, in its own process group, that dies with this process."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self._waker: subprocess.Popen[bytes] | None = None
        """While it is paused."""

    @classmethod
    async def start(cls, argv: Sequence[str], env: Mapping[str, str]) -> "Child":
        """Start it with no standard input and its output and errors in one stream of lines.

        Raises OSError.
        """
        return cls(await start_process(argv, env, stdin=DEVNULL, stderr=STDOUT))

    @property
    def pid(self) -> int:
        return self._process.pid

    async def lines(self, on_line: Callable[[str], Awaitable[None]]) -> int:
        """Hand every line over until the tool ends; its exit code. Ends it when cancelled."""
        stream = self._process.stdout
        assert stream is not None
        try:
            while True:
                try:
                    raw = await stream.readuntil(b"\n")
                except asyncio.IncompleteReadError as rest:
                    raw = rest.partial
                    if not raw:
                        break
                except asyncio.LimitOverrunError:
                    raw = await stream.read(LINE_LIMIT)
                await on_line(raw.decode("utf-8", "replace").rstrip("\r\n"))
            return await self._process.wait()
        finally:
            await self.end()

    def pause(self, paused: bool) -> None:
        """Stop the whole group, or let it continue."""
        self._dismiss_waker()
        if paused:
            self._waker = subprocess.Popen(
                [*_WAKE, str(self._process.pid)], stdin=subprocess.PIPE, start_new_session=True
            )
        self._signal(signal.SIGSTOP if paused else signal.SIGCONT)

    def _dismiss_waker(self) -> None:
        if self._waker is not None:
            self._waker.kill()
            self._waker.communicate()
            self._waker = None

    async def end(self, grace: float = 5.0) -> None:
        """End the group: politely first, then not."""
        self._dismiss_waker()
        if self._process.returncode is not None:
            return
        self._signal(signal.SIGTERM)
        self._signal(signal.SIGCONT)
        try:
            await asyncio.wait_for(self._process.wait(), grace)
        except TimeoutError:
            self._signal(signal.SIGKILL)
            await self._process.wait()

    def _signal(self, number: signal.Signals) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, number)
