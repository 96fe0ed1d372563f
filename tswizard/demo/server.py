"""One embedded server as a child process, which ends with this process however that ends."""

import asyncio
import contextlib
import json
import os
import secrets
import signal
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from psycopg.conninfo import make_conninfo

from tswizard.demo.node import Node
from tswizard.demo.progress import DemoError

SERVER_CODE = Path(__file__).parent / "server"
USER = "tsdbadmin"
_START_SECONDS = 120
_STOP_SECONDS = 10


@dataclass(frozen=True, slots=True)
class Runtime:
    """What every server runs on: node and the unpacked npm package."""

    node: Node
    package: Path


class EmbeddedServer:
    """A server on 127.0.0.1 that serves one database of one data directory.

    The child is not bound to an event loop. It holds the other end of a pipe from this process
    and ends when that pipe closes, so that even a killed program leaves no server behind.
    """

    def __init__(
        self,
        runtime: Runtime,
        data_dir: Path,
        database: str,
        *,
        wait_timeout: float = 15,
        superuser: str = "",
    ) -> None:
        """`wait_timeout`: seconds that others wait for a connection idle in its transaction;
        `superuser`: a role that may log in beside USER, with the same password."""
        self._superuser = superuser
        self._wait_timeout = wait_timeout
        self._runtime = runtime
        self.data_dir = data_dir
        self._log = data_dir.with_name(f"{data_dir.name}.log")
        self._process: subprocess.Popen[str] | None = None
        self.database = database
        self.password = secrets.token_urlsafe(18)
        self.port = 0

    @property
    def conninfo(self) -> str:
        """How to connect, without the password."""
        return make_conninfo(host="127.0.0.1", port=self.port, dbname=self.database, user=USER)

    @property
    def process(self) -> subprocess.Popen[str] | None:
        """The child, from its start to its end."""
        return self._process

    @property
    def pid(self) -> int | None:
        """The process id while the server runs."""
        return self._process.pid if self._process and self._process.poll() is None else None

    @property
    def last_words(self) -> str:
        """The last line that the server wrote before it ended."""
        try:
            lines = self._log.read_text(errors="replace").strip().splitlines()
        except OSError:
            return ""
        return lines[-1] if lines else ""

    async def start(self) -> None:
        """Start on a free port (the same one when it is started again) and wait until it serves.

        Raises DemoError when the server does not come up.
        """
        with self._log.open("a") as log:
            process = self._spawn(log)
        self._process = process
        assert process.stdout is not None
        try:
            async with asyncio.timeout(_START_SECONDS):
                line = await asyncio.to_thread(process.stdout.readline)
        except TimeoutError as error:
            await self.stop()
            raise DemoError(
                f"The embedded server for {self.database} was not ready after {_START_SECONDS} s; "
                "this machine may be too busy, try again."
            ) from error
        except BaseException:
            self.kill()
            raise
        if not line:
            await asyncio.to_thread(process.wait)
            raise DemoError(
                f"The embedded server for {self.database} ended with code {process.returncode} "
                f"while it started: {self.last_words or 'it said nothing'}."
            )
        self.port = int(json.loads(line)["port"])

    def _spawn(self, log: IO[str]) -> subprocess.Popen[str]:
        config = {
            "packageDir": str(self._runtime.package),
            "dataDir": str(self.data_dir),
            "database": self.database,
            "roles": [
                {"name": name, "password": self.password}
                for name in (USER, self._superuser)
                if name
            ],
            "port": self.port,
            "waitTimeout": self._wait_timeout,
        }
        # Its own session: a Ctrl-C in the terminal is for the program, which then ends the server.
        process = subprocess.Popen(
            [self._runtime.node.path, SERVER_CODE / "server.mjs"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            start_new_session=True,
            env=_plain_environment(),
        )
        assert process.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            process.stdin.write(json.dumps(config) + "\n")
            process.stdin.flush()
        return process

    async def stop(self) -> None:
        """Shut down in order, with a checkpoint; by force if that takes too long."""
        process = self._process
        if process is None:
            return
        process.send_signal(signal.SIGTERM)
        try:
            await asyncio.to_thread(process.wait, _STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            await asyncio.to_thread(process.wait)
        finally:
            self._close()

    def kill(self) -> None:
        """End at once, as a crash or a power cut of the server would."""
        if self._process is None:
            return
        self._process.kill()
        self._process.wait()
        self._close()

    def _close(self) -> None:
        process, self._process = self._process, None
        for pipe in (process.stdin, process.stdout) if process else ():
            if pipe:
                with contextlib.suppress(BrokenPipeError):
                    pipe.close()


def _plain_environment() -> dict[str, str]:
    """This environment without what would change how node runs."""
    return {name: value for name, value in os.environ.items() if not name.startswith("NODE_")}
