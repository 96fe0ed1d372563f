"""The run's record on the target: with it another machine goes on with nothing but the two ends.

It is written before the source is touched, and after every step; a step whose end did not come
to be written is repeated, which every step of a split migration can be. Whoever leads holds a lock
as long as the process lives.
"""

from dataclasses import dataclass

from pydantic import ValidationError

from tswizard.core.catalog.inventory import Inventory
from tswizard.core.db.connection import Connection, connect, connected, is_alive, rows, value
from tswizard.core.model.plan import Task
from tswizard.core.run.context import StepFailed, failed
from tswizard.core.run.run_folder import (
    RECORD_FORMAT,
    RunFolder,
    RunRecord,
    inventory_from_text,
    inventory_to_text,
    record_from_text,
    record_to_text,
)
from tswizard.core.split.copy.workers import KEEPALIVE
from tswizard.core.split.ledger.leader_lock import LeaderLock, acquire
from tswizard.core.split.ledger.plan_store import other_version, read_plan

_TABLE = """
CREATE SCHEMA IF NOT EXISTS _tswizard;
CREATE TABLE IF NOT EXISTS _tswizard.record (
  run text PRIMARY KEY, format int NOT NULL, location text NOT NULL, record text NOT NULL,
  inventory text NOT NULL, updated_at timestamptz NOT NULL DEFAULT pg_catalog.now())
"""

_WRITE = """
INSERT INTO _tswizard.record (run, format, location, record, inventory) VALUES (%s, %s, %s, %s, %s)
ON CONFLICT (run) DO UPDATE SET location = excluded.location, record = excluded.record,
  updated_at = pg_catalog.now()
"""

_SAVE = """
UPDATE _tswizard.record SET record = %s, updated_at = pg_catalog.now()
WHERE run = %s AND location = %s
"""

# What would be lost with the record: a plan of pieces, or a schema that was being restored.
_BEGUN = """
SELECT pg_catalog.to_regclass('_tswizard.ledger') IS NOT NULL
  OR pg_catalog.to_regclass('_tswizard.schema_restore') IS NOT NULL
"""

# A step may take hours in which this connection has nothing to say (PostgreSQL 14 and later).
_NO_TIMEOUT = """
SELECT pg_catalog.set_config(name, '0', false) FROM pg_catalog.pg_settings
WHERE name = 'idle_session_timeout'
"""


@dataclass(frozen=True, slots=True)
class StoredRun:
    """A run as its target knows it."""

    location: str
    """Who led it last: `host:folder`."""
    record: RunRecord
    inventory: Inventory


async def read(target: Connection) -> StoredRun | None:
    """The run on this target; None when there is none. Raises StepFailed for another version's."""
    if await value(target, "SELECT pg_catalog.to_regclass('_tswizard.record')") is None:
        return None
    number = await value(target, "SELECT format FROM _tswizard.record")
    if number is None:
        return None
    if number != RECORD_FORMAT:  # the columns of another format may have other names
        raise other_version(f"it has format {number}, this tswizard knows {RECORD_FORMAT}")
    query = "SELECT location, record, inventory FROM _tswizard.record"
    location, record, inventory = (await rows(target, query))[0]
    try:
        return StoredRun(location, record_from_text(record), inventory_from_text(inventory))
    except ValidationError as error:
        raise other_version(f"{error.error_count()} of its fields do not fit") from None


class RunRecordStore:
    """Keeps a run's record on the target, and the lead."""

    def __init__(self, task: Task, run_folder: RunFolder) -> None:
        self._task = task
        self._run_folder = run_folder
        self._target: Connection | None = None
        self._begun = False
        self._behind = False
        self.refused = False
        """The target is somebody else's: nothing of the run's may be touched from here."""

    async def lead(self) -> None:
        """Hold the lead and have the record there; cheap when both is so.

        Raises StepFailed when another leads or the target is another run's, CannotConnect,
        psycopg.Error.
        """
        if self._target is not None and not await is_alive(self._target):
            await self.close()
        if self._target is None and (self._task.concurrent or not self._begun):
            await self._open()
        if self._behind:
            await self.save()

    async def _open(self) -> None:
        target = await connect(self._task.target)
        try:
            await self._take(target)
        except BaseException as error:
            self.refused = isinstance(error, StepFailed)
            await target.close()
            raise
        self.refused = False
        if self._task.concurrent:
            self._target = target
        else:  # one backend for all: a connection that stays open holds up the others
            await target.close()

    async def _take(self, target: Connection) -> None:
        run, where = self._run_folder.record.id, self._task.target.label
        stored, kept = await read_plan(target), await read(target)
        if self._task.concurrent:
            await target.execute(KEEPALIVE)
            await target.execute(_NO_TIMEOUT)
            if not await acquire(target, LeaderLock.RUN):
                raise failed(
                    "target-busy",
                    "Another tswizard leads a run on the target right now"
                    + (f": {kept.record.id}, at {kept.location}." if kept else "."),
                    where=where,
                    todo="Let it end, or help it along: tswizard join.",
                )
            kept = await read(target)  # the last word of whoever held the lock
        other = stored.run if stored else kept.record.id if kept else run
        if other != run and (await value(target, _BEGUN) or _owes(kept)):
            raise failed(
                "target-taken",
                f"The target holds an unfinished run of tswizard, {other}.",
                where=where,
                todo=f"Resume that one (tswizard resume {other}, or on another machine "
                "tswizard resume --target …) or take an empty target.",
            )
        if self._begun and kept is not None and kept.location != self._run_folder.location:
            raise failed(
                "taken-over",
                f"Meanwhile this run was taken up at {kept.location}.",
                where=where,
                todo="Go on there; or resume here, which begins with what was done there.",
            )
        await self._write(target)

    async def _write(self, target: Connection) -> None:
        inventory = inventory_to_text(self._task.inventory)
        record = self._run_folder.record
        async with target.transaction():
            await target.execute(_TABLE)
            await target.execute("DELETE FROM _tswizard.record WHERE run <> %s", (record.id,))
            await target.execute(
                _WRITE,
                (
                    record.id,
                    RECORD_FORMAT,
                    self._run_folder.location,
                    record_to_text(record),
                    inventory,
                ),
            )
        self._begun, self._behind = True, False

    async def save(self) -> None:
        """Bring the record on the target up to date. Raises CannotConnect, psycopg.Error."""
        if not self._begun or self.refused:
            return
        self._behind = True
        record = self._run_folder.record
        args = (record_to_text(record), record.id, self._run_folder.location)
        if self._task.concurrent:
            if self._target is None:
                await self._open()
            assert self._target is not None
            await self._target.execute(_SAVE, args)
        else:
            async with connected(self._task.target) as target:
                await target.execute(_SAVE, args)
        self._behind = False

    async def close(self) -> None:
        """Let go of the lead."""
        if self._target is not None:
            target, self._target = self._target, None
            await target.close()


def _owes(kept: StoredRun | None) -> bool:
    """Has that run paused jobs of its source that nobody would put back?"""
    return bool(kept and kept.record.paused_source_jobs)
