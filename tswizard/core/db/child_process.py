"""Client tools as child processes: in a process group of their own, and never left behind."""

import asyncio
import errno
import fcntl
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

_BLOCK = 1 << 16
"""Bytes of output that are taken at once: nobody else has a turn while their lines are read."""

_BETWEEN = 0.01
"""Seconds between two looks at the output of a tool. It writes every line by itself, and waking up
for each costs several times what reading it does; the pipe holds what it says meanwhile."""

_EXEC_CHILD = str(Path(__file__).with_name("exec_child.py"))

_WAKE = ("sh", "-c", 'read -r _; kill -s CONT -- "-$0"')
"""A stopped process is not ended by the death of its parent, however that is told to it: so while
a group is paused, another process waits for the end of a pipe of ours and lets it continue then."""


async def start_process(
    argv: Sequence[str], env: Mapping[str, str], *, stdin: int, stderr: int, stdout: int = PIPE
) -> asyncio.subprocess.Process:
    """Start a command that ends with this process however that ends, its output in a pipe or in
    what `stdout` names.

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
        stdout=stdout,
        stderr=stderr,
        limit=LINE_LIMIT,
        start_new_session=True,
    )


class Child:
    """A running client tool, in its own process group, that dies with this process."""

    def __init__(self, process: asyncio.subprocess.Process, output: int | None = None) -> None:
        self._process = process
        self._output = output
        """The end of a pipe that holds what it says, until somebody reads it."""
        self._waker: subprocess.Popen[bytes] | None = None
        """While it is paused."""

    @classmethod
    async def start(cls, argv: Sequence[str], env: Mapping[str, str]) -> "Child":
        """Start it with no standard input and its output and errors in one stream of lines.

        Raises OSError.
        """
        output, given = os.pipe()
        try:
            _widen(given)
            os.set_blocking(output, False)
            process = await start_process(argv, env, stdin=DEVNULL, stderr=STDOUT, stdout=given)
        except BaseException:
            os.close(output)
            raise
        finally:
            os.close(given)
        return cls(process, output)

    @property
    def pid(self) -> int:
        return self._process.pid

    async def lines(self, on_lines: Callable[[list[str]], Awaitable[None]]) -> int:
        """Hand all lines over, as many at a time as there are, until the tool ends; its exit code.
        Ends it when cancelled."""
        output, self._output = self._output, None
        assert output is not None
        try:
            rest = b""
            while block := await _block(output, LINE_LIMIT - len(rest)):
                whole, end, rest = (rest + block).rpartition(b"\n")
                if len(rest) == LINE_LIMIT:
                    whole, end, rest = rest, b"\n", b""
                if end:
                    await on_lines(_decoded(whole))
                if len(block) < _BLOCK:
                    await asyncio.sleep(_BETWEEN)
            if rest:
                await on_lines(_decoded(rest))
            return await self._process.wait()
        finally:
            os.close(output)
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
        if self._output is not None:
            os.close(self._output)
            self._output = None
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


def _decoded(lines: bytes) -> list[str]:
    return [line.rstrip("\r") for line in lines.decode("utf-8", "replace").split("\n")]


async def _block(pipe: int, most: int) -> bytes:
    """What is in a pipe, as soon as there is something; nothing at its end."""
    while True:
        try:
            return os.read(pipe, min(_BLOCK, most))
        except BlockingIOError:
            await _readable(pipe)


async def _readable(pipe: int) -> None:
    loop = asyncio.get_running_loop()
    ready = asyncio.Event()
    loop.add_reader(pipe, ready.set)
    try:
        await ready.wait()
    finally:
        loop.remove_reader(pipe)


def _widen(pipe: int) -> None:
    """Room for what is said between two looks, where the system grants it."""
    if sys.platform == "linux":
        with suppress(OSError):
            fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, LINE_LIMIT)
