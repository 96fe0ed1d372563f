"""The run's record on the target, with which any machine that reaches both ends can resume it.

It is written before the source is touched and after every step. A step whose end was not recorded
is repeated, which every step of a split migration can be. The process that runs the migration
holds a leader lock as long as it lives.
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
from tswizard.core.split.ledger.leader_lock import LeaderLock, acquire
from tswizard.core.split.ledger.plan_store import other_run, other_version, read_plan

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

# Does the target hold work of the recorded run: a plan, or a schema that was being restored?
_STARTED = """
SELECT pg_catalog.to_regclass('_tswizard.ledger') IS NOT NULL
  OR pg_catalog.to_regclass('_tswizard.schema_restore') IS NOT NULL
"""


@dataclass(frozen=True, slots=True)
class StoredRun:
    """A run as recorded on its target."""

    location: str
    """Run folder of the process that led it last: `host:folder`."""
    record: RunRecord
    inventory: Inventory


async def read_stored_run(target: Connection) -> StoredRun | None:
    """The run on this target; None if there is none. Raises StepFailed for another version's."""
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
    """Holds the leader lock of a run and keeps its record on the target up to date."""

    def __init__(self, task: Task, run_folder: RunFolder) -> None:
        self._task = task
        self._run_folder = run_folder
        self._target: Connection | None = None
        self._written = False
        self._outdated = False
        self.refused = False
        """Another process or run has the target: nothing may be changed from here any more."""

    async def ensure_leader(self) -> None:
        """Hold the leader lock and have the record on the target; cheap if that is so already.

        Raises StepFailed if another process holds the lock or the target is another run's,
        CannotConnect, psycopg.Error.
        """
        if self._target is not None and not await is_alive(self._target):
            await self.close()
        if self._target is None and (self._task.concurrent or not self._written):
            await self._open()
        if self._outdated:
            await self.save()

    async def _open(self) -> None:
        target = await connect(self._task.target)
        try:
            await self._lead(target)
        except BaseException as error:
            self.refused = isinstance(error, StepFailed)
            await target.close()
            raise
        self.refused = False
        if self._task.concurrent:
            self._target = target
        else:  # one backend for all sessions: an open connection blocks the others
            await target.close()

    async def _lead(self, target: Connection) -> None:
        run, where = self._run_folder.record.id, self._task.target.label
        plan, stored = await read_plan(target), await read_stored_run(target)
        if self._task.concurrent:
            if not await acquire(target, LeaderLock.RUN):
                raise failed(
                    "target-busy",
                    "Another tswizard process is running a migration on this target"
                    + (f": {stored.record.id}, in {stored.location}." if stored else "."),
                    where=where,
                    todo="Wait for it, or add workers with tswizard join.",
                )
            stored = await read_stored_run(target)  # as the lock's last holder left it
        other = plan.run if plan else stored.record.id if stored else run
        if other != run and (await value(target, _STARTED) or _has_paused_jobs(stored)):
            raise other_run(other, where)
        if self._written and stored is not None and stored.location != self._run_folder.location:
            raise failed(
                "taken-over",
                f"This run has since been resumed on {stored.location}.",
                where=where,
                todo="Continue there, or resume it here, which starts from what was done there.",
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
        self._written, self._outdated = True, False

    async def save(self) -> None:
        """Bring the record on the target up to date. Raises CannotConnect, psycopg.Error."""
        if not self._written or self.refused:
            return
        self._outdated = True
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
        self._outdated = False

    async def close(self) -> None:
        """Release the leader lock."""
        if self._target is not None:
            target, self._target = self._target, None
            await target.close()


def _has_paused_jobs(stored: StoredRun | None) -> bool:
    """Has that run paused jobs of its source, which nobody else would resume?"""
    return bool(stored and stored.record.paused_source_jobs)
