"""tswizard as a user starts it: a process, its lines, its exit code, its files."""

import asyncio
import json
import os
import signal
import sys
from asyncio.subprocess import Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from psycopg.conninfo import conninfo_to_dict

from tests.support.processes import children, gone, idle, name
from tswizard.demo import EmbeddedPair


@dataclass(frozen=True, slots=True)
class Ended:
    """How a call ended."""

    code: int
    out: str
    err: str


@dataclass(slots=True)
class Program:
    """Calls of tswizard with a home, a state directory and a passfile of their own."""

    folder: Path
    env: dict[str, str] = field(default_factory=dict)
    _started: asyncio.subprocess.Process | None = None
    """The one that runs now or ran last."""

    @classmethod
    def make(cls, folder: Path, pair: EmbeddedPair) -> "Program":
        return cls.between(
            folder,
            (pair.source_conninfo, pair.source_password),
            (pair.target_conninfo, pair.target_password),
        )

    @classmethod
    def between(cls, folder: Path, *ends: tuple[str, str]) -> "Program":
        """For any ends: the conninfo and the password of each."""
        passfile = folder / "pgpass"
        passfile.write_text("".join(_pgpass(conninfo, password) for conninfo, password in ends))
        passfile.chmod(0o600)
        env = {k: v for k, v in os.environ.items() if not k.startswith("PG")}
        env |= {
            "PGPASSFILE": str(passfile),
            "TSWIZARD_STATE_DIR": str(folder / "state"),
            "TMPDIR": str(folder),
        }
        return cls(folder, env)

    def answers(self, pair: EmbeddedPair, **given: Any) -> Path:
        """An answers file for the pair; keys of the [answers] table by name. Nothing is timed
        unless `probe` says so: most runs are not about that."""
        return self.answers_for(pair.source_conninfo, pair.target_conninfo, **given)

    def answers_for(self, source: str, target: str, confirm: str = "tsdb", **given: Any) -> Path:
        path = self.folder / "answers.toml"
        lines = [
            "[source]",
            f"conninfo = {json.dumps(source)}",
            "[target]",
            f"conninfo = {json.dumps(target)}",
            f"confirm = {json.dumps(confirm)}",
            "[answers]",
            *(f"{key} = {json.dumps(value)}" for key, value in ({"probe": False} | given).items()),
        ]
        path.write_text("\n".join(lines) + "\n")
        return path

    @asynccontextmanager
    async def started(
        self, *args: str | Path, wrapper: tuple[str, ...] = ()
    ) -> AsyncIterator[asyncio.subprocess.Process]:
        """A running tswizard in a process group of its own; ended at the end."""
        process = await asyncio.create_subprocess_exec(
            *wrapper,
            sys.executable,
            "-m",
            "tswizard",
            *map(str, args),
            env=self.env,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            start_new_session=True,
        )
        self._started = process
        try:
            yield process
        finally:
            if process.returncode is None:
                # It may have ended, and asyncio not know yet.
                with suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                await process.wait()

    async def killed_at(self, said: str, *args: str | Path) -> None:
        """Start it, kill it (-9) when it says a line that begins so; its tools have ended too."""
        async with self.started(*args) as process:
            assert process.stderr is not None
            async for line in process.stderr:
                if line.decode().startswith(said):
                    break
            tools = children(process.pid)
            os.kill(process.pid, signal.SIGKILL)
            await process.wait()
        for pid in tools:
            await gone(pid)

    async def call(self, *args: str | Path, wrapper: tuple[str, ...] = ()) -> Ended:
        """Run it to its end."""
        async with self.started(*args, wrapper=wrapper) as process:
            out, err = await process.communicate()
            assert process.returncode is not None
            return Ended(process.returncode, out.decode(), err.decode())

    @property
    def runs(self) -> list[Path]:
        return sorted((self.folder / "state" / "runs").glob("*/"))

    @property
    def run(self) -> Path:
        """The folder of the only run."""
        (folder,) = self.runs
        return folder

    def report(self) -> dict[str, Any]:
        data: dict[str, Any] = json.loads((self.run / "report.json").read_text())
        return data

    async def log_says(self, text: str, *, after: str = "", times: int = 1) -> None:
        """Wait until the run's log holds this text so often, behind another where one is given;
        the program that was started last is expected to write it before it ends."""
        async with asyncio.timeout(600):
            while self.log_has(text, after=after) < times:
                ended = self._started is None or self._started.returncode is not None
                if ended and self.log_has(text, after=after) < times:
                    said = await self._last_words()
                    pytest.fail(f"the program ended and its log does not say: {text}\n{said}")
                await asyncio.sleep(0.005)

    async def _last_words(self) -> str:
        """What the program that has ended said on stderr, and the end of the runs' logs."""
        if self._started is None or self._started.stderr is None:
            return "it never started"
        err = (await self._started.stderr.read()).decode()
        logs = [path.read_text()[-2000:] for path in self.logs()]
        return "\n".join((f"exit {self._started.returncode}", err, *logs))

    async def killed_with_its_tools_at_work(self, process: Process, text: str) -> list[int]:
        """Kill the running program (-9) where its log has this line of a client tool, while that
        tool runs; the pids of all that ran. They are stopped meanwhile: on a busy machine they
        could have ended before anybody looks, and the next one have begun."""
        tool = text.partition(":")[0]
        async with asyncio.timeout(600):
            while True:
                tools = children(process.pid)
                if tool in map(name, tools):
                    _signal(tools, signal.SIGSTOP)
                    await self._log_rests(process.pid)  # what they had printed is in it
                    if self.log_has(text):
                        os.kill(process.pid, signal.SIGKILL)
                        await process.wait()
                        _signal(tools, signal.SIGCONT)
                        return tools
                    _signal(tools, signal.SIGCONT)
                if process.returncode is not None:
                    pytest.fail(f"the program ended and its log does not say: {text}")
                await asyncio.sleep(0.005)

    async def _log_rests(self, pid: int) -> None:
        """Wait until the log stays as it is while its program waits: output is read in portions."""
        looks, seen = 0, -1
        while looks < 6:
            await idle(pid)
            size = sum(path.stat().st_size for path in self.logs())
            looks, seen = (looks + 1 if size == seen else 0), size

    def log_has(self, text: str, *, after: str = "") -> int:
        """How often the run's log holds this text, behind another where one is given."""
        return sum(_behind(path.read_text(), after).count(text) for path in self.logs())

    def logs(self) -> list[Path]:
        return list((self.folder / "state" / "runs").glob("*/log.txt"))


def _signal(pids: list[int], number: signal.Signals) -> None:
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, number)


def _behind(text: str, after: str) -> str:
    return text.partition(after)[2] if after else text


def _pgpass(conninfo: str, password: str) -> str:
    parts = conninfo_to_dict(conninfo)
    escaped = password.replace("\\", "\\\\").replace(":", "\\:")
    return f"{parts['host']}:{parts['port']}:*:{parts['user']}:{escaped}\n"
