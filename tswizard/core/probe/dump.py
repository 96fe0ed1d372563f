"""Times full's own pg_dump on a sample.

It writes into a pipe and not into a folder: nothing can be left behind, and no disk is needed.
"""

import asyncio
import os
import re
import time
from asyncio.subprocess import DEVNULL, PIPE
from contextlib import suppress
from dataclasses import dataclass, field

from psycopg import Error

from tswizard.core.db.child_process import Child, start_process
from tswizard.core.db.connection import Connection, connected, rows
from tswizard.core.db.endpoint import child_environment
from tswizard.core.db.errors import CannotConnect, ServerError
from tswizard.core.db.identifiers import qualified
from tswizard.core.db.passfile import passfile
from tswizard.core.db.redact import redact
from tswizard.core.full.dump import compression
from tswizard.core.model.prepared import Prepared
from tswizard.core.model.probed import Sample, SampleRelation, Timed, Timing
from tswizard.core.probe.limits import (
    LOCK_TIMEOUT,
    LONGEST,
    STATEMENT_TIMEOUT,
    TICK,
    OnBytes,
    TimingRefused,
    refused,
)

_STARTED = re.compile(r'^pg_dump: dumping contents of table "(.*)"$')
_BLOCK = 256 << 10

# PostgreSQL 14 and later; a role sees its own sessions.
# https://www.postgresql.org/docs/current/progress-reporting.html#COPY-PROGRESS-REPORTING
_PROGRESS = """
SELECT n.nspname || '.' || c.relname, p.tuples_processed
FROM pg_catalog.pg_stat_progress_copy p
JOIN pg_catalog.pg_class c ON c.oid = p.relid
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE p.datname = pg_catalog.current_database() AND c.oid = ANY (%s::regclass[]::oid[])
"""
_SINCE = 140000


def sample_dump_command(prepared: Prepared, sample: Sample) -> tuple[str, ...]:
    """Full's pg_dump of the sample alone, on one connection, into its output."""
    assert prepared.tools is not None
    return (
        str(prepared.tools.pg_dump),
        "--no-password",
        "--verbose",
        "--format=custom",
        f"--compress={compression(prepared.tools)}",
        "--data-only",
        "--strict-names",
        f"--lock-wait-timeout={LOCK_TIMEOUT}",
        *(f"--table={qualified(*relation.dumped)}" for relation in sample.relations),
        f"--dbname={prepared.source.lasting_conninfo}",
    )


async def time_dump(prepared: Prepared, sample: Sample, on_bytes: OnBytes) -> Timing:
    """Dump the sample; after `LONGEST` seconds what was dumped until then counts.

    Raises TimingRefused with what pg_dump says.
    """
    if prepared.tools is None:
        raise TimingRefused("There is no pg_dump on this machine that serves this server.")
    with passfile(prepared.source) as path:
        process = await start_process(
            sample_dump_command(prepared, sample),
            child_environment(os.environ, path),
            stdin=DEVNULL,
            stderr=PIPE,
        )
        work = _SampleDump(prepared=prepared, sample=sample, process=process)
        try:
            return await work.run(on_bytes)
        finally:
            await asyncio.shield(Child(process).end(1.0))


@dataclass(slots=True, kw_only=True)
class _SampleDump:
    prepared: Prepared
    sample: Sample
    process: asyncio.subprocess.Process
    began: float = field(default_factory=time.monotonic)
    first: float | None = None
    """When the first row was asked for."""
    current: SampleRelation | None = None
    done: int = 0
    """Bytes of the relations that are complete."""
    rows: int = 0
    begun: int = 0
    """Relations whose rows were asked for."""
    of_current: float = 0.0
    """How much of the current relation is dumped, 0 to 1."""
    errors: list[str] = field(default_factory=list)

    async def run(self, on_bytes: OnBytes) -> Timing:
        reading = asyncio.gather(self._discard(), self._messages())
        watching = asyncio.create_task(self._watch(on_bytes))
        complete = True
        try:
            await asyncio.wait_for(reading, LONGEST)
            code = await self.process.wait()
        except TimeoutError:
            complete, code = False, 0
        finally:
            watching.cancel()
            with suppress(asyncio.CancelledError):
                await watching
        ended = time.monotonic()
        if code != 0 or self.first is None:
            raise self._refusal(complete)
        if complete:
            self._finish()
        got = self._bytes
        if not got:
            raise TimingRefused(
                f"pg_dump had not finished any part of {self.sample.label} after {LONGEST:.0f} s."
            )
        on_bytes(got, ended - self.first)
        return Timing(
            what=Timed.DUMP,
            kind=self.sample.kind,
            table=self.sample.label,
            connections=1,
            bytes=got,
            stored=got,
            rows=self.rows,
            seconds=max(ended - self.first, 1e-3),
            before=self.first - self.began,
            complete=complete,
            pieces=max(1, self.begun),
        )

    def _refusal(self, complete: bool) -> TimingRefused:
        if not complete:
            return TimingRefused(f"pg_dump had not read the catalog after {LONGEST:.0f} s.")
        said = self.errors[0] if self.errors else "it does not say why"
        said = said.removeprefix("pg_dump: ").removeprefix("error: ")
        return refused(f"pg_dump cannot dump {self.sample.label}", ServerError(None, said))

    @property
    def _bytes(self) -> int:
        partial = self.of_current * self.current.bytes if self.current else 0
        return self.done + int(partial)

    async def _discard(self) -> None:
        stream = self.process.stdout
        assert stream is not None
        while await stream.read(_BLOCK):
            pass

    async def _messages(self) -> None:
        stream = self.process.stderr
        assert stream is not None
        by_name = {".".join(relation.dumped): relation for relation in self.sample.relations}
        while raw := await stream.readline():
            line = raw.decode("utf-8", "replace").strip()
            if started := _STARTED.match(line):
                self.first = self.first or time.monotonic()
                self._finish()
                self.begun += 1
                self.current = by_name.get(started[1])
            elif "error:" in line:
                self.errors.append(redact(line, [self.prepared.source]))

    def _finish(self) -> None:
        """The relation before this one is complete."""
        if self.current is not None:
            self.done += self.current.bytes
            self.rows += self.current.rows
        self.current, self.of_current = None, 0.0

    async def _watch(self, on_bytes: OnBytes) -> None:
        """Tell how far it is, until canceled; within a relation as the server tells it."""
        server = self.prepared.inventory.server
        if not server.concurrent or server.version_num < _SINCE:
            while True:
                self._tell(on_bytes)
                await asyncio.sleep(TICK)
        try:
            async with connected(self.prepared.source) as connection:
                await connection.execute(f"SET statement_timeout = '{STATEMENT_TIMEOUT}'".encode())
                while True:
                    await self._look(connection)
                    self._tell(on_bytes)
                    await asyncio.sleep(TICK)
        except (CannotConnect, Error):
            return  # the dump itself says what is wrong

    async def _look(self, connection: Connection) -> None:
        current = self.current
        if current is None or not current.dumped_rows:
            return
        found = await rows(connection, _PROGRESS, ([qualified(*current.dumped)],))
        if found and self.current is current:
            self.of_current = min(1.0, found[0][1] / current.dumped_rows)

    def _tell(self, on_bytes: OnBytes) -> None:
        since = time.monotonic() - self.first if self.first else 0.0
        on_bytes(self._bytes, since)
